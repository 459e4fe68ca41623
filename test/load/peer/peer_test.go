package peer

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/admit-id/admit/test/load/org"
)

func TestMessages(t *testing.T) {
	m := number(message(text(nil, 1, "token"), 3, number(nil, 2, 7)), 2, 300)
	for want, value := range map[int]uint64{1: 0, 2: 300, 9: 0} {
		if got, err := field(m, want); err != nil || got != value {
			t.Errorf("field %d: %d, %v", want, got, err)
		}
	}
	for cut := 1; cut < len(m); cut++ {
		_, _ = field(m[:cut], 9) // whatever is cut off, nothing is read beyond
	}
	if _, err := field([]byte{1<<3 | 2, 200}, 9); err == nil {
		t.Error("a length beyond the message passes")
	}
}

// A server with the answer yes or no, by gRPC's own framing and trailers.
func TestWorkersJudgeAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		if r.URL.Path == "/fails" {
			w.Header().Set("Grpc-Status", "13")
			return
		}
		_, _ = w.Write(frame(number(nil, 1, 1)))
		w.Header().Set("Grpc-Status", "0")
	})}
	go s.Serve(l)
	defer s.Close()
	d := dial(l.Addr().String(), "")
	defer d.close()
	checks := []org.Check{{User: "a", Allow: true}, {User: "b", Allow: false}}
	open := func(method string) func(int) error {
		w, err := d.calls(method, checks, func(c org.Check) []byte { return text(nil, 1, c.User) }, func(m []byte) (bool, error) {
			n, err := field(m, 1)
			return n == 1, err
		})(0)
		if err != nil {
			t.Fatal(err)
		}
		return func(i int) error { return w.Do(context.Background(), i) }
	}
	if err := open("/right")(0); err != nil {
		t.Error(err)
	}
	if open("/right")(1) == nil {
		t.Error("a wrong answer passes")
	}
	if open("/fails")(0) == nil {
		t.Error("a failure passes")
	}
}

func TestTuplesSayTheOrganisation(t *testing.T) {
	o := org.New(org.Small)
	all := tuples(o)
	if want := len(o.Grants) + len(o.Members) + len(o.Resources) - 4; len(all) != want {
		t.Errorf("%d, want %d", len(all), want)
	}
	if !slices.Contains(all, tuple{"doc", "a0-p0-d0", "viewer", "user", "list10", ""}) || !slices.Contains(all, tuple{"doc", "a0-p0-d5", "viewer", "group", "glist10", "member"}) {
		t.Error("a grant is missing")
	}
	var model map[string]any
	if err := json.Unmarshal([]byte(fgaModel()), &model); err != nil {
		t.Error(err)
	}
	sent := make([]int, 100)
	items := make([]int, 100)
	for i := range items {
		items[i] = i
	}
	if err := inBatches(items, 7, func(_ int, batch []int) error {
		for _, i := range batch {
			sent[i]++
		}
		return nil
	}); err != nil || slices.ContainsFunc(sent, func(n int) bool { return n != 1 }) {
		t.Error(sent, err)
	}
}

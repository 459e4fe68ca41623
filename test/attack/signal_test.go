package attack

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/test/process"
)

// receiver is a service client of another maker, with a place to be told at.
type receiver struct {
	w       *world
	id, key string
	stream  string

	mu    sync.Mutex
	heard map[string][]string // event -> the jti of every token of it
	seen  []*http.Request
}

func (r *receiver) call(method, path string, body any) answer {
	r.w.t.Helper()
	text := ""
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			r.w.t.Fatal(err)
		}
		text = string(raw)
	}
	return r.w.send(method, path, text, "Authorization", "Bearer "+r.key, "Content-Type", "application/json")
}

// receiver makes one by /v1, which may have streams and nothing else.
func (w *world) receiver(name string) *receiver {
	w.t.Helper()
	admin := func(path, body string, member string) string {
		a := w.send("POST", path, body, "Authorization", "Bearer "+w.key, "Content-Type", "application/json")
		var out map[string]any
		if json.Unmarshal([]byte(a.body), &out) != nil || a.status != 201 {
			w.t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		text, _ := out[member].(string)
		return text
	}
	r := &receiver{w: w, heard: map[string][]string{}}
	r.id = admin("/v1/clients", `{"name":"`+name+`"}`, "clientId")
	r.key = admin("/v1/clients/"+r.id+"/access-keys", `{}`, "accessKey")
	admin("/v1/records", `{"name":"`+name+`","users":[{"userId":"`+r.id+`"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"Authress:Streams"}]}]}`, "recordId")
	return r
}

// ServeHTTP is what a careful receiver does: it believes what the transmitter's keys signed for it, and nothing else.
func (r *receiver) ServeHTTP(rw http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	keys, err := jose.ParseJWKS([]byte(r.w.send("GET", "/.well-known/jwks.json", "").body))
	if err != nil {
		r.w.t.Error(err)
		return
	}
	_, raw, err := jose.VerifyForeign(string(body), keys, jose.Expect{Algorithms: []string{"EdDSA"}, Types: []string{"secevent+jwt"}})
	if err != nil {
		r.w.t.Errorf("what was pushed is not signed by the published keys: %v", err)
		return
	}
	var c struct {
		Iss, Aud, Jti string
		Events        map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &c); err != nil || c.Iss != r.w.public || c.Aud != r.id || len(c.Events) != 1 {
		r.w.t.Errorf("%s", raw)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, q)
	for name := range c.Events {
		name = name[strings.LastIndex(name, "/")+1:]
		r.heard[name] = append(r.heard[name], c.Jti)
	}
	rw.WriteHeader(http.StatusAccepted)
}

// hears waits until something has happened that it can see.
func (r *receiver) hears(event string) {
	r.w.t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		n := len(r.heard[event])
		r.mu.Unlock()
		if n > 0 {
			return
		}
	}
	r.w.t.Fatalf("no %s arrives", event)
}

func (r *receiver) make(endpoint string) answer {
	a := r.call("POST", "/v1/streams", map[string]any{"delivery": map[string]string{
		"method": "urn:ietf:rfc:8935", "endpoint_url": endpoint, "authorization_header": "Bearer secret-of-" + r.id}})
	var out struct {
		ID string `json:"stream_id"`
	}
	if json.Unmarshal([]byte(a.body), &out) == nil {
		r.stream = out.ID
	}
	return a
}

// SSR-07: two receivers of one account are told of the end of a person, each by a token of its own; neither hears the other's.
func TestSSR07_Signals(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_INSECURE_EGRESS_ALLOW=127.0.0.0/8"}}, func(t *testing.T, w *world) {
		one, two := w.receiver("one"), w.receiver("two")
		for _, r := range []*receiver{one, two} {
			server := httptest.NewServer(r)
			t.Cleanup(server.Close)
			if a := r.make(server.URL + "/in"); a.status != 201 || strings.Contains(a.body, "secret-of") {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		for _, a := range []answer{
			two.call("GET", "/v1/streams?stream_id="+one.stream, nil),
			two.call("DELETE", "/v1/streams?stream_id="+one.stream, nil),
			two.call("POST", "/v1/streams/status", map[string]string{"stream_id": one.stream, "status": "disabled"}),
			two.call("POST", "/v1/streams/verification", map[string]string{"stream_id": one.stream}),
			two.call("POST", "/v1/streams/"+one.stream+"/events", map[string]any{"returnImmediately": true}),
			two.call("PATCH", "/v1/streams", map[string]any{"stream_id": one.stream, "delivery": map[string]string{"method": "urn:ietf:rfc:8935", "endpoint_url": "https://evil.example/"}}),
		} {
			if a.status != 404 {
				t.Errorf("another receiver's stream: %d %s", a.status, a.body)
			}
		}
		ann := w.signIn("ann@example.com")
		if a := w.send("DELETE", "/v1/users/"+subject(ann.access), "", "Authorization", "Bearer "+w.key); a.status != 202 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, r := range []*receiver{one, two} {
			r.hears("account-purged")
			r.hears("session-revoked")
			if a := r.call("POST", "/v1/streams/verification", map[string]string{"stream_id": r.stream}); a.status != 204 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			r.hears("verification") // so that everything before has come
		}
		used := map[string]bool{}
		for _, r := range []*receiver{one, two} {
			r.mu.Lock()
			for event, ids := range r.heard {
				for _, id := range ids {
					if used[id] {
						t.Errorf("the jti of a %s is used twice", event)
					}
					used[id] = true
				}
			}
			for _, q := range r.seen {
				if q.Header.Get("Authorization") != "Bearer secret-of-"+r.id || q.Header.Get("Content-Type") != "application/secevent+jwt" {
					t.Errorf("%v", q.Header)
				}
			}
			r.mu.Unlock()
		}
		if log := w.Log(); strings.Contains(log, "secret-of-") {
			t.Error("the log holds a receiver's secret")
		}
	})
}

// SSR-07: no address of a receiver makes the server call a machine inside.
func TestSSR07_ReceiversInside(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		called := make(chan string, 100)
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				called <- c.RemoteAddr().String()
				c.Close()
			}
		}()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		r := w.receiver("inside")
		for _, to := range []string{
			"http://127.0.0.1:" + port + "/", "http://localhost:" + port + "/", "https://user@127.0.0.1:" + port + "/", "https://127.0.0.1:" + port + "/#x", "ftp://127.0.0.1/",
			"//127.0.0.1:" + port, "gopher://127.0.0.1/", "https://127.0.0.1:" + port + "\\@r.example/", "file:///etc/passwd", "https://",
		} {
			if a := r.make(to); a.status != 400 {
				t.Errorf("%s: %d %s", to, a.status, a.body)
			}
		}
		for _, to := range []string{
			"https://127.0.0.1:" + port + "/", "https://localhost:" + port + "/", "https://[::1]:" + port + "/", "https://[::ffff:127.0.0.1]:" + port + "/",
			"https://0.0.0.0:" + port + "/", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/",
		} {
			a := r.make(to)
			if a.status == 400 {
				continue
			}
			if a.status != 201 {
				t.Fatalf("%s: %d %s", to, a.status, a.body)
			}
			if a := r.call("POST", "/v1/streams/verification", map[string]string{"stream_id": r.stream}); a.status != 204 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for limit := time.Now().Add(time.Minute); !strings.Contains(w.Log(), r.stream); time.Sleep(20 * time.Millisecond) { // that it was tried
				if time.Now().After(limit) {
					t.Fatalf("%s: it was not tried", to)
				}
			}
			if a := r.call("DELETE", "/v1/streams?stream_id="+r.stream, nil); a.status != 204 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		if n := len(called); n > 0 {
			t.Errorf("%d connections to a machine inside", n)
		}
	})
}

// SSR-07: who waits for events when their key, or their right, is taken away is told nothing that happens after.
func TestSSR07_APollThatOutlivesItsRight(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		r := w.receiver("waits")
		if a := r.call("POST", "/v1/streams", nil); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		} else {
			r.stream = a.text("stream_id")
		}
		made := w.admin("POST", "/v1/clients/"+r.id+"/access-keys", `{}`)
		id, key := made.text("keyId"), made.text("accessKey")
		poll := func(key, body string) answer {
			return w.send("POST", "/v1/streams/"+r.stream+"/events", body, "Authorization", "Bearer "+key)
		}
		if a := poll(key, `{"returnImmediately":true}`); a.status != 200 {
			t.Fatalf("the honest poll: %d %s", a.status, a.body)
		}
		waits := make(chan answer)
		go func() { waits <- poll(key, `{}`) }()
		time.Sleep(300 * time.Millisecond) // so that it waits, as a rule; if it comes too late, it is refused
		if a := w.admin("DELETE", "/v1/clients/"+r.id+"/access-keys/"+id, ""); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := r.call("POST", "/v1/streams/verification", map[string]string{"stream_id": r.stream, "state": "secret-state"}); a.status != 204 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := <-waits; a.status == 200 && a.body != `{"sets":{}}` {
			t.Errorf("told after its key was removed: %s", a.body)
		}
		if a := poll(r.key, `{"returnImmediately":true}`); a.status != 200 || !strings.Contains(a.body, `"set_`) {
			t.Errorf("the honest key: %d %s", a.status, a.body)
		}
	})
}

// SSR-07: a stream whose client is gone, as a race of its making with the client's end may leave one, tells nobody.
func TestSSR07_AStreamWithoutAClient(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_INSECURE_EGRESS_ALLOW=127.0.0.0/8"}}, func(t *testing.T, w *world) {
		one, gone := w.receiver("stays"), w.receiver("gone")
		to := ""
		for _, r := range []*receiver{one, gone} {
			server := httptest.NewServer(r)
			t.Cleanup(server.Close)
			to = server.URL + "/in"
			if a := r.make(to); a.status != 201 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		if a := w.admin("DELETE", "/v1/clients/"+gone.id, ""); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		w.exec(`INSERT INTO signal_streams SELECT account_id, 'stm_left', '` + gone.id + `', method, '` + to + `', '', requested, kinds, description, alg, status, reason, created_at, version,
			verified_at, next_at, failures, failing_at FROM signal_streams WHERE id = '` + one.stream + `'`)
		ann := w.signIn("ann@example.com")
		if a := w.admin("DELETE", "/v1/users/"+subject(ann.access), ""); a.status != 202 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		eventually(t, "the stream that was left to end", func() bool {
			return strings.Contains(strings.Join(w.rows(`SELECT status FROM signal_streams WHERE id = 'stm_left'`), " "), "disabled")
		})
		if a := one.call("POST", "/v1/streams/verification", map[string]string{"stream_id": one.stream}); a.status != 204 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		one.hears("account-purged")
		one.hears("verification")
		gone.mu.Lock()
		defer gone.mu.Unlock()
		for event := range gone.heard {
			if event != "stream-updated" {
				t.Errorf("a client that is gone is told of a %s", event)
			}
		}
	})
}

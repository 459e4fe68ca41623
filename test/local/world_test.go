package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/process"
)

const masterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// world is a running server, a key that may do everything, and a client with it.
type world struct {
	*process.Server
	t        *testing.T
	key      string
	admin    *client.Client
	database string
}

// each runs a test on both databases, beside all the others: most of them wait most of the time.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, start(t, process.Options{}))
	})
	if os.Getenv("ADMIT_TEST_POSTGRES") != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			fn(t, start(t, postgres(t)))
		})
	}
}

// long is what nothing takes that happens at all, on however busy a machine.
const long = time.Minute

// still is a copy that answers itself for as long as the test goes on.
var still = client.LocalConfig{Bound: time.Hour}

func postgres(t *testing.T) process.Options {
	return process.Options{Database: process.Database(t), Env: []string{"ADMIT_MASTER_KEY=" + masterKey}}
}

func start(t *testing.T, o process.Options) *world {
	t.Helper()
	w := &world{Server: process.Start(t, o), t: t, database: o.Database}
	w.key = w.AdminKey()
	w.admin = w.client(w.URL, nil)
	w.wait("the key to be known", func() bool {
		_, err := w.admin.AuthorizeUser(t.Context(), "u", "x", "r")
		return err == nil
	})
	return w
}

func (w *world) client(base string, over http.RoundTripper) *client.Client {
	w.t.Helper()
	key, err := client.ParseAccessKey(w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := client.Config{BaseURL: base, Credentials: key}
	if over != nil {
		cfg.HTTPClient = &http.Client{Transport: over}
	}
	c, err := client.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(long); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// streams is the number of change streams that the server has open.
func (w *world) streams() int {
	w.t.Helper()
	resp, err := http.Get(w.URL + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("the metrics: %d, %v", resp.StatusCode, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "admit_change_streams "); found {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				w.t.Fatal(err)
			}
			return n
		}
	}
	w.t.Fatal("no gauge of open streams")
	return 0
}

// local starts a copy and waits until it is there.
func (w *world) local(c *client.Client, cfg client.LocalConfig) *client.Local {
	w.t.Helper()
	l, err := c.Local(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close(context.Background()) })
	ctx, cancel := context.WithTimeout(w.t.Context(), long)
	defer cancel()
	if err := l.Ready(ctx); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// send does one request as the administrator.
func (w *world) send(method, path string, body any) (int, []byte) {
	w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (w *world) must(method, path string, body any) {
	w.t.Helper()
	if status, answer := w.send(method, path, body); status/100 != 2 {
		w.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

func (w *world) grant(id, user, role, resource string) {
	w.t.Helper()
	_, err := w.admin.CreateRecord(w.t.Context(), client.Record{ID: id, Name: id, Users: []client.UserRef{{UserID: user}},
		Statements: []client.Statement{{Roles: []string{role}, Resources: []client.ResourceRef{{ResourceURI: resource}}}}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) revoke(id string) {
	w.t.Helper()
	if err := w.admin.DeleteRecord(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
}

// line is one line of the change feed.
type line struct {
	Kind, ID, Cursor, Reason, ErrorCode string
	Revision                            int64
	Deleted                             bool
	At                                  time.Time
	ElapsedMs                           *int64
	Record                              *client.Record
	Role                                *struct{ RoleID string }
}

// stream is an open answer of the change feed.
type stream struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Scanner
}

func (w *world) open(bearer, query string, headers ...string) (*stream, int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.URL+"/v1/changes"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return nil, resp.StatusCode, string(body)
	}
	s := &stream{t: w.t, resp: resp, in: bufio.NewScanner(resp.Body)}
	s.in.Buffer(nil, 1<<22)
	return s, resp.StatusCode, ""
}

func (s *stream) next() *line {
	s.t.Helper()
	for {
		if !s.in.Scan() {
			return nil
		}
		if len(s.in.Bytes()) > 0 {
			break
		}
	}
	l := &line{}
	if err := json.Unmarshal(s.in.Bytes(), l); err != nil {
		s.t.Fatalf("%v: %s", err, s.in.Bytes())
	}
	return l
}

// until reads on to a line of the kind.
func (s *stream) until(kind string) *line {
	s.t.Helper()
	for {
		l := s.next()
		if l == nil {
			s.t.Fatalf("the stream ended without %s: %v", kind, s.in.Err())
		}
		if l.Kind == kind {
			return l
		}
	}
}

// dialTo connects to one node, whatever the URL says.
func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

package attack

import (
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// wire is a TCP proxy to the database that can stop carrying anything, as a cut cable does: no
// byte passes and no connection ends.
type wire struct {
	net.Listener
	target string
	mu     sync.Mutex
	cut    bool
	pairs  []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, target: target}
	t.Cleanup(func() { l.Close(); w.set(false); w.drop() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	return w
}

func (w *wire) carry(c net.Conn) {
	d, err := net.Dial("tcp", w.target)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.pairs = append(w.pairs, c, d)
	w.mu.Unlock()
	for _, way := range [][2]net.Conn{{c, d}, {d, c}} {
		go func() {
			buffer := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buffer)
				for w.isCut() {
					time.Sleep(10 * time.Millisecond)
				}
				if n > 0 {
					if _, err := way[1].Write(buffer[:n]); err != nil {
						break
					}
				}
				if err != nil {
					break
				}
			}
			way[0].Close()
			way[1].Close()
		}()
	}
}

func (w *wire) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	w.cut = cut
	w.mu.Unlock()
}

func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.pairs {
		c.Close()
	}
	w.pairs = nil
}

// A node that is cut off from its database stops deciding within the published bound of a
// second, answers quickly that it cannot, and recovers by itself.
func TestAUZ12_CutOffNodeFailsClosed(t *testing.T) {
	base := os.Getenv("ADMIT_TEST_POSTGRES")
	if base == "" {
		t.Skip("needs PostgreSQL")
	}
	url, err := url.Parse(process.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	cable := newWire(t, url.Host)
	url.Host = cable.Addr().String()
	s := process.Start(t, process.Options{Database: url.String(), Env: []string{"ADMIT_MASTER_KEY=" + masterKey, "ADMIT_STALE_AFTER=1s"}})
	w := &world{Server: s, t: t, public: s.URL, database: url.String()}
	w.key = w.AdminKey()
	w.hear()
	check := func() answer {
		return w.send("GET", "/v1/users/u/resources/x/permissions/read", "", "Authorization", "Bearer "+w.key)
	}
	// Here a server that got no processor for a second answers 503, as it should.
	eventually(t, "a check", func() bool { return check().status == 404 })
	admin := []string{"Authorization", "Bearer " + w.key}
	record := `{"recordId":"rec_cut","name":"cut","users":[{"userId":"held"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"cut"}]}]}`
	eventually(t, "a record", func() bool { s := w.send("POST", "/v1/records", record, admin...).status; return s == 201 || s == 409 })
	for round := range 2 {
		cable.set(true)
		start := time.Now()
		const bound = 1500 * time.Millisecond // a second, and what was on its way when the cable was cut
		for time.Since(start) < 4*time.Second {
			asked := time.Since(start)
			a := check()
			if asked > bound && a.status != 503 {
				t.Fatalf("round %d: %v after the cut the node still decides: %d", round, asked, a.status)
			}
			if a.took > 10*time.Second {
				t.Errorf("round %d: an answer took %v", round, a.took)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if a := w.send("GET", "/readyz", ""); a.status != 503 {
			t.Errorf("a node that is cut off says it is ready: %d", a.status)
		}
		if a := w.send("GET", "/healthz", ""); a.status != 200 {
			t.Errorf("a node that is cut off says it is not alive: %d", a.status)
		}
		// OAU-25: what cannot be made durable is not said to be done.
		for _, path := range []string{"/v1/records/rec_cut", "/v1/users/held", "/api/session"} {
			if a := w.send("DELETE", path, "", admin...); a.status != 503 {
				t.Errorf("DELETE %s while the node is cut off: %d", path, a.status)
			}
		}
		if round == 1 { // the second time, the connections are gone too
			cable.drop()
		}
		cable.set(false)
		repaired := time.Now()
		eventually(t, "the node to recover", func() bool { return check().status == 404 })
		t.Logf("round %d: recovered after %v", round, time.Since(repaired))
		eventually(t, "an answer", func() bool {
			a := w.send("GET", "/v1/users/held/resources/cut/permissions/read", "", admin...)
			if a.status == 404 {
				t.Errorf("round %d: what was refused with 503 has happened", round)
			}
			return a.status != 503
		})
		eventually(t, "an honest caller to be served", func() bool { return w.send("GET", "/v1/roles", "", admin...).status == 200 })
	}
}

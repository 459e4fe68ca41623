package attack

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/admit-id/admit/test/process"
)

const masterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// world is a running server and a key that may do everything.
type world struct {
	*process.Server
	t      *testing.T
	key    string
	public string // the issuer

	database string // ADMIT_DATABASE
}

// each runs an attack on a fresh server with SQLite and, where there is one, with PostgreSQL.
// Before and after it, an honest caller must be served; afterwards the log must hold no panic
// and no answer of ours with 500.
func each(t *testing.T, o process.Options, attack func(t *testing.T, w *world)) {
	t.Helper()
	run := func(t *testing.T, o process.Options) {
		w := &world{Server: process.Start(t, o), t: t, public: o.Public, database: o.Database}
		if w.database == "" {
			w.database = "sqlite:" + w.DataDir + "/admit.db"
		}
		if w.public == "" {
			w.public = w.URL
		}
		w.key = w.AdminKey()
		w.hear()
		w.honest("before")
		attack(t, w)
		w.honest("after")
		w.quiet()
	}
	// Beside others, and both at once: most of an attack is waiting. What measures times or fills the machine has it
	// for itself.
	side := func(t *testing.T) {
		if _, twice := begun.LoadOrStore(t.Name(), true); !twice && !alone.MatchString(t.Name()) {
			t.Parallel()
		}
	}
	side(t)
	t.Run("on", func(t *testing.T) {
		t.Run("sqlite", func(t *testing.T) {
			side(t)
			run(t, o)
		})
		if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
			return
		}
		t.Run("postgres", func(t *testing.T) {
			side(t)
			o := o
			o.Database = process.Database(t)
			o.Env = append([]string{"ADMIT_MASTER_KEY=" + masterKey}, o.Env...)
			run(t, o)
		})
	})
}

var begun sync.Map // the names of tests, some of which attack twice

// alone are the tests that measure times, or that leave nothing of the machine to others.
var alone = regexp.MustCompile(`^Test(DOS|ENM|TEN10|AUZ12|JWT13|OAU30_Provider|OneOfMany|Soak)`)

// host is what an honest client sends as Host.
func (w *world) host() string {
	_, host, _ := strings.Cut(w.public, "://")
	return host
}

// hear waits until the server has heard of the key, which another process has made.
func (w *world) hear() {
	w.t.Helper()
	eventually(w.t, "the server to hear of the key", func() bool {
		return w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+w.key).status == 200
	})
}

// eventually waits for what happens at last, on however busy a machine.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}

func (w *world) honest(when string) {
	w.t.Helper()
	if a := w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+w.key); a.status != 200 {
		w.t.Fatalf("an honest caller is refused %s the attack: %d %s", when, a.status, a.body)
	}
	if a := w.send("GET", "/.well-known/openid-configuration/jwks", ""); a.status != 200 {
		w.t.Fatalf("the keys cannot be read %s the attack: %d", when, a.status)
	}
}

var ownFault = regexp.MustCompile(`"msg":"panic"|"level":"ERROR"[^\n]*|"status":500`)

// quiet wants a log without panics and without errors of our own.
func (w *world) quiet() {
	w.t.Helper()
	if found := ownFault.FindAllString(w.Log(), 5); found != nil {
		w.t.Errorf("the log holds errors of our own: %s", strings.Join(found, "\n"))
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

var client = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
}

// send makes one request; header is pairs of name and value. A header "Host" is the Host.
func (w *world) send(method, path, body string, header ...string) answer {
	w.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	return w.sendReader(method, path, reader, header...)
}

func (w *world) sendReader(method, path string, body io.Reader, header ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://"+w.Address+"/", body)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		w.t.Fatal("send cannot send the path " + path)
	}
	r.URL.Opaque = path // the bytes as they are
	r.Host = w.host()
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	start := time.Now()
	response, err := client.Do(r)
	if err != nil {
		return answer{header: http.Header{}, body: err.Error(), took: time.Since(start)}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return answer{response.StatusCode, response.Header, string(text), time.Since(start)}
}

// dial opens a raw connection that ends with the test.
func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.Address)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// raw sends bytes as they are and reads one answer. A connection that is closed without one
// has status 0.
func (w *world) raw(request string) answer {
	w.t.Helper()
	c := w.dial()
	defer c.Close()
	start := time.Now()
	c.SetDeadline(start.Add(time.Minute))
	go io.WriteString(c, request)
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{header: http.Header{}, body: err.Error(), took: time.Since(start)}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return answer{response.StatusCode, response.Header, string(text), time.Since(start)}
}

// memory is the server's resident memory in bytes; 0 where the system does not tell.
func (w *world) memory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.PID))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, _ := strconv.Atoi(strings.Fields(string(rest))[0])
			return kib << 10
		}
	}
	return 0
}

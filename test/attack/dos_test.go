package attack

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// load is honest traffic while an attack runs: one caller, one check of the keys after another.
type load struct {
	stop chan struct{}
	done sync.WaitGroup
	took []time.Duration
	bad  int
}

func (w *world) load() *load {
	l := &load{stop: make(chan struct{})}
	l.done.Go(func() {
		for {
			select {
			case <-l.stop:
				return
			default:
			}
			a := w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+w.key)
			l.took = append(l.took, a.took)
			if a.status != 200 {
				l.bad++
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	return l
}

func (l *load) end() (p50, p99 time.Duration, bad int) {
	close(l.stop)
	l.done.Wait()
	slices.Sort(l.took)
	return l.took[len(l.took)/2], l.took[len(l.took)*99/100], l.bad
}

// whileHonest attacks under honest load. Attacker, honest caller, server and whatever else runs share this machine's
// processors, so that a few requests may take long; what an attack holds up, it holds up for most.
func (w *world) whileHonest(growth int, attack func()) {
	w.t.Helper()
	l := w.load()
	time.Sleep(700 * time.Millisecond)
	calm, baseline, _ := l.end()
	before := w.memory()
	l = w.load()
	attack()
	p50, p99, bad := l.end()
	w.t.Logf("honest requests under attack: p50 %v, p99 %v; before: %v, %v", p50, p99, calm, baseline)
	if limit := max(10*calm, time.Second); p50 > limit {
		w.t.Errorf("honest requests take %v under attack, %v before", p50, calm)
	}
	if bad > 0 {
		w.t.Errorf("%d of %d honest requests failed under attack", bad, len(l.took))
	}
	if grown := w.memory() - before; grown > growth {
		w.t.Errorf("memory grew by %d MiB", grown>>20)
	}
}

func TestDOS01_SlowAndHugeConnections(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		w.whileHonest(256<<20, func() { slowAndIdle(t, w) })
		host := "Host: " + w.host() + "\r\n"
		if a := w.raw("GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 64<<10) + "\r\n\r\n"); a.status != 431 {
			t.Errorf("a header line of 64 KiB: %d %s", a.status, a.body)
		}
		if a := w.raw("GET / HTTP/1.1\r\n" + host + strings.Repeat("X-Some-Header-Name: a value of some length\r\n", 1000) + "\r\n"); a.status != 431 {
			t.Errorf("1,000 headers: %d", a.status)
		}
		if a := w.raw("GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\n" + host + "\r\n"); a.status != 431 && a.status != 414 {
			t.Errorf("a path of 64 KiB: %d", a.status)
		}
		if a := w.raw("POST /api/authentication HTTP/1.1\r\n" + host + "Content-Length: 2147483648\r\n\r\n"); a.status != 413 {
			t.Errorf("a body of 2 GB: %d after %v", a.status, a.took)
		}
		if a := w.sendReader("POST", "/api/authentication", io.LimitReader(endless{}, 64<<20)); a.status != 413 && a.status != 0 {
			t.Errorf("an endless body: %d", a.status)
		}
		if a := w.raw("POST /api/authentication HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); a.status != 400 {
			t.Errorf("length and chunks at once: %d", a.status)
		}
		pipelined(t, w)
	})
}

// slowAndIdle holds connections that say little or nothing. The server must let go of each.
func slowAndIdle(t *testing.T, w *world) {
	var open []net.Conn
	hold := func(n int, text string) {
		for range n {
			c := w.dial()
			open = append(open, c)
			if _, err := io.WriteString(c, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	hold(2000, "GET /healthz HTTP/1.1\r\nHost: "+w.host()+"\r\nX-Slow: ")
	hold(500, "POST /api/authentication HTTP/1.1\r\nHost: "+w.host()+"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	hold(3000, "GET /healthz HTTP/1.1\r\nHost: "+w.host()+"\r\n\r\n")
	released := make(chan int, 2)
	for i, c := range []net.Conn{open[0], open[2000]} {
		go func() {
			c.SetReadDeadline(time.Now().Add(2 * time.Minute))
			if _, err := io.Copy(io.Discard, c); err == nil { // the server closed it
				released <- i
			} else {
				released <- -1
			}
		}()
	}
	for range 2 {
		if <-released < 0 {
			t.Error("a slow connection is held for more than two minutes")
		}
	}
	for _, c := range open {
		c.Close()
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// pipelined requests are answered in order, each by its own.
func pipelined(t *testing.T, w *world) {
	c := w.dial()
	defer c.Close()
	request := "GET /healthz HTTP/1.1\r\nHost: " + w.host() + "\r\n\r\nGET /nothing HTTP/1.1\r\nHost: " + w.host() + "\r\n\r\n"
	io.WriteString(c, strings.Repeat(request, 50)+"GET /healthz HTTP/1.1\r\nHost: "+w.host()+"\r\nConnection: close\r\n\r\n")
	c.SetReadDeadline(time.Now().Add(time.Minute))
	all, _ := io.ReadAll(c)
	if up, missing := bytes.Count(all, []byte("HTTP/1.1 200")), bytes.Count(all, []byte("HTTP/1.1 404")); up != 51 || missing != 50 {
		t.Errorf("pipelined: %d and %d answers", up, missing)
	}
}

// malformed are bodies that are no JSON, or JSON that two parsers read differently.
var malformed = map[string]string{
	"nothing": " ", "null": "null", "array": "[]", "text": `"x"`, "number": "1", "true": "true",
	"unclosed": `{"a":1`, "comma": `{"a":1,}`, "no colon": `{"a" 1}`, "two values": `{}{}`, "tail": `{} x`, "single quotes": `{'a':1}`,
	"bare word": `{a:1}`, "comment": `{/**/}`, "leading zero": `{"a":01}`, "plus": `{"a":+1}`, "hex": `{"a":0x1}`, "NaN": `{"a":NaN}`,
	"infinite": `{"a":Infinity}`, "half escape": `{"a":"\u12"}`, "bad escape": `{"a":"\x"}`, "control": "{\"a\":\"\x01\"}", "newline": "{\"a\":\"\n\"}",
	"BOM": "\xef\xbb\xbf{}", "UTF-16": "{\x00}\x00", "invalid UTF-8": "{\"a\":\"\xff\"}", "overlong": "{\"a\":\"\xc0\xaf\"}", "surrogate": `{"a":"\ud800"}`,
	"duplicate": `{"a":1,"a":2}`, "case": `{"a":1,"A":2}`, "escaped duplicate": `{"a":1,"\u0061":2}`,
	"deep array": `{"a":` + strings.Repeat("[", 100_000), "deep closed": `{"a":` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + "}",
	"deep object":     strings.Repeat(`{"a":`, 20_000),
	"many duplicates": "{" + strings.Repeat(`"a":1,`, 19_999) + `"a":1}`,
	"many keys":       manyKeys(1_000_000), "long number": `{"a":` + strings.Repeat("9", 10<<20) + "}",
	"escapes": `{"a":"` + strings.Repeat(`\u0041`, 1<<20) + `"}`,
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return b.String() + `"z":0}`
}

func TestDOS03_JSONBombs(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		for name, body := range malformed {
			for target, header := range map[string][]string{
				"POST /api/authentication": {"Content-Type", "application/json"}, "POST /v1/records": admin, "POST /v1/roles": admin, "POST /v1/clients": admin,
			} {
				method, path, _ := strings.Cut(target, " ")
				a := w.send(method, path, body, header...)
				if a.status != 400 && a.status != 413 && a.status != 422 {
					t.Errorf("%s to %s: %d %.200s", name, target, a.status, a.body)
				}
				if a.took > 30*time.Second {
					t.Errorf("%s to %s: took %v", name, target, a.took)
				}
			}
		}
		if a := w.send("POST", "/v1/roles", `{"roleId":"x","name":"x","permissions":[{"action":1e999999999}]}`, admin...); a.status != 400 {
			t.Errorf("a number out of range: %d %s", a.status, a.body)
		}
	})
}

func TestDOS07_PaginationLimits(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key}
		for _, path := range []string{"/v1/roles", "/v1/records", "/v1/users", "/v1/clients", "/v1/groups", "/v1/connections", "/v1/applications", "/v1/tenants", "/v1/extensions", "/v1/requests", "/v1/resources", "/v1/resources/x/users", "/v1/users/u/resources", "/v1/identities"} {
			if a := w.send("GET", path, "", admin...); a.status == 404 {
				continue // not a list of this version
			}
			for _, query := range []string{
				"limit=0", "limit=-1", "limit=1000000000", "limit=" + strconv.Itoa(math.MaxInt64), "limit=99999999999999999999", "limit=abc", "limit=1.5", "limit=", "limit=1&limit=2", "limit=%00",
				"cursor=x", "cursor=" + strings.Repeat("A", 4000), "cursor=%00", "cursor=eyJhIjoxfQ", "offset=1000000000",
				"filter=%25", "filter=" + strings.Repeat("a", 65), "filter=%25%27%20OR%201%3D1--", "filter=%ff", "filter=_",
				strings.Repeat("filter=a&", 100), "sort=secret", "status=NONSENSE",
			} {
				a := w.send("GET", path+"?"+query, "", admin...)
				if a.status != 200 && a.status != 400 && a.status != 422 {
					t.Errorf("%s?%.40s: %d %.120s", path, query, a.status, a.body)
				}
				if a.took > 30*time.Second || len(a.body) > 1<<20 {
					t.Errorf("%s?%.40s: %v, %d bytes", path, query, a.took, len(a.body))
				}
			}
		}
	})
}

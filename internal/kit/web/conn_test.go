package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// serveRoutes runs a server as Serve does and returns its address.
func serveRoutes(t *testing.T, change func(*http.Server), routes ...Route) string {
	t.Helper()
	rt, err := NewRouter(deps(), routes)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(rt, deps().Log)
	if change != nil {
		change(s)
	}
	go s.Serve(listener{l})
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func dialed(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

const getThing = "GET /thing HTTP/1.1\r\nHost: a.example\r\n\r\n"

// What works for long learns that its client has gone.
func TestHandlerLearnsThatItsClientHasGone(t *testing.T) {
	gone := make(chan error, 1)
	long := route("GET", "/thing", Public, NoCORS)
	long.Handler = func(_ http.ResponseWriter, r *http.Request) error {
		select {
		case <-r.Context().Done():
			gone <- r.Context().Err()
		case <-time.After(time.Minute):
			gone <- errors.New("never told")
		}
		return nil
	}
	dialed(t, serveRoutes(t, nil, long), getThing).Close()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Hot requests one after another, and many at once on one connection, are all answered.
func TestHotRequestsOnOneConnection(t *testing.T) {
	hot, cold := route("GET", "/thing", Public, NoCORS), route("GET", "/cold", Public, NoCORS)
	hot.Hot = true
	address := serveRoutes(t, nil, hot, cold)
	c := dialed(t, address, "")
	br := bufio.NewReader(c)
	read := func() {
		t.Helper()
		response, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		if response.StatusCode != 200 || response.Header.Get("Date") == "" {
			t.Error(response.Status, response.Header)
		}
	}
	both := getThing + strings.Replace(getThing, "thing", "cold", 1)
	for range 50 {
		io.WriteString(c, getThing)
		read()
	}
	io.WriteString(c, strings.Repeat(both, 20))
	for range 40 {
		read()
	}
}

// A hot answer under way ends with its server.
func TestClosingEndsHotConnections(t *testing.T) {
	begun, end := make(chan *conn), make(chan struct{})
	hot := route("GET", "/thing", Public, NoCORS)
	hot.Hot = true
	hot.Handler = func(_ http.ResponseWriter, r *http.Request) error {
		begun <- connOf(r.Context())
		<-end
		return nil
	}
	var server *http.Server
	dialed(t, serveRoutes(t, func(s *http.Server) { server = s }, hot), getThing)
	held := <-begun
	server.Close()
	for range 6000 {
		held.mu.Lock()
		parked := held.parked
		held.mu.Unlock()
		if !parked {
			close(end)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a read is still waiting")
}

// Connections that say little are let go in time, also after good requests and when a single
// byte is left of what they may say.
func TestSlowConnectionsAreLetGo(t *testing.T) {
	hot := route("GET", "/thing", Public, NoCORS)
	hot.Hot = true
	address := serveRoutes(t, func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 300*time.Millisecond, 600*time.Millisecond }, hot)
	half := getThing[:len(getThing)-2]
	for name, text := range map[string]string{
		"nothing": "", "half": half, "good, then half": getThing + half, "good": getThing,
		"one byte left": half + "X: " + strings.Repeat("x", MaxHeaderBytes+4096-len(half)-4),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			c := dialed(t, address, text)
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			if took := time.Since(began); took < 200*time.Millisecond {
				t.Errorf("it was let go after %v", took)
			}
		})
	}
}

func TestDeadlinesAreArmedWhenTheyMove(t *testing.T) {
	var armed []time.Time
	set := func(at time.Time) error { armed = append(armed, at); return nil }
	now := time.Now()
	var d deadline
	for _, c := range []struct {
		want time.Time
		arms bool
	}{
		{time.Time{}, false},
		{now.Add(30 * time.Second), true},
		{now.Add(30*time.Second + near/2), false},
		{now.Add(30*time.Second + 2*near), true},
		{now.Add(30 * time.Second), true}, // never later than wanted
		{time.Time{}, true},
		{now.Add(-time.Hour), true},
		{now.Add(-time.Hour + near/2), true}, // the one that is armed has struck
		{now.Add(near / 2), true},
		{now.Add(near), true}, // and this one will too soon
	} {
		before := len(armed)
		d.set(c.want, set)
		if d.arm(set); (len(armed) > before) != c.arms {
			t.Errorf("%v: armed %v", c.want.Sub(now), armed[before:])
		}
	}
	d.waiting.Add(1) // a call that waits is ended at once
	if d.set(now, set); !armed[len(armed)-1].Equal(now) {
		t.Error(armed)
	}
}

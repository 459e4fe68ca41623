package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Requests that are in flight, or sent on kept-alive connections while the server is told to
// stop, are answered.
func TestServeStopsWithoutDroppingRequests(t *testing.T) {
	slow := route("GET", "/slow", Public, NoCORS)
	slow.Handler = func(w http.ResponseWriter, _ *http.Request) error {
		time.Sleep(30 * time.Millisecond)
		return JSON(w, 200, "done")
	}
	rt, err := NewRouter(deps(), []Route{slow})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, NewServer(rt, deps().Log), rt, l, time.Minute) }()

	var served, dropped atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil { // at least one request is on its way when the stop begins
				r, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/slow", nil)
				r.Host = "a.example"
				response, err := transport.RoundTrip(r)
				if err != nil {
					dropped.Add(1)
					return
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode == 200 {
					served.Add(1)
				}
			}
		})
	}
	for end := time.Now().Add(time.Minute); served.Load() == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	clients.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if dropped.Load() > 0 || served.Load() == 0 || !rt.Draining() {
		t.Errorf("served %d, dropped %d", served.Load(), dropped.Load())
	}
}

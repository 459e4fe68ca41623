package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/test/load/wire"
)

func TestLoader(t *testing.T) {
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) == 50 && r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	requests := func(n int, path string) []request {
		list := make([]request, n)
		for i := range list {
			list[i] = request{bytes: wire.Request("GET", "localhost", path, ""), status: 200}
		}
		return list
	}
	once := &loader{address: address, requests: requests(40, "/"), once: true, connections: 3}
	if err := once.run(t.Context(), 0); err != nil || count.Load() != 40 || len(once.latencies) != 40 {
		t.Errorf("sent %d, %v", count.Load(), err)
	}
	timed := &loader{address: address, requests: requests(1, "/"), connections: 2}
	if err := timed.run(t.Context(), 20*time.Millisecond); err != nil || len(timed.latencies) == 0 {
		t.Errorf("%d answers, %v", len(timed.latencies), err)
	}
	count.Store(0)
	wrong := &loader{address: address, requests: requests(1, "/fails"), connections: 2}
	if err := wrong.run(t.Context(), 5*time.Second); err == nil || !strings.Contains(err.Error(), "answered 500") {
		t.Errorf("a wrong answer passes: %v", err)
	}
}

package rig

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/test/load/wire"
)

func TestLoad(t *testing.T) {
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) == 50 && r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	requests := func(n int, path string) []Request {
		list := make([]Request, n)
		for i := range list {
			list[i] = Request{Bytes: wire.Request("GET", "localhost", path, ""), Status: 200}
		}
		return list
	}
	once := Wire(address, requests(40, "/"), 3)
	once.Once = true
	if err := once.Run(t.Context(), 0); err != nil || count.Load() != 40 || len(once.Latencies) != 40 {
		t.Errorf("sent %d, %v", count.Load(), err)
	}
	timed := Wire(address, requests(1, "/"), 2)
	if err := timed.Run(t.Context(), 20*time.Millisecond); err != nil || len(timed.Latencies) == 0 {
		t.Errorf("%d answers, %v", len(timed.Latencies), err)
	}
	count.Store(0)
	wrong := Wire(address, requests(1, "/fails"), 2)
	if err := wrong.Run(t.Context(), 5*time.Second); err == nil || !strings.Contains(err.Error(), "answered 500") {
		t.Errorf("a wrong answer passes: %v", err)
	}
}

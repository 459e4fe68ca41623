package main

import (
	"errors"
	"net"
	"net/http"
	"time"
)

var floorBody = []byte("{}")

// serveFloor is the least that a net/http server does for a request: route it, answer a fixed
// body. It runs in a process of its own, as the server under test does.
func serveFloor(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errors.New("the floor listens on loopback addresses only")
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /v1/users/{user}/resources/{resource}/permissions/{permission}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = []string{"application/json; charset=utf-8"}
		h["Cache-Control"] = []string{"no-store"}
		_, _ = w.Write(floorBody) // the caller may be gone
	})
	server := &http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// The limits of a connection. They bound what a slow or greedy client can hold (I-22).
const (
	MaxHeaderBytes    = 24 << 10 // net/http adds 4 KiB of slack
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 75 * time.Second
)

// NewServer returns a server with Admit's limits. It speaks HTTP/1.1, over TLS where the
// caller sets TLSConfig; HTTP/2 belongs to the proxy in front.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:                      h,
		Protocols:                    &protocols,
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               MaxHeaderBytes,
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// drainTime is how long a stopping server goes on accepting while it asks its clients to close.
const drainTime = time.Second

// Serve answers on l until ctx ends, then stops without dropping a request: it goes on
// accepting for a moment while every answer tells the client to close its connection, so that
// none is cut while a request is on its way; then it waits for the requests in flight, at most
// grace. It returns nil after a clean stop.
func Serve(ctx context.Context, s *http.Server, rt *Router, l net.Listener, grace time.Duration) error {
	var open atomic.Int64
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	failed := make(chan error, 1)
	go func() {
		if s.TLSConfig != nil { // its connections are not ours to save on: crypto/tls reads them
			failed <- s.ServeTLS(l, "", "")
			return
		}
		failed <- s.Serve(listener{l})
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	rt.draining.Store(true)
	tick := time.NewTicker(drainTime / 50)
	defer tick.Stop()
	for range 50 {
		if open.Load() == 0 {
			break
		}
		<-tick.C
	}
	stop, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := s.Shutdown(stop)
	if err != nil {
		s.Close()
	}
	return err
}

// Draining tells whether the router is stopping: the node should get no new work.
func (rt *Router) Draining() bool { return rt.draining.Load() }

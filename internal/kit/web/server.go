package web

import (
	"log/slog"
	"net/http"
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

// NewServer returns a server with Admit's limits. It speaks HTTP/1.1; TLS and HTTP/2 belong to
// the proxy in front.
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
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

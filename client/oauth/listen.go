package oauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Listener waits on a loopback address for a browser to come back (RFC 8252 section 7.3).
type Listener struct {
	RedirectURI string

	server *http.Server
	got    chan url.Values
}

// CallbackPath is the path of a Listener's redirect URI. Register http://127.0.0.1/callback for a native
// client: the port may be any.
const CallbackPath = "/callback"

// Listen opens a listener on 127.0.0.1, on a port that the operating system chooses when it is 0.
func Listen(port int) (*Listener, error) {
	socket, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	l := &Listener{RedirectURI: "http://" + socket.Addr().String() + CallbackPath, got: make(chan url.Values, 1)}
	l.server = &http.Server{Handler: http.HandlerFunc(l.answer), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() { _ = l.server.Serve(socket) }() // ends with Close
	return l, nil
}

const page = `<!doctype html><meta charset="utf-8"><title>Done</title><p style="font: 1.2em system-ui; margin: 3em">%s`

func (l *Listener) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	back := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != CallbackPath || !back.Has("code") && !back.Has("error") {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, page, "There is nothing here.")
		return
	}
	select {
	case l.got <- back:
	default: // the first answer counts
	}
	fmt.Fprintf(w, page, "That is all. You can close this window and go back to the program.")
}

// Wait returns the query of the first answer.
func (l *Listener) Wait(ctx context.Context) (url.Values, error) {
	select {
	case back := <-l.got:
		return back, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close stops listening, after the browser has its page.
func (l *Listener) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	if err := l.server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("oauth: %w", err)
	}
	return nil
}

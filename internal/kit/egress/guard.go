package egress

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// guard is the transport of the client: it judges the request, bounds the host, and caps the body.
type guard struct {
	allow  []netip.Prefix
	secure http.RoundTripper
	plain  http.RoundTripper
	hosts  *hosts
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	next := g.secure
	if err := CheckURL(r.URL.String(), len(g.allow) > 0); err != nil {
		return refuse(r, err)
	}
	if r.URL.Scheme == "http" {
		next = g.plain
	}
	done, err := g.hosts.enter(r.Context(), r.URL.Scheme+"://"+strings.ToLower(r.URL.Host))
	if err != nil {
		return refuse(r, err)
	}
	resp, err := next.RoundTrip(r)
	if err == nil {
		err = judge(resp)
		if err != nil {
			resp.Body.Close()
		}
	}
	if err != nil {
		done(blame(r.Context(), err))
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: r.Context(), left: MaxBody, done: done, failed: resp.StatusCode >= 500}
	return resp, nil
}

// CloseIdleConnections lets the client's method of that name work.
func (g *guard) CloseIdleConnections() {
	for _, t := range []http.RoundTripper{g.secure, g.plain} {
		if c, ok := t.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

func refuse(r *http.Request, err error) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return nil, err
}

func judge(resp *http.Response) error {
	if resp.ContentLength > MaxBody {
		return ErrTooLarge
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return ErrEncoded
	}
	return nil
}

// blame tells whether an error is the host's: not when the caller went away, and not when we
// refused the address.
func blame(ctx context.Context, err error) bool {
	var refused *AddressError
	if errors.As(err, &refused) {
		return false
	}
	return !errors.Is(context.Cause(ctx), context.Canceled)
}

// body counts what is read and reports the outcome of the exchange once.
type body struct {
	io.ReadCloser
	ctx    context.Context
	left   int64
	failed bool
	once   sync.Once
	done   func(failed bool)
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	// One byte more than allowed is read to tell a full body from one that goes on.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		b.failed = true
		return 0, ErrTooLarge
	}
	if err != nil && err != io.EOF && blame(b.ctx, err) {
		b.failed = true
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.done(b.failed) })
	return err
}

package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// Limits of one exchange.
const (
	Timeout   = 10 * time.Second // from the first byte sent to the last byte read
	MaxBody   = 1 << 20          // bytes of a response body
	maxHeader = 64 << 10         // bytes of a response header
)

// Errors of this package. AddressError is the other one.
var (
	ErrTooLarge = errors.New("egress: the response is larger than 1 MiB")
	ErrEncoded  = errors.New("egress: the response is compressed, which was not asked for")
	ErrBusy     = errors.New("egress: too many requests to this host are under way")
	ErrOpen     = errors.New("egress: this host has failed repeatedly and is left alone for a moment")
)

// URLError says that a URL is not one that may be fetched.
type URLError struct{ Reason string }

func (e *URLError) Error() string { return "egress: " + e.Reason }

// Options configures the client.
type Options struct {
	// Allow names blocks that may be reached although they are special: the loopback block in
	// development, the block of a company's own identity provider. Empty by default.
	Allow []netip.Prefix
	// Roots replaces the system's certificate authorities, for a company that has its own.
	// Nil means the system's.
	Roots *x509.CertPool
	// Clock drives the breaker. It is required.
	Clock clock.Clock
	// Timeout replaces the limit of 10 s by a shorter one; longer ones are cut to it.
	Timeout time.Duration
}

// New returns the guarded client. One per process is right: the bounds per host live in it.
func New(o Options) *http.Client {
	if o.Timeout <= 0 || o.Timeout > Timeout {
		o.Timeout = Timeout
	}
	g := &guard{
		allow:  o.Allow,
		secure: transport(o, func(a netip.Addr) bool { return Public(a) || within(o.Allow, a.Unmap()) }),
		plain:  transport(o, func(a netip.Addr) bool { return a.Unmap().IsLoopback() && within(o.Allow, a.Unmap()) }),
		hosts:  newHosts(o.Clock),
	}
	return &http.Client{
		Transport:     g,
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CheckURL tells whether text is an absolute URL that the client would try: https, or http to a
// literal loopback host when allowLoopback is set; no user information and no fragment. It does not resolve.
func CheckURL(text string, allowLoopback bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || strings.ContainsAny(text, "\\ \t\r\n") {
		return &URLError{"this is not an absolute URL"}
	}
	if u.User != nil || u.Fragment != "" || strings.HasSuffix(text, "#") {
		return &URLError{"the URL must not carry user information or a fragment"}
	}
	if u.Scheme == "https" || u.Scheme == "http" && allowLoopback && loopbackName(u.Hostname()) {
		return nil
	}
	return &URLError{"the URL must begin with https://"}
}

func loopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// transport makes a transport that connects only to addresses that pass.
func transport(o Options, pass func(netip.Addr) bool) *http.Transport {
	d := &net.Dialer{
		Timeout: o.Timeout,
		// ControlContext runs after the name was resolved, for each address that is tried.
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("egress: address %q: %w", address, err)
			}
			if !pass(ap.Addr()) {
				return &AddressError{ap.Addr()}
			}
			return nil
		},
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            d.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		// HTTP/1.1 only: every provider speaks it, and a hostile peer has less to play with.
		Protocols: onlyHTTP1(),
	}
}

func onlyHTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

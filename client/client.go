package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a call fails by. Every answer of the server that is not success matches one of these
// with errors.Is, and is an *[Error] with errors.As.
var (
	ErrInvalid         = errors.New("client: the server does not take the request as it is")    // 400, 413, 422 and other 4xx
	ErrUnauthenticated = errors.New("client: the credentials are not valid")                    // 401
	ErrForbidden       = errors.New("client: the caller may not ask or do this")                // 403
	ErrNotFound        = errors.New("client: there is no such thing")                           // 404
	ErrConflict        = errors.New("client: it exists already or has changed")                 // 409, 412
	ErrLimited         = errors.New("client: too many requests")                                // 429
	ErrUnavailable     = errors.New("client: the server could not be reached or cannot answer") // transport, 5xx, redirects
)

// Error is an answer of the server that is not success.
type Error struct {
	Status int    // HTTP status
	Title  string // for people; may change
	Code   string // errorCode, stable; see api/errors.md
	ID     string // errorId, to quote when asking for help
	kind   error
}

// Error says what the server said.
func (e *Error) Error() string {
	text := fmt.Sprintf("%v (%d %s)", e.kind, e.Status, e.Code)
	if e.Title != "" {
		text += ": " + e.Title
	}
	if e.ID != "" {
		text += " [" + e.ID + "]"
	}
	return text
}

// Unwrap returns the class of the answer.
func (e *Error) Unwrap() error { return e.kind }

const (
	attempts    = 4                      // of a request that may be repeated
	firstWait   = 50 * time.Millisecond  // before the second attempt; doubled for each further one
	callTimeout = 15 * time.Second       // one attempt, from dialling to the last byte
	maxAnswer   = 4 << 20                // bytes of an answer
	userAgent   = "Admit client; Go; v1" // sent with every request
)

// Config says which server to ask and in whose name. BaseURL and Credentials are required.
type Config struct {
	// BaseURL is the account's URL, exactly as its tokens name it in iss: https (http only
	// for localhost), no trailing slash.
	BaseURL string
	// Credentials prove who asks.
	Credentials Credentials
	// HTTPClient sends the requests. Redirects are never followed and cookies never kept.
	// Nil means a client of this package's own.
	HTTPClient *http.Client
}

// Client asks one Admit account. It is safe for concurrent use; make one and keep it.
type Client struct {
	base        string
	credentials Credentials
	http        *http.Client
	sleep       func(ctx context.Context, d time.Duration) error
}

// New checks the configuration and returns a client. It does not use the network.
func New(c Config) (*Client, error) {
	if err := checkBase(c.BaseURL); err != nil {
		return nil, err
	}
	if c.Credentials == nil {
		return nil, errors.New("client: no credentials")
	}
	own := http.Client{}
	if c.HTTPClient != nil {
		own = *c.HTTPClient
	}
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Timeout == 0 {
		own.Timeout = callTimeout
	}
	return &Client{base: c.BaseURL, credentials: c.Credentials, http: &own, sleep: sleep}, nil
}

// As returns a client that asks in the name of the person whose access token it is given.
func (c *Client) As(accessToken string) *Client {
	other := *c
	other.credentials = Token(accessToken)
	return &other
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("client: the base URL is not a URL: %w", err)
	}
	switch {
	case u.Host == "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(base, "?#"):
		return errors.New("client: the base URL must have scheme and host only")
	case strings.Trim(u.Path, "/") != "" || strings.HasSuffix(base, "/"):
		return errors.New("client: the base URL must not have a path or end with a slash")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("client: the base URL must be https; http is for localhost only")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// escape makes one path segment of any text: everything but unreserved characters
// (RFC 3986 section 2.3) is percent-encoded, so that a slash, a dot segment or a question mark
// in a resource can never change the path.
func escape(segment string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '~':
			b.WriteByte(c)
		case c == '.' && strings.Trim(segment, ".") != "":
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

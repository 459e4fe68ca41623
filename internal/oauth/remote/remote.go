// Package remote owns fetching what OAuth clients publish, key sets and metadata documents, and
// remembering it. All of it goes out through the guarded client (I-20): https, public addresses only,
// judged when the connection is made, no redirects.
//
// Never: a fetch for every request. Memory asks one host for one address at most once in a while,
// whatever strangers send, and callers who want the same answer share one fetch.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrAnswer says that the host has answered, with something that is not what was asked for. It is the
// host's word, unlike a host that cannot be reached.
var ErrAnswer = errors.New("remote: the host does not serve this")

// Client fetches.
type Client struct{ http *http.Client }

// New takes the client of kit/egress.
func New(guarded *http.Client) *Client { return &Client{guarded} }

// Answer is what a host served.
type Answer struct {
	Body []byte
	// MaxAge is what the host says of how long it may be kept; 0 when it says nothing or not at all.
	MaxAge time.Duration
}

// Get returns the body of a JSON document, at most limit bytes of it.
func (c *Client) Get(ctx context.Context, address string, limit int64) ([]byte, error) {
	a, err := c.Fetch(ctx, address, limit)
	return a.Body, err
}

// Fetch returns a JSON document of at most limit bytes. Only a 200 answer of a JSON media type counts.
func (c *Client) Fetch(ctx context.Context, address string, limit int64) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return Answer{}, fmt.Errorf("remote: the host answers %d", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return Answer{}, fmt.Errorf("%w: status %d", ErrAnswer, resp.StatusCode)
	case !isJSON(resp.Header.Get("Content-Type")):
		return Answer{}, fmt.Errorf("%w: it is not sent as JSON", ErrAnswer)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return Answer{}, err
	}
	if int64(len(body)) > limit {
		return Answer{}, fmt.Errorf("%w: it is larger than %d bytes", ErrAnswer, limit)
	}
	return Answer{body, maxAge(resp.Header.Get("Cache-Control"))}, nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// maxAge reads Cache-Control (RFC 9111 section 5.2.2).
func maxAge(header string) time.Duration {
	var age time.Duration
	for part := range strings.SplitSeq(strings.ToLower(header), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "no-store", "no-cache", "private":
			return 0
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age = time.Duration(n) * time.Second
			}
		}
	}
	return age
}

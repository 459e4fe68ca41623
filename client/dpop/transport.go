package dpop

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Transport signs every request with a proof of Key. A request whose Authorization header has the
// scheme DPoP gets a proof that names its access token. When the server asks for a nonce the
// request is sent once more with it, and later requests to that server carry the newest one.
//
// It belongs below what sets the Authorization header: for golang.org/x/oauth2, put a client with
// it into the context (oauth2.HTTPClient), which makes it sign token requests as well. It is safe
// for concurrent use.
type Transport struct {
	Key  crypto.Signer
	Base http.RoundTripper // nil is http.DefaultTransport

	mu     sync.Mutex
	nonces map[string]string // by origin
}

const (
	maxOrigins   = 64
	maxErrorBody = 64 << 10
)

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	origin := r.URL.Scheme + "://" + r.URL.Host
	sent := t.nonce(origin)
	first, err := t.signed(r.Context(), r, sent, r.Body)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // RoundTrip always closes it
		}
		return nil, err
	}
	response, err := t.base().RoundTrip(first)
	if err != nil {
		return nil, err
	}
	fresh := response.Header.Get(NonceHeader)
	t.keep(origin, fresh)
	if fresh == "" || fresh == sent || !wantsNonce(response) || r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return response, nil
	}
	body := r.Body
	if r.GetBody != nil {
		if body, err = r.GetBody(); err != nil {
			return response, nil
		}
	}
	_ = response.Body.Close() // the answer to the second request counts
	again, err := t.signed(r.Context(), r, fresh, body)
	if err != nil {
		return nil, err
	}
	if response, err = t.base().RoundTrip(again); err == nil {
		t.keep(origin, response.Header.Get(NonceHeader))
	}
	return response, err
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// signed returns a copy of r with a proof; RoundTrip may not change r itself.
func (t *Transport) signed(ctx context.Context, r *http.Request, nonce string, body io.ReadCloser) (*http.Request, error) {
	token := ""
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "DPoP") {
		token = rest
	}
	proof, err := Proof(t.Key, r.Method, r.URL.String(), token, nonce)
	if err != nil {
		return nil, err
	}
	out := r.Clone(ctx)
	out.Body = body
	out.Header.Set(Header, proof)
	return out, nil
}

func (t *Transport) nonce(origin string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nonces[origin]
}

func (t *Transport) keep(origin, nonce string) {
	if nonce == "" || len(nonce) > maxNonce {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nonces == nil || len(t.nonces) >= maxOrigins {
		t.nonces = map[string]string{}
	}
	t.nonces[origin] = nonce
}

// wantsNonce tells whether an answer says use_dpop_nonce: a resource in WWW-Authenticate, an
// authorization server in the JSON of its body, which can still be read afterwards.
func wantsNonce(r *http.Response) bool {
	for _, challenge := range r.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, `error="use_dpop_nonce"`) {
			return true
		}
	}
	if r.StatusCode != http.StatusBadRequest && r.StatusCode != http.StatusUnauthorized {
		return false
	}
	start, err := io.ReadAll(io.LimitReader(r.Body, maxErrorBody))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), r.Body), r.Body}
	var said struct {
		Error string `json:"error"`
	}
	return err == nil && json.Unmarshal(start, &said) == nil && said.Error == "use_dpop_nonce"
}

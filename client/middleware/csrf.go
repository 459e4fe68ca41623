package middleware

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

const (
	csrfLabel  = "admit csrf 1\x00" // the key's purpose
	csrfNonce  = 16
	csrfMemory = 1 << 20 // of a form with files; the rest of these goes to disk
)

// CSRFToken returns the value that a page puts into its forms (the field CSRFField) or into the header of
// its requests (CSRFHeader), in the mode SessionToken. It is good for the caller's session only and as
// long as that, however often the access token is renewed. Each call gives another value, so that a compressed page
// does not tell it. It is empty if the request did not pass RequireToken with that mode.
//
// It is for pages of the application alone: never put it into an answer that other origins may read,
// into a URL, or into a log.
func CSRFToken(r *http.Request) string {
	g, ok := r.Context().Value(key{}).(grant)
	if !ok || g.claims.SessionID == "" || g.guard.options.Cookie == nil {
		return ""
	}
	c := g.guard.options.Cookie
	if c.config.AntiCSRF != SessionToken {
		return ""
	}
	nonce := make([]byte, csrfNonce)
	_, _ = rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(append(nonce, c.mac(nonce, g.claims.SessionID)...))
}

// mac binds a nonce to a session. A second cookie with which to compare would be no proof: whoever has a
// sibling domain may plant that.
func (c *Cookie) mac(nonce []byte, session string) []byte {
	h := hmac.New(sha256.New, c.config.Key)
	h.Write([]byte(csrfLabel))
	h.Write(nonce)
	h.Write([]byte(session))
	return h.Sum(nil)
}

// meant tells whether a request that came with a cookie was sent by the application's own pages.
func (c *Cookie) meant(w http.ResponseWriter, r *http.Request, session string) error {
	socket := r.Method == http.MethodGet && r.Header.Get("Upgrade") != ""
	if safe(r) && !socket && !c.config.EveryMethod {
		return nil
	}
	asked := r.WithContext(r.Context()) // the check lets GET pass, which is not what is wanted here
	asked.Method = http.MethodPost
	if err := c.origin.Check(asked); err != nil {
		return fmt.Errorf("%w: %w", ErrCrossOrigin, err)
	}
	switch {
	case socket: // a WebSocket is opened with no header of the page's; browsers name the page's origin always
		if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
			return ErrCrossOrigin
		}
		return nil
	case c.config.AntiCSRF == SessionToken:
		return c.compare(w, r, session)
	}
	if values := r.Header.Values(c.config.Header); len(values) != 1 || strings.TrimSpace(values[0]) == "" {
		return ErrCSRFHeader
	}
	return nil
}

// safe tells whether a request changes nothing (RFC 9110 section 9.2.1). One that names another method for
// a router behind this to take is as good as that.
func safe(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	for _, header := range []string{"X-Http-Method", "X-Http-Method-Override", "X-Method-Override"} {
		if len(r.Header.Values(header)) > 0 {
			return false
		}
	}
	return r.URL.RawQuery == "" || !r.URL.Query().Has("_method")
}

func (c *Cookie) compare(w http.ResponseWriter, r *http.Request, session string) error {
	values, err := c.submitted(w, r)
	if err != nil {
		return err
	}
	if len(values) != 1 {
		return ErrCSRFToken
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(values[0])
	if err != nil || len(got) != csrfNonce+sha256.Size || !hmac.Equal(got[csrfNonce:], c.mac(got[:csrfNonce], session)) {
		return ErrCSRFToken
	}
	return nil
}

// submitted returns the header, or else the field of the form in the body. The query is never looked at: URLs
// get about.
func (c *Cookie) submitted(w http.ResponseWriter, r *http.Request) ([]string, error) {
	if values := r.Header.Values(c.config.Header); len(values) > 0 || r.Body == nil {
		return values, nil
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "application/x-www-form-urlencoded":
		r.Body = http.MaxBytesReader(w, r.Body, c.config.MaxForm)
		err = r.ParseForm()
	case "multipart/form-data":
		r.Body = http.MaxBytesReader(w, r.Body, c.config.MaxForm)
		err = r.ParseMultipartForm(csrfMemory)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return r.PostForm[c.config.Field], nil
}

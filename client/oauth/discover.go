package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Server is what an authorization server says about itself (OpenID Connect Discovery 1.0 section 3, RFC 8414
// section 2). An endpoint that it does not have is empty.
type Server struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	KeySet                string   `json:"jwks_uri"`
	GrantTypes            []string `json:"grant_types_supported"`
	NamesIssuer           bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

const (
	maxAnswer     = 1 << 20 // bytes of anything that a server answers
	wellKnownPath = "/.well-known/openid-configuration"
)

// Discover asks a server about itself. issuer is its issuer, byte for byte; the answer must say
// the same. Everything is https, but on this machine.
func Discover(ctx context.Context, h *http.Client, issuer string) (Server, error) {
	if err := usable(issuer); err != nil {
		return Server{}, fmt.Errorf("oauth: the issuer %w", err)
	}
	var s Server
	if err := getJSON(ctx, h, strings.TrimSuffix(issuer, "/")+wellKnownPath, &s); err != nil {
		return Server{}, err
	}
	if s.Issuer != issuer {
		return Server{}, fmt.Errorf("oauth: the server says that its issuer is %q, not %q", s.Issuer, issuer)
	}
	for name, at := range map[string]string{
		"authorization_endpoint": s.AuthorizationEndpoint, "token_endpoint": s.TokenEndpoint, "device_authorization_endpoint": s.DeviceEndpoint,
		"userinfo_endpoint": s.UserinfoEndpoint, "jwks_uri": s.KeySet,
	} {
		if at == "" {
			continue
		}
		if err := usable(at); err != nil {
			return Server{}, fmt.Errorf("oauth: the server's %s %w", name, err)
		}
	}
	if s.TokenEndpoint == "" {
		return Server{}, fmt.Errorf("oauth: the server says nothing of a token_endpoint at %s", wellKnownPath)
	}
	return s, nil
}

// usable tells whether secrets may be sent to a URL.
func usable(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("is no absolute URL: %q", raw)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && onThisMachine(u.Hostname()):
		return nil
	}
	return fmt.Errorf("is not https: %q", raw)
}

func onThisMachine(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func getJSON(ctx context.Context, h *http.Client, at string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("oauth: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	response, body, err := send(h, r)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return answered(response, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("oauth: the answer of %s is not what was expected: %w", at, err)
	}
	return nil
}

// send sends a request, without following redirects: none of these endpoints redirects.
func send(h *http.Client, r *http.Request) (*http.Response, []byte, error) {
	if h == nil {
		h = http.DefaultClient
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := own.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("oauth: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("oauth: %w", err)
	}
	return response, body, nil
}

// Error is an answer with an error code (RFC 6749 section 5.2).
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Status      int    `json:"-"` // of HTTP; 0 when it came through the browser
}

// Error tells code and description.
func (e *Error) Error() string {
	if e.Description == "" {
		return "oauth: " + e.Code
	}
	return "oauth: " + e.Code + ": " + e.Description
}

// answered makes an error of an answer that is none of those expected.
func answered(response *http.Response, body []byte) error {
	e := &Error{Status: response.StatusCode}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "application/json" {
		if json.Unmarshal(body, e) == nil && e.Code != "" {
			return e
		}
	}
	u := response.Request.URL
	return fmt.Errorf("oauth: %s://%s%s answers %s", u.Scheme, u.Host, u.Path, response.Status)
}

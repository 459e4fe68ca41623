package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client is a client that is registered at a server. It is safe for concurrent use.
type Client struct {
	Server Server
	ID     string       // client_id
	Proof  Proof        // how it proves itself; nil for a public client
	HTTP   *http.Client // nil is http.DefaultClient
}

// Proof puts the proof of who the client is into a request to one of the server's endpoints.
type Proof interface {
	Prove(c *Client, form url.Values, header http.Header) error
}

// Basic is a client secret that is sent in the Authorization header (client_secret_basic). It prints as a mask.
type Basic string

// Prove implements Proof.
func (s Basic) Prove(c *Client, _ url.Values, header http.Header) error {
	r := http.Request{Header: header}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(string(s))) // RFC 6749 section 2.3.1
	return nil
}

// String hides the secret.
func (Basic) String() string { return "[secret]" }

// GoString hides the secret.
func (Basic) GoString() string { return "[secret]" }

// Post is a client secret that is sent in the form (client_secret_post). It prints as a mask.
type Post string

// Prove implements Proof.
func (s Post) Prove(c *Client, form url.Values, _ http.Header) error {
	form.Set("client_id", c.ID)
	form.Set("client_secret", string(s))
	return nil
}

// String hides the secret.
func (Post) String() string { return "[secret]" }

// GoString hides the secret.
func (Post) GoString() string { return "[secret]" }

// Assertion makes a signed client assertion (RFC 7523) for an audience, one for each request:
// Assertion(key.Assertion) for an access key of package client, or a function that reads the token
// that a workload is given by its platform.
type Assertion func(audience string) (string, error)

// Prove implements Proof.
func (a Assertion) Prove(c *Client, form url.Values, _ http.Header) error {
	text, err := a(c.Server.Issuer)
	if err != nil {
		return err
	}
	form.Set("client_id", c.ID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", text)
	return nil
}

// Tokens are what the token endpoint gives (RFC 6749 section 5.1).
type Tokens struct {
	AccessToken     string `json:"access_token"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in,omitempty"` // seconds
	RefreshToken    string `json:"refresh_token,omitempty"`
	IDToken         string `json:"id_token,omitempty"`
	Scope           string `json:"scope,omitempty"`
	IssuedTokenType string `json:"issued_token_type,omitempty"` // RFC 8693
}

// Life is how long the access token is good, or zero when the server does not say.
func (t Tokens) Life() time.Duration { return time.Duration(t.ExpiresIn) * time.Second }

// Token asks the token endpoint. form says which grant and has what it needs; the proof of the
// client is added. The methods for the grants use it. An error of the server is an *Error.
func (c *Client) Token(ctx context.Context, form url.Values) (Tokens, error) {
	var out Tokens
	if err := c.post(ctx, c.Server.TokenEndpoint, form, &out); err != nil {
		return Tokens{}, err
	}
	if out.AccessToken == "" || out.TokenType == "" {
		return Tokens{}, fmt.Errorf("oauth: the token endpoint's answer has no access_token, or no token_type")
	}
	return out, nil
}

func (c *Client) post(ctx context.Context, at string, form url.Values, into any) error {
	header := http.Header{}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	header.Set("Accept", "application/json")
	if c.Proof == nil {
		form.Set("client_id", c.ID)
	} else if err := c.Proof.Prove(c, form, header); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("oauth: %w", err)
	}
	r.Header = header
	response, body, err := send(c.HTTP, r)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return answered(response, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("oauth: the answer of %s cannot be read: %w", at, err)
	}
	return nil
}

// Wish is what tokens are asked for.
type Wish struct {
	Scopes    []string
	Resources []string // RFC 8707: the APIs that the access token is for
}

func (w Wish) into(form url.Values) {
	if len(w.Scopes) > 0 {
		form.Set("scope", strings.Join(w.Scopes, " "))
	}
	for _, r := range w.Resources {
		form.Add("resource", r)
	}
}

package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	xoauth2 "golang.org/x/oauth2"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Deps is what speaking to providers needs.
type Deps struct {
	HTTP    *http.Client // of kit/egress
	Secrets connection.Secrets
	Clock   clock.Clock
}

// Client is the part of OAuth 2.0 that OpenID Connect shares.
type Client struct{ d Deps }

// NewClient returns a client.
func NewClient(d Deps) *Client { return &Client{d} }

// Endpoint is where and how a provider wants to be spoken to.
type Endpoint struct {
	AuthURL  string
	TokenURL string
	Auth     catalog.Authentication // Basic, Post or Signed
	Audience string                 // of a signed client secret
}

// browserProperties are parameters that an application may choose for its people. They
// change how the provider asks, never what it answers with.
var browserProperties = []string{"acr_values", "domain_hint", "hd", "login_hint", "max_age", "prompt", "ui_locales"}

// AuthorizeURL returns the authorization request. Parameters given in extra win over the
// connection's, and those over the application's.
func (k *Client) AuthorizeURL(c connection.Connection, l connection.Leg, e Endpoint, extra map[string]string) string {
	config := xoauth2.Config{
		ClientID: c.ClientID, RedirectURL: l.RedirectURI, Scopes: strings.Fields(c.Scope),
		Endpoint: xoauth2.Endpoint{AuthURL: e.AuthURL},
	}
	params := map[string]string{}
	for name, value := range l.Properties {
		if slices.Contains(browserProperties, name) && len(value) <= connection.MaxProperty {
			params[name] = value
		}
	}
	if l.LoginHint != "" {
		params["login_hint"] = l.LoginHint
	}
	for _, more := range []map[string]string{c.Properties, extra} {
		for name, value := range more {
			params[name] = value
		}
	}
	if mode := c.Preset().ResponseMode; mode != "" {
		params["response_mode"] = mode
	}
	options := []xoauth2.AuthCodeOption{xoauth2.S256ChallengeOption(l.Verifier.Reveal())}
	for name, value := range params {
		options = append(options, xoauth2.SetAuthURLParam(name, value))
	}
	return config.AuthCodeURL(l.State.Reveal(), options...)
}

// Exchange turns the code into tokens (RFC 6749 section 4.1.3). Only bearer tokens are taken.
func (k *Client) Exchange(ctx context.Context, c connection.Connection, e Endpoint, code secret.Text, l connection.Leg) (*xoauth2.Token, error) {
	const op = "oauth2.Exchange"
	credential, err := k.credential(c, e)
	if err != nil {
		return nil, connection.Unusable(op, err)
	}
	style := xoauth2.AuthStyleInParams
	if e.Auth == catalog.Basic {
		style = xoauth2.AuthStyleInHeader
	}
	if credential.Empty() {
		style = xoauth2.AuthStyleInParams // a public client names itself in the body
	}
	config := xoauth2.Config{
		ClientID: c.ClientID, ClientSecret: credential.Reveal(), RedirectURL: l.RedirectURI,
		Endpoint: xoauth2.Endpoint{TokenURL: e.TokenURL, AuthStyle: style},
	}
	client := *k.d.HTTP
	client.Transport = tokenTransport{next: k.d.HTTP.Transport, asJSON: c.ContentType == connection.ContentJSON}
	token, err := config.Exchange(context.WithValue(ctx, xoauth2.HTTPClient, &client), code.Reveal(),
		xoauth2.VerifierOption(l.Verifier.Reveal()))
	if err != nil {
		return nil, exchangeFault(op, err)
	}
	if !strings.EqualFold(token.TokenType, "bearer") {
		return nil, connection.Refused(op, errors.New("the token response has no token_type Bearer"))
	}
	return token, nil
}

// credential returns what proves to the token endpoint who we are; empty for a public client.
func (k *Client) credential(c connection.Connection, e Endpoint) (secret.Text, error) {
	stored, err := k.d.Secrets.Open(c)
	if err != nil || e.Auth != catalog.Signed {
		return stored, err
	}
	key, err := connection.ParseSigningKey(stored)
	if err != nil {
		return secret.Text{}, err
	}
	options := (&jose.SignerOptions{}).WithHeader("kid", c.SecretID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		return secret.Text{}, err
	}
	now := k.d.Clock.Now()
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: c.DeveloperAccountID, Subject: c.ClientID, Audience: jwt.Audience{e.Audience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
	return secret.New(text), err
}

// exchangeFault says whose fault a failed exchange is. The body of the answer is dropped: it
// can hold tokens.
func exchangeFault(op string, err error) error {
	var answer *xoauth2.RetrieveError
	if !errors.As(err, &answer) {
		return Failed(op, err)
	}
	cause := fmt.Errorf("the token endpoint answered %d, error %q", answer.Response.StatusCode, connection.PlainText(answer.ErrorCode, 64))
	switch {
	case answer.ErrorCode == "invalid_client" || answer.ErrorCode == "unauthorized_client" || answer.ErrorCode == "incorrect_client_credentials":
		return connection.Unusable(op, cause)
	case answer.Response.StatusCode >= 500 || answer.Response.StatusCode == http.StatusTooManyRequests:
		return connection.Unavailable(op, cause)
	}
	return connection.Refused(op, cause)
}

// Failed says whose fault a request without a usable answer is. A fault stays what it is.
func Failed(op string, err error) error {
	var (
		already *fault.Error
		address *egress.AddressError
		bad     *egress.URLError
		network *url.Error
	)
	switch {
	case errors.As(err, &already):
		return fault.Wrap(op, err)
	case errors.As(err, &address), errors.As(err, &bad):
		return connection.Unusable(op, err)
	case errors.As(err, &network), errors.Is(err, egress.ErrTooLarge), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return connection.Unavailable(op, err)
	}
	return connection.Refused(op, err)
}

// StatusError is an answer with another status than 200.
type StatusError struct{ Status int }

func (e *StatusError) Error() string { return fmt.Sprintf("the provider answered %d", e.Status) }

// Get fetches a document, with the token when there is one. A fault says whose fault it is; a
// cause of type StatusError has the status.
func (k *Client) Get(ctx context.Context, address string, token *xoauth2.Token) ([]byte, error) {
	const op = "oauth2.Get"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, connection.Unusable(op, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Admit")
	if token != nil {
		r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	}
	resp, err := k.d.HTTP.Do(r)
	if err != nil {
		return nil, Failed(op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		status := &StatusError{resp.StatusCode}
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
			return nil, connection.Unavailable(op, status)
		}
		return nil, connection.Refused(op, status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, connection.Unavailable(op, err)
	}
	return body, nil
}

// tokenTransport asks for JSON and, where the provider wants it, sends JSON.
type tokenTransport struct {
	next   http.RoundTripper
	asJSON bool
}

func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Admit")
	if !t.asJSON || r.Body == nil {
		return t.next.RoundTrip(r)
	}
	form, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return nil, err
	}
	members := make(map[string]string, len(values))
	for name := range values {
		members[name] = values.Get(name)
	}
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", connection.ContentJSON)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = nil
	return t.next.RoundTrip(r)
}

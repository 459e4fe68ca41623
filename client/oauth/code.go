package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/client/internal/strict"
)

// AuthorizeWish is what a person is asked to allow.
type AuthorizeWish struct {
	Wish                   // without scopes: openid profile email
	RedirectURI string     // registered for the client
	Key         string     // dpop_jkt: the thumbprint of the key that the code is bound to (RFC 9449 section 10), or empty
	More        url.Values // other parameters, such as prompt, max_age, acr_values, login_hint
}

// Authorization is an authorization request that is under way. It is used once.
type Authorization struct {
	URL string // where the person's browser goes

	client                                *Client
	state, nonce, verifier, redirect, key string
	openID                                bool
}

// Authorize begins the authorization code flow with PKCE: send the person's browser to the URL of
// the result, and give what comes back to Redeem.
func (c *Client) Authorize(w AuthorizeWish) (*Authorization, error) {
	if c.Server.AuthorizationEndpoint == "" {
		return nil, errors.New("oauth: the server has no authorization_endpoint")
	}
	if len(w.Scopes) == 0 {
		w.Scopes = []string{"openid", "profile", "email"}
	}
	a := &Authorization{
		client: c, state: random(), nonce: random(), verifier: random(), redirect: w.RedirectURI, key: w.Key, openID: slices.Contains(w.Scopes, "openid"),
	}
	u, err := url.Parse(c.Server.AuthorizationEndpoint)
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	q := u.Query()
	for name, values := range w.More {
		q[name] = values
	}
	challenge := sha256.Sum256([]byte(a.verifier))
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.ID, "redirect_uri": w.RedirectURI, "state": a.state,
		"code_challenge": strict.Encode(challenge[:]), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	if a.openID {
		q.Set("nonce", a.nonce)
	}
	if w.Key != "" {
		q.Set("dpop_jkt", w.Key)
	}
	w.into(q)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	a.URL = u.String()
	return a, nil
}

// Redeem takes the query that the browser came back with. It checks state and issuer (RFC 9207), redeems
// the code, and checks the ID token. An error that the server sent is an *Error.
func (a *Authorization) Redeem(ctx context.Context, back url.Values) (Tokens, error) {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(back[name]) > 1 {
			return Tokens{}, fmt.Errorf("oauth: the answer has %s more than once", name)
		}
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(a.state)) != 1:
		return Tokens{}, errors.New("oauth: the answer's state is not the request's: it belongs to another request, and is not used")
	case back.Has("iss") && back.Get("iss") != a.client.Server.Issuer, !back.Has("iss") && a.client.Server.NamesIssuer:
		return Tokens{}, errors.New("oauth: the answer does not come from this issuer, and is not used (RFC 9207)")
	case back.Get("error") != "":
		return Tokens{}, &Error{Code: back.Get("error"), Description: back.Get("error_description")}
	case back.Get("code") == "":
		return Tokens{}, errors.New("oauth: the answer has no code")
	}
	got, err := a.client.Token(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "redirect_uri": {a.redirect}, "code_verifier": {a.verifier},
	})
	if err != nil || !a.openID {
		return got, err
	}
	if got.IDToken == "" {
		return Tokens{}, errors.New("oauth: the scope openid was asked for, and there is no ID token")
	}
	return got, a.client.CheckIDToken(ctx, got.IDToken, a.nonce)
}

// random is 256 bits in base64url, as RFC 7636 section 4.1 recommends for verifiers.
func random() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return strict.Encode(b[:])
}

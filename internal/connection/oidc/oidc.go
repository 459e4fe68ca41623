package oidc

import (
	"context"
	"errors"
	"slices"
	"strings"

	xoauth2 "golang.org/x/oauth2"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Upstream implements connection.Upstream.
type Upstream struct {
	client    *oauth2.Client
	clock     clock.Clock
	providers providers
}

// New returns the upstream. It remembers discovery documents and key sets.
func New(d oauth2.Deps) *Upstream {
	client := oauth2.NewClient(d)
	return &Upstream{client: client, clock: d.Clock, providers: providers{client: client, clock: d.Clock}}
}

// AuthorizeURL implements connection.Upstream.
func (u *Upstream) AuthorizeURL(ctx context.Context, c connection.Connection, l connection.Leg) (string, error) {
	if l.Nonce.Empty() || l.State.Empty() || l.Verifier.Empty() {
		return "", connection.Unusable("oidc.AuthorizeURL", errors.New("the leg lacks nonce, state or verifier"))
	}
	m, err := u.providers.of(c).metadata(ctx, c)
	if err != nil {
		return "", err
	}
	return u.client.AuthorizeURL(c, l, m.endpoint(c), map[string]string{"nonce": l.Nonce.Reveal()}), nil
}

// Finish implements connection.Upstream.
func (u *Upstream) Finish(ctx context.Context, c connection.Connection, b connection.Callback, l connection.Leg) (connection.Identity, error) {
	const op = "oidc.Finish"
	expression, err := connection.ParseExpression(c.UserIDExpression)
	if err != nil {
		return connection.Identity{}, connection.Unusable(op, err)
	}
	provider := u.providers.of(c)
	m, err := provider.metadata(ctx, c)
	if err != nil {
		return connection.Identity{}, err
	}
	// Before the code is sent anywhere: did the server that we asked answer?
	if err := checkAnswerer(c, m, b.Issuer); err != nil {
		return connection.Identity{}, connection.Refused(op, err)
	}
	token, err := u.client.Exchange(ctx, c, m.endpoint(c), b.Code, l)
	if err != nil {
		return connection.Identity{}, err
	}
	raw, _ := token.Extra("id_token").(string)
	v := verification{
		connection: c, metadata: m, provider: provider, nonce: l.Nonce, accessToken: token.AccessToken, now: u.clock.Now(),
	}
	claims, err := v.verify(ctx, raw)
	if err != nil {
		return connection.Identity{}, oauth2.Failed(op, err)
	}
	issuer := claims.String("iss")
	if b.Issuer != "" && b.Issuer != issuer {
		return connection.Identity{}, connection.Refused(op, errors.New("iss of the answer and of the ID token differ"))
	}
	id := connection.Identity{Issuer: issuer}
	if id.Subject, err = expression.Subject(claims); err != nil {
		return connection.Identity{}, connection.Refused(op, err)
	}
	c.Profile(&id, claims)
	if err := u.enrich(ctx, c, m, token, claims, &id); err != nil {
		return connection.Identity{}, err
	}
	if c.Preset().NameFromCallback && id.Name == "" {
		id.Name = postedName(b.User)
	}
	return id, nil
}

// checkAnswerer is RFC 9207: `iss` must be there when the provider says it sends it, and
// must be the issuer whenever it is there.
func checkAnswerer(c connection.Connection, m *metadata, iss string) error {
	if iss == "" {
		if m.sendsIssuer {
			return errors.New("the answer lacks iss, which this provider always sends")
		}
		return nil
	}
	if c.ManyDirectories() {
		before, after, _ := strings.Cut(c.IssuerURL, "{tenantid}")
		middle, okBefore := strings.CutPrefix(iss, before)
		middle, okAfter := strings.CutSuffix(middle, after)
		if okBefore && okAfter && c.AllowsDirectory(middle) {
			return nil
		}
	} else if iss == c.IssuerURL {
		return nil
	}
	return errors.New("iss names another server")
}

// enrich asks the user-info endpoint for what the ID token does not say. Its answer must be
// about the same subject (OpenID Connect Core 1.0 section 5.3.2).
func (u *Upstream) enrich(ctx context.Context, c connection.Connection, m *metadata, token *xoauth2.Token, claims document.Object, id *connection.Identity) error {
	const op = "oidc.userinfo"
	wanted := c.UserEndpointURL != "" || id.Email == "" && slices.Contains(strings.Fields(c.Scope), "email")
	address := m.userinfo
	if c.UserEndpointURL != "" {
		address = c.UserEndpointURL
	}
	if !wanted || address == "" {
		return nil
	}
	body, err := u.client.Get(ctx, address, token)
	if err != nil {
		return err
	}
	info, err := document.Parse(body)
	if err != nil {
		return connection.Refused(op, err)
	}
	if sub := info.String("sub"); sub == "" || sub != claims.String("sub") {
		return connection.Refused(op, errors.New("it is about another subject than the ID token"))
	}
	more := connection.Identity{}
	c.Profile(&more, info)
	// The address and what is said about it come from one document, never mixed.
	if id.Email == "" {
		id.Email, id.EmailVerified = more.Email, more.EmailVerified
	}
	for _, pair := range []struct{ to, from *string }{{&id.Name, &more.Name}, {&id.Picture, &more.Picture}, {&id.Locale, &more.Locale}} {
		if *pair.to == "" {
			*pair.to = *pair.from
		}
	}
	return nil
}

// postedName reads Apple's form member `user`: {"name":{"firstName","lastName"},...}. It comes
// through the browser, so it is a name that the person gives, and nothing more.
func postedName(text string) string {
	if text == "" || len(text) > 4096 {
		return ""
	}
	o, err := document.Parse([]byte(text))
	if err != nil {
		return ""
	}
	name, _ := o["name"].(map[string]any)
	n := document.Object(name)
	return connection.PlainText(n.String("firstName")+" "+n.String("lastName"), 128)
}

// endpoint is where this connection's requests go.
func (m *metadata) endpoint(c connection.Connection) oauth2.Endpoint {
	e := oauth2.Endpoint{AuthURL: m.authorization, TokenURL: m.token, Auth: c.Preset().Authentication, Audience: c.IssuerURL}
	if c.AuthenticationURL != "" {
		e.AuthURL = c.AuthenticationURL
	}
	if c.TokenURL != "" {
		e.TokenURL = c.TokenURL
	}
	if e.Auth == "" {
		// Discovery 1.0 section 3: client_secret_basic is the default.
		e.Auth = catalog.Basic
		if len(m.authMethods) > 0 && !slices.Contains(m.authMethods, "client_secret_basic") {
			e.Auth = catalog.Post
		}
	}
	return e
}

var _ connection.Upstream = (*Upstream)(nil)

// equal compares secrets in constant time.
func equal(a string, b secret.Text) bool {
	return secret.Equal([]byte(a), []byte(b.Reveal()))
}

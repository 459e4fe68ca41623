package oauth2

import (
	"context"
	"errors"
	"net/url"
	"strings"

	xoauth2 "golang.org/x/oauth2"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/kit/fault"
)

// Upstream implements connection.Upstream for providers with a user-info endpoint.
type Upstream struct{ client *Client }

// New returns the upstream.
func New(d Deps) *Upstream { return &Upstream{NewClient(d)} }

func endpoint(c connection.Connection) Endpoint {
	e := Endpoint{AuthURL: c.AuthenticationURL, TokenURL: c.TokenURL, Auth: c.Preset().Authentication}
	if e.Auth == "" {
		e.Auth = catalog.Post
	}
	return e
}

// AuthorizeURL implements connection.Upstream.
func (u *Upstream) AuthorizeURL(_ context.Context, c connection.Connection, l connection.Leg) (string, error) {
	return u.client.AuthorizeURL(c, l, endpoint(c), nil), nil
}

// Finish implements connection.Upstream.
func (u *Upstream) Finish(ctx context.Context, c connection.Connection, b connection.Callback, l connection.Leg) (connection.Identity, error) {
	const op = "oauth2.Finish"
	var id connection.Identity
	// RFC 9207: an answer that names another server than the one we asked is a mix-up. Plain
	// OAuth 2.0 connections know no issuer, so its origin must be the authorization endpoint's.
	if b.Issuer != "" && origin(b.Issuer) != origin(c.AuthenticationURL) {
		return id, connection.Refused(op, errors.New("iss names another server"))
	}
	expression, err := connection.ParseExpression(c.UserIDExpression)
	if err != nil {
		return id, connection.Unusable(op, err)
	}
	token, err := u.client.Exchange(ctx, c, endpoint(c), b.Code, l)
	if err != nil {
		return id, err
	}
	body, err := u.client.Get(ctx, c.UserEndpointURL, token)
	if err != nil {
		return id, err
	}
	claims, err := document.Parse(body)
	if err != nil {
		return id, connection.Refused(op, err)
	}
	if id.Subject, err = expression.Subject(claims); err != nil {
		return id, connection.Refused(op, err)
	}
	id.Issuer = origin(c.UserEndpointURL)
	c.Profile(&id, claims)
	if err := u.addresses(ctx, c, token, &id); err != nil {
		return connection.Identity{}, err
	}
	return id, nil
}

// addresses takes the primary address from a provider's list of verified ones. A provider that
// withholds the list leaves the person without an address.
func (u *Upstream) addresses(ctx context.Context, c connection.Connection, token *xoauth2.Token, id *connection.Identity) error {
	p := c.Preset()
	suffix, ok := strings.CutPrefix(p.EmailsURL, p.UserEndpointURL)
	if p.EmailsURL == "" || !ok {
		return nil
	}
	body, err := u.client.Get(ctx, c.UserEndpointURL+suffix, token)
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := document.ParseList(body)
	if err != nil {
		return connection.Refused("oauth2.addresses", err)
	}
	for _, entry := range list {
		if entry.True("primary") && entry.True("verified") {
			id.Email = connection.PlainEmail(entry.String("email"))
			id.EmailVerified = id.Email != "" && c.Vouches(id.Email, func(string) string { return "" })
			return nil
		}
	}
	return nil
}

// origin returns scheme and host of a URL, or nothing that equals another origin.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "invalid: " + text
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

package oauth

import (
	"context"
	"net/url"
)

// The token types of RFC 8693 section 3.
const (
	AccessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	IDTokenType     = "urn:ietf:params:oauth:token-type:id_token"
	JWTType         = "urn:ietf:params:oauth:token-type:jwt"
)

// Credentials gets an access token for the client itself (RFC 6749 section 4.4).
func (c *Client) Credentials(ctx context.Context, w Wish) (Tokens, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	w.into(form)
	return c.Token(ctx, form)
}

// Refresh gets tokens for a refresh token. When the answer has another refresh token, the old one is
// used up: keep the new one. A wish can only narrow what was granted.
func (c *Client) Refresh(ctx context.Context, refreshToken string, w Wish) (Tokens, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	w.into(form)
	return c.Token(ctx, form)
}

// Exchange is a token that is to be exchanged for another one (RFC 8693).
type Exchange struct {
	Subject     string // whom the new token is about
	SubjectType string // empty: AccessTokenType
	Actor       string // who acts for them, or empty
	ActorType   string // empty: AccessTokenType
	Audiences   []string
	Wish
}

// Exchange exchanges a token for one with less scope or for another API.
func (c *Client) Exchange(ctx context.Context, x Exchange) (Tokens, error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {x.Subject}}
	form.Set("subject_token_type", or(x.SubjectType, AccessTokenType))
	if x.Actor != "" {
		form.Set("actor_token", x.Actor)
		form.Set("actor_token_type", or(x.ActorType, AccessTokenType))
	}
	for _, a := range x.Audiences {
		form.Add("audience", a)
	}
	x.into(form)
	return c.Token(ctx, form)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

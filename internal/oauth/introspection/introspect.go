package introspection

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/token"
)

// inactive is the whole answer about anything that is not the caller's to know.
var inactive = []byte(`{"active":false}`)

// answer is the body about a living access token: its claims, and that it is active.
func answer(l *Living) []byte {
	kind := "Bearer"
	if l.Bound != nil && l.Bound.JKT != "" {
		kind = "DPoP"
	}
	out := append([]byte(`{"active":true,"token_type":"`), kind...)
	out = append(out, `",`...)
	return append(out, l.claims[1:]...)
}

// Introspect answers a client that asks about a token: the JSON, or the JWT when it asks for one
// (RFC 9701). A client learns of its own tokens, of those that are for it, and of those for the
// audiences that it is registered to ask about.
func (s *Service) Introspect(ctx context.Context, r Request, signed bool) (body []byte, err error) {
	c, err := s.d.Parties.Authenticate(ctx, r.account(), r.Presented)
	if err != nil {
		return nil, err
	}
	if c.Public() {
		return nil, oauth.Fail(oauth.InvalidClient, "A client that cannot prove itself may not ask about tokens.")
	}
	text, err := r.token()
	if err != nil {
		return nil, err
	}
	body, err = s.about(ctx, c, text)
	if err != nil || !signed {
		return body, err
	}
	out, err := s.d.Signer.Response(ctx, token.ResponseParams{
		Account: c.Account, Type: jose.TypeIntrospection, Signing: token.Signing{Alg: c.Settings.IntrospectionAlg},
		Claims: map[string]any{
			"iss": s.d.Reader.d.Issuer(c.Account), "aud": c.ID, "iat": s.d.Reader.d.Clock.Now().Unix(), "token_introspection": json.RawMessage(body),
		},
	})
	return []byte(out.Reveal()), err
}

func (s *Service) about(ctx context.Context, c oauth.Client, text string) ([]byte, error) {
	if strings.HasPrefix(text, pipeline.RefreshPrefix) {
		return s.aboutRefresh(ctx, c, text)
	}
	l, err := s.d.Reader.Look(ctx, c.Account, text)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return inactive, nil
	case err != nil:
		return nil, err
	case !concerns(l, c):
		return inactive, nil
	}
	return l.answer, nil
}

// concerns tells whether a client may learn what a token says.
func concerns(l *Living, c oauth.Client) bool {
	return l.Client == c.ID || slices.ContainsFunc(l.Audience, func(one string) bool {
		return one == c.ID || slices.Contains(c.Settings.IntrospectionAudiences, one)
	})
}

// aboutRefresh answers about a refresh token, which concerns its client only.
func (s *Service) aboutRefresh(ctx context.Context, c oauth.Client, text string) (body []byte, err error) {
	body = inactive
	err = s.d.DB.Read(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) error {
		g, version, err := s.d.Families.Lookup(ctx, t, c.Account, text)
		switch {
		case fault.Is(err, fault.NotFound):
			return nil
		case err != nil:
			return err
		case g.Client != c.ID || !pipeline.Current(g, version, t.Now()):
			return nil
		}
		body, err = json.Marshal(map[string]any{
			"active": true, "token_type": "refresh_token", "client_id": g.Client, "sub": g.User, "iss": s.d.Reader.d.Issuer(c.Account),
			"scope": strings.Join(g.Scopes, " "), "iat": g.RotatedAt.Unix(), "exp": earlier(g.ExpiresAt, g.IdleUntil).Unix(),
		})
		return err
	})
	return body, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

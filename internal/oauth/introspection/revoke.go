package introspection

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// EventRevoked tells of the end of one access token; details "client", "grant". The target is its jti.
const EventRevoked = "oauth.token.revoked"

var errOthers = oauth.Fail(oauth.InvalidGrant, "The token was given to another client, which alone can revoke it.")

var errLogin = oauth.Fail(oauth.UnsupportedTokenType, "This is a token of the login API, which ends with its session.")

// Revoke ends a token of the client that asks: an access token alone, or with a refresh token its
// whole family (RFC 7009 section 2.1). What is dead already, or never was a token, is no error. When
// it returns nil the end is durable, and this node knows it.
func (s *Service) Revoke(ctx context.Context, r Request) error {
	c, err := s.d.Parties.Authenticate(ctx, r.account(), r.Presented)
	if err != nil {
		return err
	}
	text, err := r.token()
	if err != nil {
		return err
	}
	by := r.Actor
	by.ID = c.ID
	if c.Kind == oauth.Service {
		by.Kind = actor.ServiceClient
	}
	if strings.HasPrefix(text, pipeline.RefreshPrefix) {
		return s.revokeRefresh(ctx, c, by, text)
	}
	l, err := s.d.Reader.Look(ctx, c.Account, text)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return nil
	case err != nil:
		return err
	case l.Client != c.ID:
		return errOthers
	case l.Grant == "":
		return errLogin
	}
	return s.d.DB.Write(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.d.Ender.EndGrant(ctx, t, c.Account, l.ID, l.Expires); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventRevoked, l.ID, "client", c.ID, "grant", l.Grant))
	})
}

func (s *Service) revokeRefresh(ctx context.Context, c oauth.Client, by actor.Actor, text string) error {
	var found oauth.Grant
	err := s.d.DB.Read(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) (err error) {
		found, _, err = s.d.Families.Lookup(ctx, t, c.Account, text)
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	case found.Client != c.ID:
		return errOthers
	}
	return s.d.DB.Write(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) error {
		return s.d.Families.End(ctx, t, by, found.Authorization.Grant, "revoked")
	})
}

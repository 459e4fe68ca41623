package pipeline

import (
	"context"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// RefreshGrant uses refresh tokens (RFC 6749 section 6). Those of public clients that prove no key
// rotate: each use gives the next version. The version before gives the same one again for a
// moment (Window); anything older was stolen or was stolen from, and ends the family.
type RefreshGrant struct {
	DB       tx.Runner
	Store    oauth.Grants
	Families *Families
	// Users and Sessions are read before the unit of work, so that others wait less for the writer. Whoever
	// ends a person ends their families, so that a use fails that comes after.
	Users    Users
	Sessions Sessions
}

// Name implements Grant.
func (RefreshGrant) Name() string { return application.GrantRefresh }

var errRefresh = oauth.Fail(oauth.InvalidGrant, "The refresh token is wrong, expired, used already or ended, or it is another client's or another key's.")

// Prove implements Grant. Texts that were never given out cost a read and no place in the writer.
func (g RefreshGrant) Prove(ctx context.Context, a Asked) (Take, error) {
	text := a.Form.Get("refresh_token")
	if text == "" {
		return nil, oauth.Fail(oauth.InvalidRequest, "refresh_token is missing.")
	}
	var found oauth.Grant
	var version int64
	var seen Seen
	err := g.DB.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) (err error) {
		found, version, err = g.Families.Lookup(ctx, t, a.Account, text)
		if err == nil && found.Client == a.Client.ID {
			seen, err = see(ctx, t, g.Users, g.Sessions, found.Authorization)
		}
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, errRefresh
	case err != nil:
		return nil, err
	case found.Client != a.Client.ID:
		return g.foreign(a, found), nil
	}
	use := oauth.Use{
		Account: a.Account, Grant: found.Authorization.Grant, Client: a.Client.ID, Version: version,
		JKT: a.Holder.JKT, X5T: a.Holder.X5T, Rotate: found.Rotates,
	}
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		use.IdleUntil = t.Now().Add(a.Client.Settings.RefreshTokenIdle)
		next, err := g.Store.UseGrant(ctx, t, use)
		if fault.Is(err, fault.NotFound) {
			return g.again(ctx, t, a, use, &seen)
		}
		return outcome(next, &seen), err
	}, nil
}

func outcome(g oauth.Grant, seen *Seen) Outcome {
	return Outcome{Authorization: g.Authorization, Family: &g, Seen: seen}
}

// again judges a token that could not be used, on the row as it is now.
func (g RefreshGrant) again(ctx context.Context, t tx.Tx, a Asked, use oauth.Use, seen *Seen) (Outcome, error) {
	now, err := g.Store.Grant(ctx, t, a.Account, use.Grant)
	switch {
	case fault.Is(err, fault.NotFound):
		return Outcome{Refused: errRefresh}, nil
	case err != nil:
		return Outcome{}, err
	case !now.Alive(t.Now()), now.JKT != "" && now.JKT != use.JKT, now.X5T != "" && now.X5T != use.X5T:
		return Outcome{Refused: errRefresh}, nil
	case repeats(now, use.Version, t.Now()):
		out := outcome(now, seen)
		out.Detail = []string{"again", "true"}
		return out, nil
	case use.Version < now.Version:
		return Outcome{Refused: errRefresh}, g.Families.reused(ctx, t, a, use.Grant, "refresh token")
	}
	return Outcome{Refused: errRefresh}, nil
}

// foreign writes down that a client came with another's token. It is not used up by that.
func (g RefreshGrant) foreign(a Asked, found oauth.Grant) Take {
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		return Outcome{Refused: errRefresh},
			t.Emit(ctx, event.New(a.Actor, EventStolen, found.Authorization.Grant, "client", a.Client.ID, "of", found.Client))
	}
}

// ClientGrant gives a client tokens for itself (RFC 6749 section 4.4).
type ClientGrant struct{}

// Name implements Grant.
func (ClientGrant) Name() string { return application.GrantClientCredentials }

// Prove implements Grant. The client's own proof is the grant's.
func (ClientGrant) Prove(_ context.Context, a Asked) (Take, error) {
	if a.Client.Public() {
		return nil, oauth.Fail(oauth.UnauthorizedClient, "A client that cannot prove itself gets no tokens for itself.")
	}
	return func(context.Context, tx.Tx) (Outcome, error) {
		return Outcome{Authorization: oauth.Authorization{Grant: NewGrantID(), Account: a.Account, Client: a.Client.ID}, Own: true, NoID: true}, nil
	}, nil
}

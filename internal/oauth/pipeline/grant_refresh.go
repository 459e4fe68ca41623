package pipeline

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// RefreshGrant uses refresh tokens (RFC 6749 section 6). Those of public clients that prove no key
// rotate: each use gives the next version. The version before gives the same one again for a
// moment (Window); anything older was stolen or was stolen from, and ends the family.
type RefreshGrant struct {
	Store    oauth.Grants
	Families *Families
}

// Name implements Grant.
func (RefreshGrant) Name() string { return application.GrantRefresh }

var errRefresh = oauth.Fail(oauth.InvalidGrant, "The refresh token is wrong, expired, used already or ended, or it is another client's or another key's.")

// Prove implements Grant. Texts that were never given out cost no look-up and no place in the writer.
func (g RefreshGrant) Prove(_ context.Context, a Asked) (Take, error) {
	text := a.Form.Get("refresh_token")
	if text == "" {
		return nil, oauth.Fail(oauth.InvalidRequest, "refresh_token is missing.")
	}
	said, ok := g.Families.refresh.read(a.Account, text)
	if !ok {
		return nil, errRefresh
	}
	use := oauth.Use{
		Account: a.Account, Grant: said.grant, Client: a.Client.ID, Version: said.version, Salt: said.salt,
		JKT: a.Holder.JKT, X5T: a.Holder.X5T,
	}
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		use.IdleUntil = idleUntil(t.Now(), a.Client.Settings.RefreshTokenIdle)
		next, err := g.Store.UseGrant(ctx, t, use)
		if fault.Is(err, fault.NotFound) {
			return g.again(ctx, t, a, use)
		}
		return outcome(next), err
	}, nil
}

// idleUntil slides with use in steps of an hour at most, and of a 32nd of a short idle life: a family may end
// so much earlier. Between two steps its row changes in no column that has an index, which spares PostgreSQL
// all of them.
func idleUntil(now time.Time, idle time.Duration) time.Time {
	return now.Add(idle).Truncate(max(time.Second, min(time.Hour, idle/32)))
}

func outcome(g oauth.Grant) Outcome { return Outcome{Authorization: g.Authorization, Family: &g} }

// again judges a token that could not be used, on the row as it is now.
func (g RefreshGrant) again(ctx context.Context, t tx.Tx, a Asked, use oauth.Use) (Outcome, error) {
	now, err := g.Store.Grant(ctx, t, a.Account, use.Grant)
	switch {
	case fault.Is(err, fault.NotFound):
		return Outcome{Refused: errRefresh}, nil
	case err != nil:
		return Outcome{}, err
	case !now.Offline, !secret.Equal(now.Salt, use.Salt):
		return Outcome{Refused: errRefresh}, nil
	case now.Client != use.Client:
		return g.foreign(ctx, t, a, now)
	case !now.Alive(t.Now()), now.JKT != "" && now.JKT != use.JKT, now.X5T != "" && now.X5T != use.X5T:
		return Outcome{Refused: errRefresh}, nil
	case repeats(now, use.Version, t.Now()):
		out := outcome(now)
		out.Detail = []string{"again", "true"}
		return out, nil
	case use.Version < now.Version:
		return Outcome{Refused: errRefresh}, g.Families.reused(ctx, t, a, use.Grant, "refresh token")
	}
	return Outcome{Refused: errRefresh}, nil
}

// foreign writes down that a client came with another's token. It is not used up by that.
func (g RefreshGrant) foreign(ctx context.Context, t tx.Tx, a Asked, found oauth.Grant) (Outcome, error) {
	return Outcome{Refused: errRefresh},
		t.Emit(ctx, event.New(a.Actor, EventStolen, found.Authorization.Grant, "client", a.Client.ID, "of", found.Client))
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

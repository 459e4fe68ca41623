package pipeline

import (
	"context"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// The events; the target is the grant's id.
const (
	EventIssued = "oauth.token.issued"  // details "client", "grantType", "user", "session"
	EventReused = "oauth.grant.reused"  // a code or refresh token came twice; details "client", "what"
	EventStolen = "oauth.grant.foreign" // another client came with a genuine refresh token; details "client", "of"
	EventEnded  = "oauth.grant.ended"   // details "why"
)

// OfflineScope asks for refresh tokens (OpenID Connect Core section 11).
const OfflineScope = "offline_access"

// endAtOnce is how many grants one statement ends.
const endAtOnce = 1000

// Ender makes the tokens of a grant, or everything that a client has, dead on every node. *session.Service does.
type Ender interface {
	EndGrant(ctx context.Context, t tx.Tx, account ident.AccountID, id string, until time.Time) error
	EndClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
}

// Families begins, continues and ends grants.
type Families struct {
	store   oauth.Grants
	ender   Ender
	refresh refreshTokens
}

// NewFamilies makes it.
func NewFamilies(store oauth.Grants, ender Ender, keys *crypt.Keys) *Families {
	return &Families{store: store, ender: ender, refresh: newRefreshTokens(keys)}
}

// begin writes a new family. One without refresh tokens is kept, too: what comes of a code that is
// used twice can be ended then, and a person sees who got in.
func (f *Families) begin(ctx context.Context, t tx.Tx, a Asked, o oauth.Authorization, life time.Duration) (oauth.Grant, error) {
	c, now := a.Client, t.Now()
	g := oauth.Grant{
		Authorization: o, Salt: secret.Bytes(saltSize), Version: 1, CreatedAt: now, RotatedAt: now,
		Offline: o.User != "" && c.MayUse(application.GrantRefresh) && has(o.Scopes, OfflineScope),
	}
	if c.Public() {
		g.Rotates = g.Offline && o.JKT == "" && o.X5T == ""
	} else {
		g.JKT, g.X5T = "", "" // the client proves itself with every refresh and may change its keys
	}
	g.ExpiresAt = now.Add(life)
	g.IdleUntil = g.ExpiresAt
	if g.Offline {
		g.ExpiresAt = now.Add(c.Settings.RefreshTokenLife)
		g.IdleUntil = now.Add(min(c.Settings.RefreshTokenIdle, c.Settings.RefreshTokenLife))
	}
	return g, f.store.InsertGrant(ctx, t, g)
}

// End ends one grant with everything issued from it, whether it has a row or not.
func (f *Families) End(ctx context.Context, t tx.Tx, by actor.Actor, id, why string) error {
	if _, err := f.store.EndGrants(ctx, t, oauth.Selection{Account: by.Account, Grant: id}, 1); err != nil {
		return err
	}
	if err := f.ender.EndGrant(ctx, t, by.Account, id, time.Time{}); err != nil {
		return err
	}
	return t.Emit(ctx, event.New(by, EventEnded, id, "why", why))
}

// EndForSession ends the grants of a chain of sessions that have no refresh tokens; the others
// outlive a logout. Their access tokens end with the session by themselves.
func (f *Families) EndForSession(ctx context.Context, t tx.Tx, by actor.Actor, root ident.SessionID) error {
	return f.end(ctx, t, by, oauth.Selection{Account: by.Account, Root: root, Online: true}, false)
}

// SessionEnded reacts to the end of a chain of sessions that takes with it what outlives a logout.
func (f *Families) SessionEnded(ctx context.Context, t tx.Tx, e event.Event) error {
	if e.Detail["grants"] != "all" || e.Detail["root"] == "" {
		return nil
	}
	return f.end(ctx, t, e.Actor, oauth.Selection{Account: e.Account, Root: ident.SessionID(e.Detail["root"])}, true)
}

// EndForUser ends every grant of a person, with the access tokens. The person's cut (session.EndUser) ends
// those too, but one that is issued at the very same moment on another node could be younger than it.
func (f *Families) EndForUser(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID) error {
	return f.end(ctx, t, by, oauth.Selection{Account: by.Account, User: user}, true)
}

// EndForClient ends every grant of a client, and every access token that it has.
func (f *Families) EndForClient(ctx context.Context, t tx.Tx, by actor.Actor, client string) error {
	if err := f.end(ctx, t, by, oauth.Selection{Account: by.Account, Client: client}, false); err != nil {
		return err
	}
	return f.ender.EndClient(ctx, t, by.Account, client)
}

// EndForConsent ends what a person gave to a client, with the access tokens.
func (f *Families) EndForConsent(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, client string) error {
	return f.end(ctx, t, by, oauth.Selection{Account: by.Account, User: user, Client: client}, true)
}

// EndForSeat ends what a person gave to a client while they were signed in with one chain of sessions, with
// the access tokens and refresh tokens: they have signed in there anew, and one session is all they may have.
func (f *Families) EndForSeat(ctx context.Context, t tx.Tx, by actor.Actor, root ident.SessionID, user ident.UserID, client string) error {
	return f.end(ctx, t, by, oauth.Selection{Account: by.Account, Root: root, User: user, Client: client}, true)
}

// EndForAccount ends every grant of the account. Access tokens end with the sessions and people.
func (f *Families) EndForAccount(ctx context.Context, t tx.Tx, by actor.Actor) error {
	return f.end(ctx, t, by, oauth.Selection{Account: by.Account, All: true}, false)
}

func (f *Families) end(ctx context.Context, t tx.Tx, by actor.Actor, s oauth.Selection, tokens bool) error {
	total := 0
	for {
		ids, err := f.store.EndGrants(ctx, t, s, endAtOnce)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !tokens {
				break
			}
			if err := f.ender.EndGrant(ctx, t, s.Account, id, time.Time{}); err != nil {
				return err
			}
		}
		if total += len(ids); len(ids) < endAtOnce {
			break
		}
	}
	if total == 0 {
		return nil
	}
	target := s.Client
	if s.User != "" {
		target = string(s.User)
	}
	if s.Root != "" {
		target = string(s.Root)
	}
	return t.Emit(ctx, event.New(by, EventEnded, target, "grants", strconv.Itoa(total), "client", s.Client))
}

// reused ends a family because one of its codes or tokens came twice.
func (f *Families) reused(ctx context.Context, t tx.Tx, a Asked, grant, what string) error {
	if err := t.Emit(ctx, event.New(a.Actor, EventReused, grant, "client", a.Client.ID, "what", what)); err != nil {
		return err
	}
	return f.End(ctx, t, a.Actor, grant, "reused")
}

// Lookup finds the grant of a refresh token, dead or alive, for introspection and revocation. A fault of
// kind NotFound when the text is no token that was ever given out.
func (f *Families) Lookup(ctx context.Context, t tx.Tx, account ident.AccountID, text string) (g oauth.Grant, version int64, err error) {
	said, ok := f.refresh.read(account, text)
	if !ok {
		return g, 0, errNoRefresh
	}
	g, err = f.store.Grant(ctx, t, account, said.grant)
	if err != nil {
		return g, 0, err
	}
	if !g.Offline || !secret.Equal(g.Salt, said.salt) {
		return oauth.Grant{}, 0, errNoRefresh
	}
	return g, said.version, nil
}

var errNoRefresh = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such refresh token.")

// Current tells whether the refresh token of that version could be used now.
func Current(g oauth.Grant, version int64, now time.Time) bool {
	return g.Alive(now) && (version == g.Version || repeats(g, version, now))
}

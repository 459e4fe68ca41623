package dbsc

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// The events. Their target is the session; details are "user", and "key" (the thumbprint) or "why".
const (
	EventBound   = "session.bound"
	EventRefused = "session.binding.refused"
)

// Sessions finds sessions; session.Service does.
type Sessions interface {
	ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (session.Session, error)
	Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (session.Session, error)
}

// Deps is what a Service works with.
type Deps struct {
	DB       tx.Runner
	Store    Store
	Keys     *crypt.Keys
	Sessions Sessions
	Policy   Policies // nil: Offered for all
}

// Service binds sessions to keys.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service {
	if d.Policy == nil {
		d.Policy = func(ident.AccountID, ident.TenantID) Policy { return Offered }
	}
	return &Service{d}
}

// Bound is what the browser gets for a proof.
type Bound struct {
	Binding
	Value secret.Text // of the bound cookie
}

var (
	errOther  = refuse("The challenge is of another session.", nil)
	errStale  = refuse("The challenge is not one that can be answered now.", nil)
	errBound  = refuse("The session is bound already.", nil)
	errOff    = refuse("Sessions are not bound here.", nil)
	errNoBind = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such bound session.")
)

// Offer returns the challenge for the answer that gives a browser a new session's cookie; empty when
// the session is bound already, because it continues one that is, or when it is not to be.
func (s *Service) Offer(ctx context.Context, account ident.AccountID, cookie secret.Text) (offer string, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		found, err := s.d.Sessions.ByCookie(ctx, t, account, cookie)
		if fault.Is(err, fault.NotFound) || err == nil && s.d.Policy(account, found.Tenant()) == Off {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := s.d.Store.ByRoot(ctx, t, account, found.Root); !fault.Is(err, fault.NotFound) {
			return err
		}
		offer = s.challenge(account, challenge{kind: forRegistration, subject: string(found.Root), expires: t.Now().Add(ChallengeLife)})
		return nil
	})
	return offer, err
}

// Registration is a request to bind a session.
type Registration struct {
	Actor  actor.Actor
	Cookie secret.Text // the session's, joined; empty where the browser did not send it
	Proofs []string    // all that came
}

// Register binds a session to the key of the proof. Errors: Forbidden, and nothing has changed.
func (s *Service) Register(ctx context.Context, r Registration) (Bound, error) {
	p, err := firstProof(r.Proofs)
	if err != nil {
		return Bound{}, err
	}
	account := r.Actor.Account
	c, ok := s.readChallenge(account, p.challenge)
	if !ok || c.kind != forRegistration {
		return Bound{}, errStale
	}
	var out Bound
	var refused error
	err = s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		out, refused = Bound{}, nil
		root := ident.SessionID(c.subject)
		found, err := s.chainFor(ctx, t, r, root)
		switch {
		case fault.Is(err, fault.Forbidden):
			refused = err
			return nil
		case err != nil:
			return err
		case !t.Now().Before(c.expires):
			refused = errStale
			return nil
		case s.d.Policy(account, found.Tenant()) == Off:
			refused = errOff
			return nil
		}
		out = newBinding(account, root, p.key, found.AbsoluteExpiry, t.Now())
		err = s.d.Store.Insert(ctx, t, out.Binding)
		if fault.Is(err, fault.Conflict) {
			refused = errBound
			return s.noteRoot(ctx, t, r.Actor, found, "bound already")
		}
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by(r.Actor, found), EventBound, string(found.ID), "user", string(found.User), "key", p.key.Thumbprint()))
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Bound{}, err
	}
	return out, nil
}

// chainFor finds the living session of a chain; a cookie that came must be of it.
func (s *Service) chainFor(ctx context.Context, t tx.Tx, r Registration, root ident.SessionID) (session.Session, error) {
	found, err := s.d.Sessions.Chain(ctx, t, r.Actor.Account, root)
	if fault.Is(err, fault.NotFound) {
		return session.Session{}, errOther
	}
	if err != nil || r.Cookie.Empty() {
		return found, err
	}
	own, err := s.d.Sessions.ByCookie(ctx, t, r.Actor.Account, r.Cookie)
	if fault.Is(err, fault.NotFound) || err == nil && own.Root != root {
		return session.Session{}, errOther
	}
	return found, err
}

func newBinding(account ident.AccountID, root ident.SessionID, key jose.PublicJWK, expires, now time.Time) Bound {
	value := secret.Random("")
	return Bound{Value: value, Binding: Binding{
		Account: account, ID: ident.New(idPrefix), Root: root, Key: jose.PublicJWK{Key: key.Key}, Created: now, Expires: expires,
		Cookie: Cookie{hashOf(value), now.Add(BoundLife)},
	}}
}

// by makes the session's person the actor of an event, as the session's cookie would.
func by(a actor.Actor, s session.Session) actor.Actor {
	if a.Kind == actor.Anonymous {
		a.Kind, a.ID, a.Session = actor.User, string(s.User), s.ID
	}
	return a
}

func (s *Service) noteRoot(ctx context.Context, t tx.Tx, a actor.Actor, found session.Session, why string) error {
	b, err := s.d.Store.ByRoot(ctx, t, found.Account, found.Root)
	if err != nil {
		return err
	}
	return s.note(ctx, t, a, found, b, why)
}

// note writes a refusal into the audit trail, unless one was written a moment ago.
func (s *Service) note(ctx context.Context, t tx.Tx, a actor.Actor, found session.Session, b Binding, why string) error {
	first, err := s.d.Store.Refused(ctx, t, b.Account, b.ID)
	if err != nil || !first {
		return err
	}
	return t.Emit(ctx, event.New(a, EventRefused, string(found.ID), "user", string(found.User), "why", why))
}

// Purge deletes up to limit bindings of sessions that are over.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, limit)
		return err
	})
	return n, err
}

package dbsc

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Refreshing is a request for a new value of a bound cookie.
type Refreshing struct {
	Actor  actor.Actor
	ID     string   // of the binding
	Proofs []string // all that came; none asks for a challenge
}

// Refreshed is the answer: a new value, or a challenge to prove the key with.
type Refreshed struct {
	Bound     Bound
	Challenge string
	// Refused says why the proof, if there was one, was not taken.
	Refused error
}

// Refresh gives the browser of a binding a new value of its cookie for a proof of its key. Errors:
// NotFound when there is no such binding, or its session has ended. Nothing has changed then, nor
// when the answer is a challenge.
func (s *Service) Refresh(ctx context.Context, r Refreshing) (Refreshed, error) {
	b, found, out, err := s.look(ctx, r)
	if err != nil || len(r.Proofs) == 0 {
		return out, err
	}
	proved := s.judge(r, b)
	var bound Bound
	var refused error
	err = s.d.DB.Write(ctx, tx.In(b.Account), func(ctx context.Context, t tx.Tx) error {
		c, why := proved.challenge, "proof"
		if refused = proved.err; refused == nil && (c.uses != b.Uses || !t.Now().Before(c.expires)) {
			refused, why = errStale, "challenge"
		}
		if refused != nil {
			return s.note(ctx, t, r.Actor, found, b, why)
		}
		next, value := b, secret.Random("")
		next.Cookie = Cookie{hashOf(value), t.Now().Add(BoundLife)}
		next.Former = Cookie{b.Cookie.Hash, earlier(b.Cookie.Until, t.Now().Add(Overlap))}
		err := s.d.Store.Refresh(ctx, t, next)
		if fault.Is(err, fault.NotFound) {
			refused = errStale
			return s.note(ctx, t, r.Actor, found, b, "challenge")
		}
		next.Uses++
		bound = Bound{next, value}
		return err
	})
	switch {
	case err != nil:
		return Refreshed{}, err
	case refused != nil:
		_, _, out, err := s.look(ctx, r) // another may have come first
		out.Refused = refused
		return out, err
	}
	return Refreshed{Bound: bound}, nil
}

// judged is what a proof came to.
type judged struct {
	challenge challenge
	err       error
}

// judge reads a proof: whether it is of the binding's key, and what challenge for the binding it answers.
func (s *Service) judge(r Refreshing, b Binding) judged {
	p, err := nextProof(r.Proofs, b.Key)
	if err != nil {
		return judged{err: err}
	}
	c, ok := s.readChallenge(b.Account, p.challenge)
	if !ok || c.kind != forRefresh || c.subject != b.ID {
		return judged{err: errOther}
	}
	return judged{challenge: c}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// look finds a binding, its session and a challenge for it.
func (s *Service) look(ctx context.Context, r Refreshing) (b Binding, found session.Session, out Refreshed, err error) {
	account := r.Actor.Account
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if b, err = s.d.Store.ByID(ctx, t, account, r.ID); err == nil {
			found, err = s.d.Sessions.Chain(ctx, t, account, b.Root)
		}
		out = Refreshed{Challenge: s.challenge(account, challenge{kind: forRefresh, subject: b.ID, uses: b.Uses, expires: t.Now().Add(ChallengeLife)})}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = errNoBind
	}
	return b, found, out, err
}

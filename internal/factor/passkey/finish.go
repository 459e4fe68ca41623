package passkey

import (
	"context"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// FinishLogin verifies an assertion and uses its challenge up. Only a Proof that is not refused names a person.
func (s *Service) FinishLogin(ctx context.Context, t tx.Tx, c Ceremony, response []byte) (Proof, error) {
	party, ok := s.d.Party(c.Account)
	if !ok {
		return Proof{}, ErrUnavailable
	}
	a, ok := read(response)
	if !ok {
		return Proof{Refused: RefusedResponse}, nil
	}
	p, err := s.d.Store.ByCredential(ctx, t, c.Account, a.credential)
	known := err == nil
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Proof{}, err
	}
	if known && c.User != "" && p.Party == party.parent() {
		party.ID = p.Party
	}
	k, refused, err := s.take(ctx, t, c, party, purposeOf(c), a)
	if err != nil || refused != "" {
		return Proof{Refused: refused}, err
	}
	if !known || !mayAnswer(c, k, p, a, party) {
		return Proof{Refused: RefusedUnknown}, nil
	}
	now, refused := verifyAssertion(a, expected{party: party, verify: k.Verify}, p)
	if refused != "" {
		return Proof{Refused: refused}, nil
	}
	return s.use(ctx, t, c, p, now)
}

// take uses up the challenge that an answer names, with all that it is bound to.
func (s *Service) take(ctx context.Context, t tx.Tx, c Ceremony, party Party, purpose string, a answer) (Challenge, Refusal, error) {
	if c.binding() == "" {
		return Challenge{}, "", errBinding
	}
	k, err := s.d.Challenges.Take(ctx, t, s.challenge(c, party.ID, purpose, a.challenge))
	if fault.Is(err, fault.NotFound) {
		return Challenge{}, RefusedGone, nil
	}
	return k, "", err
}

// mayAnswer tells whether this passkey can be the one that was asked for: of the person that it must be of, the
// one that was named, and with the person's handle, without which nobody is known who was not known before.
func mayAnswer(c Ceremony, k Challenge, p Passkey, a answer, party Party) bool {
	switch {
	case p.Party != party.ID:
	case c.User != "" && p.User != c.User:
	case k.Passkey != "" && k.Passkey != p.ID:
	case p.Pending && (k.Passkey == "" || c.Session == ""):
	case c.User == "" && len(a.handle) == 0:
	case len(a.handle) > 0 && !secret.Equal(a.handle, p.Handle):
	default:
		return true
	}
	return false
}

// use looks for signs of a copied key and notes the use.
func (s *Service) use(ctx context.Context, t tx.Tx, c Ceremony, p Passkey, now state) (Proof, error) {
	if now.eligible != p.Eligible {
		return s.suspect(ctx, t, c, p, "eligibility")
	}
	if (now.count != 0 || p.SignCount != 0) && now.count <= p.SignCount {
		return s.suspect(ctx, t, c, p, "counter")
	}
	first := p.Pending
	p.SignCount, p.BackedUp, p.UsedAt, p.Pending = now.count, now.backedUp, t.Now(), false
	err := s.d.Store.Use(ctx, t, p)
	if fault.Is(err, fault.NotFound) { // another answer with the same count was quicker
		return s.suspect(ctx, t, c, p, "counter")
	}
	if err != nil {
		return Proof{}, err
	}
	if first {
		err = t.Emit(ctx, event.New(c.actor(), EventRegistered, string(p.User), "passkey", p.ID, "model", p.Model, "form", p.Form()))
	}
	return Proof{User: p.User, ID: p.ID, Verified: now.verified, Synced: now.eligible}, err
}

func (s *Service) suspect(ctx context.Context, t tx.Tx, c Ceremony, p Passkey, why string) (Proof, error) {
	return Proof{Refused: RefusedCloned}, t.Emit(ctx, event.New(c.actor(), EventSuspicious, string(p.User), "passkey", p.ID, "why", why))
}

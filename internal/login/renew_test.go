package login_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

func (h *held) Create(_ context.Context, t tx.Tx, by actor.Actor, u ident.UserID) (codes []secret.Text, err error) {
	if by.Kind != actor.User || by.ID != string(u) || by.Account != acc {
		h.t.Errorf("made by %+v for %s", by, u)
	}
	h.sets++
	h.made = t.Now()
	has := h.held[u]
	has.Recovery = recovery.Count
	h.held[u] = has
	for i := range recovery.Count {
		codes = append(codes, secret.New(strconv.Itoa(h.sets*100+i)))
	}
	return codes, nil
}

func (h *held) Made(context.Context, tx.Tx, ident.AccountID, ident.UserID) (time.Time, error) {
	return h.made, nil
}

// spend signs in with the last recovery code, as far as that leads.
func (b *browser) spend(email string) (ident.UserID, ident.LoginID) {
	b.t.Helper()
	ann := b.person(email)
	b.held[ann] = factor.Held{TOTP: 1, Recovery: 1}
	id := b.half(email)
	steps, h := b.prover()
	if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateSecond || h.sets != 0 {
		b.t.Fatalf("before anything is proved: %q, %d", v.State, h.sets)
	}
	v := b.take(steps.EnterRecovery(ctx, b.visit(), id, "111111"))
	if b.want(v, login.StateRenew, ""); v.Result != nil || v.Codes != nil || !b.session.Empty() || v.Current == nil || v.Current.ID != ann {
		b.t.Fatalf("the last code gives %+v", v)
	}
	return ann, id
}

// Who used the last recovery code is offered new ones before the login ends; they are shown once.
func TestTheLastRecoveryCode(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		b := w.browser()
		_, id := b.spend("ann@x.example")
		w.want(b.view(id), login.StateRenew, "")
		other := w.browser()
		other.who = secret.New("other")
		if v := other.take(steps.RenewCodes(ctx, other.visit(), id)); v.State != login.StateOtherBrowser || v.Codes != nil || h.sets != 0 {
			t.Fatalf("another browser: %q %v, %d", v.State, v.Codes, h.sets)
		}
		first := b.take(steps.RenewCodes(ctx, b.visit(), id))
		if w.want(first, login.StateRenew, ""); len(first.Codes) != recovery.Count || first.Result != nil {
			t.Fatalf("%+v", first)
		}
		// The same form once more: the answer to the first may never have arrived.
		second := b.take(steps.RenewCodes(ctx, b.visit(), id))
		if len(second.Codes) != recovery.Count || second.Codes[0].Reveal() == first.Codes[0].Reveal() || h.sets != 2 {
			t.Fatalf("%+v, %d", second.Codes, h.sets)
		}
		q := b.answer(b.view(id))
		if _, err := w.exchange(id, q.Get("code"), nil); err != nil {
			t.Fatal(err)
		}
		if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateDone || v.Codes != nil || h.sets != 2 {
			t.Errorf("after the end: %q %v, %d", v.State, v.Codes, h.sets)
		}
	})
}

// Nobody has to make new codes.
func TestNoNewRecoveryCodesNow(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		b := w.browser()
		_, id := b.spend("ann@x.example")
		later := b.visit()
		later.Later = true
		b.answer(b.take(w.service.View(ctx, later, id)))
		if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateDone || h.sets != 0 {
			t.Errorf("%q, %d", v.State, h.sets)
		}
		// Later says nothing about another step.
		other := w.browser()
		bob := w.person("bob@x.example")
		w.held[bob] = factor.Held{TOTP: 1, Recovery: 2}
		half := other.half("bob@x.example")
		later = other.visit()
		later.Later = true
		w.want(other.take(w.service.View(ctx, later, half)), login.StateSecond, "")
		// With codes left there is nothing to offer.
		other.answer(other.take(steps.EnterRecovery(ctx, other.visit(), half, "111111")))
	})
}

// Codes are made for nothing but a last code that this very login took, and only while it is open.
func TestRecoveryCodesAreNotMadeOtherwise(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		b := w.browser()
		_, id := b.spend("ann@x.example")
		w.clk.Advance(login.ProofLife)
		if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateExpired || h.sets != 0 {
			t.Errorf("too late: %q, %d", v.State, h.sets)
		}

		b = w.browser()
		cid, id := b.spend("cid@x.example")
		steps.RenewCodes(ctx, b.visit(), id)
		w.held[cid] = factor.Held{TOTP: 1, Recovery: recovery.Count - 1} // one of them was used elsewhere
		if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateRedirect || h.sets != 1 {
			t.Errorf("codes that are in use: %q, %d", v.State, h.sets)
		}

		dan := w.person("dan@x.example")
		w.policy = policy.Policy{SecondWhen: policy.WhenAlways}
		w.held[dan] = factor.Held{TOTP: 1, Recovery: recovery.Count}
		b = w.browser()
		id = b.half("dan@x.example")
		w.policy, w.held[dan], h.made = policy.Policy{}, factor.Held{Recovery: recovery.Count}, w.clk.Now()
		if v := b.take(steps.RenewCodes(ctx, b.visit(), id)); v.State != login.StateRedirect || h.sets != 1 {
			t.Errorf("no code was used: %q, %d", v.State, h.sets)
		}
	})
}

package login_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/prove"
	"github.com/admit-id/admit/internal/session"
)

// held stands in for the factors: the right code is 111111, a passkey's answer is the id of its person.
type held struct {
	*world
	tries     int
	cancelled int
	elsewhere policy.Policy // that the person signs in under at other applications
	delay     time.Duration // of the last recovery
	sets      int           // of recovery codes that were made
	made      time.Time     // when the last was
}

func (h *held) Enter(_ context.Context, _ tx.Tx, _ actor.Actor, _ ident.UserID, code string) (factor.Result, error) {
	h.tries++
	if code != "111111" {
		return factor.Result{Outcome: factor.Wrong}, nil
	}
	return factor.Result{Outcome: factor.Right}, nil
}

func (h *held) Use(c context.Context, t tx.Tx, by actor.Actor, u ident.UserID, code string) (factor.Result, error) {
	r, err := h.Enter(c, t, by, u, code)
	if has := h.held[u]; r.Outcome == factor.Right {
		has.Recovery--
		h.held[u] = has
	}
	return r, err
}

func (h *held) Begin(context.Context, tx.Tx, totp.Starter) (totp.Enrolment, error) {
	return totp.Enrolment{Secret: secret.New("SEED"), URI: secret.New("otpauth://")}, nil
}

func (h *held) Shown(c context.Context, t tx.Tx, b totp.Starter) (totp.Enrolment, error) {
	return h.Begin(c, t, b)
}

func (h *held) Confirm(c context.Context, t tx.Tx, by actor.Actor, u ident.UserID, _ []byte, _, code string) (totp.Device, factor.Result, error) {
	r, err := h.Enter(c, t, by, u, code)
	if r.Outcome == factor.Right {
		h.held[u] = factor.Held{TOTP: 1}
	}
	return totp.Device{}, r, err
}

func (h *held) BeginLogin(context.Context, tx.Tx, passkey.Ceremony) ([]byte, error) {
	return []byte("{}"), nil
}

func (h *held) FinishLogin(_ context.Context, _ tx.Tx, c passkey.Ceremony, response []byte) (passkey.Proof, error) {
	if len(response) == 0 {
		return passkey.Proof{Refused: passkey.RefusedResponse}, nil
	}
	return passkey.Proof{User: ident.UserID(response), ID: "pky_1", Verified: c.UserVerification}, nil
}

func (h *held) BeginRegistration(context.Context, tx.Tx, passkey.Ceremony) ([]byte, error) {
	return []byte("{}"), nil
}

func (h *held) FinishRegistration(context.Context, tx.Tx, passkey.Ceremony, string, []byte) (passkey.Registered, error) {
	return passkey.Registered{Passkey: passkey.Passkey{ID: "pky_2", Verified: true}}, nil
}

func (h *held) Verify(_ context.Context, _ actor.Actor, a password.Attempt) (factor.Result, error) {
	if a.Password.Reveal() != "right" {
		return factor.Result{Outcome: factor.Wrong}, nil
	}
	return factor.Result{Outcome: factor.Right}, nil
}

func (h *held) Request(_ context.Context, _ tx.Tx, _ actor.Actor, _ ident.UserID, delay time.Duration) (regain.Recovery, factor.Result, error) {
	h.delay = delay
	return regain.Recovery{ReadyAt: h.clk.Now().Add(time.Hour)}, factor.Result{Outcome: factor.Right}, nil
}

func (h *held) Pending(context.Context, tx.Tx, ident.AccountID, ident.UserID) (regain.Recovery, error) {
	return regain.Recovery{}, regain.ErrNone
}

func (h *held) Finish(context.Context, tx.Tx, actor.Actor, ident.UserID, time.Time) error {
	return regain.ErrNone
}

func (h *held) Cancel(context.Context, tx.Tx, actor.Actor, ident.UserID, regain.Cancelling) error {
	h.cancelled++
	return nil
}

// prover are the steps of Admit's own factors.
func (w *world) prover() (*prove.Service, *held) {
	h := &held{world: w}
	return prove.New(prove.Deps{
		DB: w.db, Box: w.service, Users: w.users, Passkeys: h, Apps: h, Codes: h, Passwords: h, Recoveries: h, Browsers: w.browsers,
		Connections: connections{w}, Name: func(ident.AccountID) string { return "Shop" },
		Demanded: func(context.Context, tx.Tx, ident.AccountID, ident.UserID) (policy.Policy, error) {
			return h.elsewhere, nil
		},
	}), h
}

// person signs somebody up and returns their id.
func (w *world) person(email string) ident.UserID {
	w.t.Helper()
	b := w.browser()
	b.signIn(w.start(nil), email)
	found, err := w.sessions.Peek(ctx, acc, b.session)
	if err != nil {
		w.t.Fatal(err)
	}
	return found.User
}

// half proves an address only.
func (b *browser) half(email string) ident.LoginID {
	b.t.Helper()
	id := b.start(nil)
	b.view(id)
	b.send(id, email)
	v := b.enter(id, b.code)
	if b.want(v, login.StateSecond, ""); v.Result != nil || !b.session.Empty() {
		b.t.Fatalf("half a proof gives %+v", v.Result)
	}
	return id
}

// TestSecondFactor: who holds one is asked for it, and half a proof opens nothing else.
func TestSecondFactor(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		ann := w.person("ann@x.example")
		w.held[ann] = factor.Held{TOTP: 1, Recovery: 3}
		b := w.browser()
		id := b.half("ann@x.example")
		v := b.view(id)
		if w.want(v, login.StateSecond, ""); len(v.Ways) != 2 || v.Current == nil || v.Current.ID != ann || v.ReturnURL == "" {
			t.Fatalf("%+v", v)
		}
		for name, step := range map[string]func() (login.View, error){
			"a code":     func() (login.View, error) { return w.mailed.SendCode(ctx, b.visit(), id, "bob@x.example", b.compose) },
			"the code":   func() (login.View, error) { return w.mailed.EnterCode(ctx, b.visit(), id, w.code) },
			"a provider": func() (login.View, error) { return w.away.StartUpstream(ctx, b.visit(), id, "con_idp") },
			"continue":   func() (login.View, error) { return w.service.Continue(ctx, b.visit(), id) },
			"a password": func() (login.View, error) {
				return steps.EnterPassword(ctx, b.visit(), id, "ann@x.example", secret.New("right"))
			},
			"registering": func() (login.View, error) { return steps.FinishEnrolTOTP(ctx, b.visit(), id, "111111") },
			"a passkey":   func() (login.View, error) { return steps.FinishEnrolPasskey(ctx, b.visit(), id, "mine", []byte("x")) },
		} {
			if v := b.take(step()); v.State != login.StateSecond || v.Result != nil || !b.session.Empty() {
				t.Errorf("%s: %q %+v", name, v.State, v.Result)
			}
		}
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, Connection: "con_two"}); err == nil {
			t.Error("a half-proved request was aimed elsewhere")
		}
		other := w.browser()
		other.who = secret.New("other")
		if v := other.take(steps.EnterTOTP(ctx, other.visit(), id, "111111")); v.State != login.StateOtherBrowser {
			t.Errorf("another browser: %q", v.State)
		}
		w.want(b.take(steps.EnterTOTP(ctx, b.visit(), id, "000000")), login.StateSecond, login.ProblemSecondWrong)
		if h.tries != 1 {
			t.Errorf("%d tries", h.tries)
		}
		q := b.answer(b.take(steps.EnterTOTP(ctx, b.visit(), id, "111111")))
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil || !strings.Contains(tokens.Access.Reveal(), "/email+otp+mfa/") {
			t.Fatalf("%q, %v", tokens.Access.Reveal(), err)
		}
		if h.cancelled != 1 {
			t.Error("a recovery waits on")
		}
		w.want(b.take(steps.EnterTOTP(ctx, b.visit(), id, "111111")), login.StateDone, "")
	})
}

// TestFactorLookupFails: what cannot be looked up refuses, and nothing is left of the attempt (MFA-09).
func TestFactorLookupFails(t *testing.T) {
	each(t, func(w *world) {
		ann := w.person("ann@x.example")
		w.held[ann] = factor.Held{TOTP: 1}
		b := w.browser()
		id := w.start(nil)
		b.view(id)
		b.send(id, "ann@x.example")
		w.heldErr = errors.New("down")
		if v, err := w.mailed.EnterCode(ctx, b.visit(), id, w.code); err == nil || v.Result != nil {
			t.Fatalf("%+v, %v", v, err)
		}
		w.heldErr = nil
		w.want(b.enter(id, w.code), login.StateSecond, "")
		w.heldErr = errors.New("down")
		steps, _ := w.prover()
		if v, err := steps.EnterTOTP(ctx, b.visit(), id, "111111"); err == nil || v.Result != nil {
			t.Fatalf("%+v, %v", v, err)
		}
	})
}

// TestFrozenSubject: whom a request is about stays, and the first proof does not wait for ever.
func TestFrozenSubject(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		ann, bob := w.person("ann@x.example"), w.person("bob@x.example")
		w.held[ann] = factor.Held{Passkeys: 1}
		b := w.browser()
		id := b.half("ann@x.example")
		w.want(b.take(steps.FinishPasskey(ctx, b.visit(), id, []byte(bob))), login.StateSecond, login.ProblemOtherPerson)
		v := b.take(w.choice.UseOther(ctx, b.visit(), id))
		if v.State != login.StateRedirect || v.ID == id {
			t.Fatalf("%+v", v)
		}
		w.want(b.view(v.ID), login.StateChoose, "")
		w.want(b.view(id), login.StateSecond, "")
		w.clk.Advance(login.ProofLife)
		w.want(b.view(id), login.StateExpired, "")
		w.want(b.take(steps.FinishPasskey(ctx, b.visit(), id, []byte(ann))), login.StateExpired, "")
		b.take(w.choice.Restart(ctx, b.visit(), id))
		w.want(b.view(id), login.StateChoose, "")
		if v := b.take(steps.FinishPasskey(ctx, b.visit(), id, []byte(bob))); v.State != login.StateRedirect {
			t.Fatalf("a passkey begins a sign-in: %+v", v)
		}
	})
}

// TestRememberedBrowser: it is let off the second step, for its person, while nothing has changed.
func TestRememberedBrowser(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		ann, bob := w.person("ann@x.example"), w.person("bob@x.example")
		w.held[ann], w.held[bob] = factor.Held{TOTP: 1}, factor.Held{TOTP: 1}
		w.policy = policy.Policy{RememberDays: 30}
		b := w.browser()
		id := b.half("ann@x.example")
		visit := b.visit()
		visit.Remember = true
		v := b.take(steps.EnterTOTP(ctx, visit, id, "111111"))
		if v.Result == nil || v.Result.Device.Empty() || !v.Result.DeviceExpires.Equal(w.clk.Now().Add(30*24*time.Hour)) {
			t.Fatalf("%+v", v.Result)
		}
		again := func(email string, device secret.Text) login.State {
			n := w.browser()
			id := w.start(nil)
			n.view(id)
			n.send(id, email)
			visit := n.visit()
			visit.Device = device
			return n.take(w.mailed.EnterCode(ctx, visit, id, w.code)).State
		}
		if got := again("ann@x.example", v.Result.Device); got != login.StateRedirect {
			t.Errorf("remembered: %q", got)
		}
		if got := again("bob@x.example", v.Result.Device); got != login.StateSecond {
			t.Errorf("somebody else in the browser: %q", got)
		}
		if got := again("ann@x.example", secret.New("guess")); got != login.StateSecond {
			t.Errorf("another cookie: %q", got)
		}
		w.policy.RememberDays = -1
		if got := again("ann@x.example", v.Result.Device); got != login.StateSecond {
			t.Errorf("the policy remembers nobody now: %q", got)
		}
		w.policy.RememberDays = 30
		w.clk.Advance(2 * time.Hour) // the mails of this address are counted
		if err := w.db.Write(ctx, tx.In(acc), func(c context.Context, tt tx.Tx) error {
			return w.browsers.ForgetAll(c, tt, event.Event{Account: acc, Actor: actor.Actor{Account: acc}, Target: string(ann)})
		}); err != nil {
			t.Fatal(err)
		}
		if got := again("ann@x.example", v.Result.Device); got != login.StateSecond {
			t.Errorf("a factor has changed: %q", got)
		}
	})
}

// TestStepUp: a session that is not enough is asked for what is missing only, and stays the same person's.
func TestStepUp(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		b := w.browser()
		b.signIn(w.start(nil), "ann@x.example")
		before, _ := w.sessions.Peek(ctx, acc, b.session)
		errand := func(acr string, wish bool) ident.LoginID {
			started, err := w.begins.StartErrand(ctx, login.Errand{Account: acc, Return: "/settings", ACR: acr, Wish: wish, Host: "login.example.test"})
			if err != nil {
				t.Fatal(err)
			}
			return started.ID
		}
		if v := b.view(errand(session.ACR1, false)); v.State != login.StateRedirect {
			t.Fatalf("%q", v.State)
		}
		w.held[before.User] = factor.Held{TOTP: 1}
		id := errand(session.ACR2, false)
		w.want(b.view(id), login.StateSecond, "")
		v := b.take(steps.EnterTOTP(ctx, b.visit(), id, "111111"))
		if v.State != login.StateRedirect || !strings.HasSuffix(v.Result.Location, "/settings") {
			t.Fatalf("%+v", v)
		}
		after, err := w.sessions.Peek(ctx, acc, b.session)
		if err != nil || after.User != before.User || after.Root != before.Root || after.ACR() != session.ACR2 || after.Connection != before.Connection {
			t.Fatalf("%+v, %v", after, err)
		}
		if v := b.view(errand(session.ACR2, false)); v.State != login.StateRedirect {
			t.Errorf("fulfilled, and asked again: %q", v.State)
		}
		// A class that is only wished holds nobody up who cannot reach it.
		if v := b.view(errand(session.ACRPhishingResistant, true)); v.State != login.StateRedirect {
			t.Errorf("wished: %q", v.State)
		}
		w.want(b.view(errand(session.ACRPhishingResistant, false)), login.StateEnrol, "")
	})
}

// TestEnrolment: where a second factor is demanded of everybody, who has none registers one, and nobody else.
func TestEnrolment(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		ann := w.person("ann@x.example")
		w.policy = policy.Policy{SecondWhen: policy.WhenAlways}
		b := w.browser()
		id := w.start(nil)
		b.view(id)
		b.send(id, "ann@x.example")
		w.want(b.enter(id, w.code), login.StateEnrol, "")
		if v := b.take(steps.BeginEnrolTOTP(ctx, b.visit(), id)); v.State != login.StateEnrol || v.Seed.Reveal() != "SEED" {
			t.Fatalf("%+v", v)
		}
		w.held[ann] = factor.Held{TOTP: 1} // in another tab: now it must be shown
		w.want(b.take(steps.FinishEnrolTOTP(ctx, b.visit(), id, "111111")), login.StateSecond, "")
		delete(w.held, ann)
		if v := b.take(steps.FinishEnrolTOTP(ctx, b.visit(), id, "000000")); v.Problem != login.ProblemSecondWrong || v.Seed.Empty() {
			t.Fatalf("%+v", v)
		}
		if v := b.take(steps.FinishEnrolTOTP(ctx, b.visit(), id, "111111")); v.State != login.StateRedirect {
			t.Fatalf("%+v", v)
		}
		// A session of before the policy does not answer, and gives no tokens.
		w.policy = policy.Policy{}
		old := w.browser()
		old.signIn(w.start(nil), "bob@x.example")
		w.policy = policy.Policy{SecondWhen: policy.WhenAlways}
		w.want(old.view(w.start(nil)), login.StateEnrol, "")
		if _, _, err := old.renew(); !errors.Is(err, session.ErrNone) {
			t.Errorf("renewed: %v", err)
		}
	})
}

// WAN-11, MFA-04: whoever has nothing but a session, be it of two factors, registers nothing when the session
// is old. The essential class that any client can ask for is no way round it.
func TestAnOldSessionRegistersNothing(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		b := w.browser()
		b.signIn(w.start(nil), "ann@x.example")
		ann := b.here().User
		errand := func(acr string) ident.LoginID {
			return w.mustErrand(func(e *login.Errand) { e.ACR = acr })
		}
		w.want(b.view(errand(session.ACRPhishingResistant)), login.StateEnrol, "")
		w.clk.Advance(session.RecentLife + time.Second)
		old := func(acr string) ident.LoginID {
			t.Helper()
			id := errand(acr)
			w.want(b.view(id), login.StateChoose, "")
			w.want(b.take(steps.BeginEnrolTOTP(ctx, b.visit(), id)), login.StateChoose, "")
			w.want(b.take(steps.FinishEnrolTOTP(ctx, b.visit(), id, "111111")), login.StateChoose, "")
			w.want(b.take(steps.FinishEnrolPasskey(ctx, b.visit(), id, "mine", []byte("x"))), login.StateChoose, "")
			if _, err := steps.BeginEnrolPasskey(ctx, b.visit(), id); !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
			return id
		}
		id := old(session.ACR2)
		w.policy = policy.Policy{SecondWhen: policy.WhenAlways} // of a policy that came later neither
		old("")
		w.policy = policy.Policy{}
		b.send(id, "ann@x.example")
		w.want(b.enter(id, b.code), login.StateEnrol, "")
		b.answer(b.take(steps.FinishEnrolTOTP(ctx, b.visit(), id, "111111")))

		// Two factors, both long ago: a passkey wants both anew.
		w.held[ann] = factor.Held{TOTP: 1}
		w.clk.Advance(session.RecentLife + time.Second)
		w.want(b.view(errand(session.ACR2)), login.StateRedirect, "")
		id = old(session.ACRPhishingResistant)
		b.send(id, "ann@x.example")
		if v := b.enter(id, b.code); v.State != login.StateSecond || len(v.Ways) != 1 {
			t.Fatalf("%+v", v)
		}
		w.want(b.take(steps.FinishEnrolPasskey(ctx, b.visit(), id, "mine", []byte("x"))), login.StateSecond, "")
		w.want(b.take(steps.EnterTOTP(ctx, b.visit(), id, "111111")), login.StateEnrol, "")
		b.answer(b.take(steps.FinishEnrolPasskey(ctx, b.visit(), id, "mine", []byte("x"))))
	})
}

// Whoever signs in with a passkey has not lost it: a recovery that somebody else began ends.
func TestPasskeySignInEndsARecovery(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		ann := w.person("ann@x.example")
		w.held[ann] = factor.Held{Passkeys: 1}
		b := w.browser()
		id := w.start(nil)
		b.view(id)
		b.take(steps.FinishPasskey(ctx, b.visit(), id, nil))
		if h.cancelled != 0 {
			t.Error("by an answer that proves nothing")
		}
		b.answer(b.take(steps.FinishPasskey(ctx, b.visit(), id, []byte(ann))))
		if h.cancelled != 1 {
			t.Error("it waits on")
		}
	})
}

// A recovery takes factors away that other applications and tenants rely on: their word counts, whatever
// somebody signs in to.
func TestRecoveryUnderEveryPolicy(t *testing.T) {
	each(t, func(w *world) {
		steps, h := w.prover()
		ann := w.person("ann@x.example")
		w.held[ann] = factor.Held{TOTP: 1}
		b := w.browser()
		id := b.half("ann@x.example")
		h.elsewhere.NoRecovery = true
		w.want(b.take(steps.RequestRecovery(ctx, b.visit(), id)), login.StateSecond, login.ProblemPolicy)
		w.want(b.take(steps.FinishRecovery(ctx, b.visit(), id)), login.StateSecond, login.ProblemPolicy)
		if h.delay != 0 {
			t.Fatal("it waits")
		}
		h.elsewhere, w.policy = policy.Policy{RecoveryHours: 100}, policy.Policy{RecoveryHours: 2}
		w.want(b.take(steps.RequestRecovery(ctx, b.visit(), id)), login.StateSecond, "")
		if h.delay != 100*time.Hour {
			t.Error(h.delay)
		}
	})
}

// The button "go on as" is held to the policy of the tenant that the session stands for.
func TestContinueUnderTheTenantsPolicy(t *testing.T) {
	each(t, func(w *world) {
		w.tenants["ten_1"] = login.Tenant{ID: "ten_1"}
		w.lookups["one"] = "ten_1"
		ann := w.person("ann@x.example")
		w.members["ten_1/"+string(ann)] = true
		b := w.browser()
		b.signIn(w.start(func(r *login.StartRequest) { r.TenantLookup = "one" }), "ann@x.example")
		several := func() ident.LoginID {
			id := w.start(func(r *login.StartRequest) { r.MultiAccount = true })
			w.want(b.view(id), login.StateChoose, "")
			return id
		}
		b.answer(b.take(w.service.Continue(ctx, b.visit(), several())))
		id := several()
		w.strict = map[ident.TenantID]policy.Policy{"ten_1": {SecondWhen: policy.WhenAlways}}
		w.want(b.take(w.service.Continue(ctx, b.visit(), id)), login.StateChoose, "")
	})
}

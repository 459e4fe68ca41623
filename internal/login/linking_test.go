package login_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// in is a browser in which somebody has just signed in by mail.
func (w *world) in(email string) (*browser, session.Session) {
	w.t.Helper()
	b := w.browser()
	b.signIn(w.start(nil), email)
	return b, b.here()
}

func (b *browser) here() session.Session {
	b.t.Helper()
	found, err := b.sessions.Peek(ctx, acc, b.session)
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (w *world) linkRequest(who ident.UserID, via ident.ConnectionID) (ident.LoginID, error) {
	started, err := w.startWith(func(r *login.StartRequest) {
		r.LinkIdentity, r.Connection = true, via
		r.Caller = actor.Actor{Kind: actor.User, Account: acc, ID: string(who)}
	})
	return started.ID, err
}

func (w *world) mustLink(who ident.UserID, via ident.ConnectionID) ident.LoginID {
	w.t.Helper()
	id, err := w.linkRequest(who, via)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// through goes to the provider, which says who it is, and comes back.
func (b *browser) through(id ident.LoginID, via ident.ConnectionID, subject string) login.View {
	b.t.Helper()
	b.upstream.identity = connection.Identity{Issuer: "https://idp.example.test", Subject: subject}
	v := b.take(b.away.StartUpstream(ctx, b.visit(), id, via))
	b.want(v, login.StateRedirect, "")
	return b.take(b.away.FinishUpstream(ctx, b.visit(), login.Callback{State: b.upstream.leg.State, Code: secret.New("c")}))
}

func (w *world) identities(id ident.UserID) int {
	w.t.Helper()
	u, err := w.users.Get(ctx, acc, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(u.Identities)
}

func TestLinkIdentity(t *testing.T) {
	each(t, func(w *world) {
		ann, before := w.in("ann@x.example")
		id := w.mustLink(before.User, "con_idp")
		v := ann.view(id)
		w.want(v, login.StateChoose, "") // a click is needed: nothing is linked by opening an address
		if v.Linking == nil || v.Linking.ID != before.User || v.EmailCode || len(v.Connections) != 1 || v.Connections[0].ID != "con_idp" {
			t.Fatalf("%+v", v)
		}
		answer := ann.answer(ann.through(id, "con_idp", "ann-at-idp"))
		if answer.Get("nonce") != string(id) || answer.Has("code") || answer.Has("access_token") {
			t.Error(answer)
		}
		if w.upstream.leg.Properties["max_age"] != "0" {
			t.Error("the provider is not asked for a fresh proof:", w.upstream.leg.Properties)
		}
		after := ann.here()
		if w.identities(before.User) != 2 || after.User != before.User || after.ID == before.ID || after.Root != before.Root || len(after.Evidence) != 2 {
			t.Errorf("%+v", after)
		}
		// The linked identity signs in as the same person, in any browser.
		other := w.browser()
		idp := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		other.view(idp)
		other.answer(other.through(idp, "con_idp", "ann-at-idp"))
		if got := other.here(); got.User != before.User {
			t.Error("the linked identity is", got.User)
		}
	})
}

// TestLinkAttacks is LNK of the catalogue of attacks, with neighbours.
func TestLinkAttacks(t *testing.T) {
	each(t, func(w *world) {
		ann, anns := w.in("ann@x.example")
		eve, eves := w.in("eve@x.example")
		bob, bobs := w.in("bob@x.example")
		bob.answer(bob.through(w.bound(bob, bobs.User, "con_idp"), "con_idp", "bob-at-idp"))

		// Another person's identity stays it, and nobody is signed in by the attempt.
		id := w.bound(eve, eves.User, "con_idp")
		w.want(eve.through(id, "con_idp", "bob-at-idp"), login.StateChoose, login.ProblemTaken)
		if w.identities(eves.User) != 1 || w.identities(bobs.User) != 2 || eve.here().User != eves.User {
			t.Error("an identity moved")
		}
		// A link of Eve's that is opened where Ann is signed in, or nobody, or that Ann opens first.
		trap := w.mustLink(eves.User, "con_idp")
		w.want(ann.view(trap), login.StateFailed, login.ProblemStranger)
		if v := ann.take(w.away.StartUpstream(ctx, ann.visit(), trap, "con_idp")); v.State == login.StateRedirect {
			t.Error("Ann was sent to a provider for Eve")
		}
		w.want(w.browser().view(w.mustLink(eves.User, "con_idp")), login.StateFailed, login.ProblemStranger)
		// The person changes between the page and the provider's answer.
		id = w.bound(ann, anns.User, "con_two")
		w.want(ann.take(w.away.StartUpstream(ctx, ann.visit(), id, "con_two")), login.StateRedirect, "")
		state, leg := w.upstream.leg.State, w.upstream.leg
		planted := *ann
		planted.session = eve.session
		w.upstream.leg = leg
		if v := planted.take(w.away.FinishUpstream(ctx, planted.visit(), login.Callback{State: state, Code: secret.New("c")})); v.State == login.StateRedirect {
			t.Error("linked for somebody who is not there:", v.Result.Location)
		}
		if w.identities(anns.User) != 1 || w.identities(eves.User) != 1 {
			t.Error("something was linked")
		}
		// What the request was made for cannot be changed afterwards, by no page and no step.
		id = w.bound(ann, anns.User, "con_idp")
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, Connection: "con_two"}); !fault.Is(err, fault.Invalid) {
			t.Error("aimed elsewhere:", err)
		}
		w.want(ann.take(w.away.StartUpstream(ctx, ann.visit(), id, "con_two")), login.StateChoose, login.ProblemConnectionGone)
		w.want(ann.send(id, "other@x.example"), login.StateChoose, login.ProblemConnectionGone)
		if v := ann.take(w.service.Continue(ctx, ann.visit(), id)); v.State == login.StateRedirect {
			t.Error("the session answered a request to link")
		}
		// Only what the administrator lets people link.
		w.unlinkable["con_two"] = true
		for _, via := range []ident.ConnectionID{"con_two", "", "con_none", "sc_1"} {
			if _, err := w.linkRequest(anns.User, via); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", via, err)
			}
		}
		if _, err := w.startWith(func(r *login.StartRequest) { r.LinkIdentity, r.Connection = true, "con_idp" }); !fault.Is(err, fault.Unauthenticated) {
			t.Error("nobody links:", err)
		}
		for _, caller := range []actor.Actor{{Kind: actor.ServiceClient, Account: acc, ID: string(anns.User)}, {Kind: actor.User, Account: "acc_other", ID: string(anns.User)}} {
			if _, err := w.startWith(func(r *login.StartRequest) { r.LinkIdentity, r.Connection, r.Caller = true, "con_idp", caller }); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%+v: %v", caller, err)
			}
		}
		w.unlinkable["con_idp"] = true // switched off meanwhile
		if v := ann.take(w.away.StartUpstream(ctx, ann.visit(), id, "con_idp")); v.State == login.StateRedirect {
			t.Error("a connection is linked that lets nobody link")
		}
	})
}

// bound is a request to link that the browser has shown.
func (w *world) bound(b *browser, who ident.UserID, via ident.ConnectionID) ident.LoginID {
	w.t.Helper()
	id := w.mustLink(who, via)
	w.want(b.view(id), login.StateChoose, "")
	return id
}

// TestLinkWantsRecentProof is I-7: an old session proves anew first, with a second factor if there is one.
func TestLinkWantsRecentProof(t *testing.T) {
	each(t, func(w *world) {
		ann, before := w.in("ann@x.example")
		w.clk.Advance(session.RecentLife + time.Second)
		id := w.mustLink(before.User, "con_idp")
		v := ann.view(id)
		w.want(v, login.StateRedirect, "")
		_, state, ok := strings.Cut(v.Result.Location, "/login?state=")
		if !ok || state == string(id) {
			t.Fatal(v.Result.Location)
		}
		again := ann.view(ident.LoginID(state))
		w.want(again, login.StateChoose, "")
		if again.Email != "ann@x.example" {
			t.Errorf("%+v", again)
		}
		if v := ann.take(w.away.StartUpstream(ctx, ann.visit(), id, "con_idp")); v.State == login.StateRedirect && strings.Contains(v.Result.Location, "idp.example") {
			t.Error("linked on with an old session")
		}
		ann.send(ident.LoginID(state), "ann@x.example")
		v = ann.enter(ident.LoginID(state), ann.code)
		w.want(v, login.StateRedirect, "")
		if !strings.HasSuffix(v.Result.Location, "/login?state="+string(id)) {
			t.Fatal(v.Result.Location)
		}
		w.want(ann.view(id), login.StateChoose, "")
		w.held[before.User] = factor.Held{TOTP: 1} // the mail alone is no proof any more
		w.want(ann.view(id), login.StateRedirect, "")
		delete(w.held, before.User)
		ann.answer(ann.through(id, "con_idp", "ann-at-idp"))
		if w.identities(before.User) != 2 {
			t.Error("not linked")
		}
	})
}

func (b *browser) unlink(name string) error {
	found := b.here()
	return b.linker.Unlink(ctx, actor.Actor{Kind: actor.User, Account: acc, ID: string(found.User), Session: found.ID}, name)
}

func TestUnlink(t *testing.T) {
	each(t, func(w *world) {
		ann, anns := w.in("ann@x.example")
		if err := ann.unlink("con_email"); !errors.Is(err, link.ErrLast) {
			t.Fatal("the last way to sign in was dropped:", err)
		}
		ann.answer(ann.through(w.bound(ann, anns.User, "con_idp"), "con_idp", "ann-at-idp"))
		phone := w.browser() // signed in with nothing but the identity that goes
		idp := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		phone.view(idp)
		phone.answer(phone.through(idp, "con_idp", "ann-at-idp"))
		eve, eves := w.in("eve@x.example")
		if err := eve.unlink("ann-at-idp"); !errors.Is(err, user.ErrNoIdentity) {
			t.Error("Eve dropped Ann's:", err)
		}
		thief := actor.Actor{Kind: actor.User, Account: acc, ID: string(anns.User), Session: eves.ID}
		if err := w.linker.Unlink(ctx, thief, "con_idp"); !errors.Is(err, link.ErrNotRecent) {
			t.Error("with another person's session:", err)
		}
		w.inactive["con_email"] = true
		if err := ann.unlink("con_idp"); !errors.Is(err, link.ErrLast) {
			t.Error("what is left is switched off:", err)
		}
		delete(w.inactive, "con_email")
		w.clk.Advance(session.RecentLife + time.Second)
		if err := ann.unlink("con_idp"); !errors.Is(err, link.ErrNotRecent) {
			t.Fatal("with an old proof:", err)
		}
		ann.signIn(w.mustErrandFresh(), "ann@x.example")
		if err := ann.unlink("con_idp"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.sessions.Peek(ctx, acc, phone.session); !fault.Is(err, fault.NotFound) {
			t.Error("a session lives whose only proof is gone:", err)
		}
		kept := ann.here()
		for _, e := range kept.Evidence {
			if e.Connection == "con_idp" {
				t.Errorf("%+v", kept.Evidence)
			}
		}
		fresh := w.browser()
		idp = w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		fresh.view(idp)
		fresh.answer(fresh.through(idp, "con_idp", "ann-at-idp"))
		if fresh.here().User == anns.User {
			t.Error("what was unlinked still signs in")
		}
	})
}

func (w *world) mustErrandFresh() ident.LoginID {
	return w.mustErrand(func(e *login.Errand) { e.Fresh = true })
}

// TestAddressChange is REC-14 and LNK-03: proof of both mailboxes' owner, notice to both, a way back.
func TestAddressChange(t *testing.T) {
	each(t, func(w *world) {
		ann, anns := w.in("ann@old.example")
		elsewhere, _ := w.in("ann@old.example")
		w.in("bob@x.example")
		change := func() ident.LoginID {
			return w.mustErrand(func(e *login.Errand) {
				e.Link, e.Replaces, e.Connection, e.Return = anns.User, "ann@old.example", "con_email", "/settings"
			})
		}
		taken := change()
		w.want(ann.view(taken), login.StateChoose, "")
		w.want(ann.send(taken, "bob@x.example"), login.StateCode, "") // nothing is told to who asks
		w.want(ann.enter(taken, ann.code), login.StateChoose, login.ProblemTaken)

		pending := w.start(nil) // a code to the old address that was sent before the change
		late := w.browser()
		late.view(pending)
		late.send(pending, "ann@old.example")
		lateCode := late.code

		id := change()
		ann.view(id)
		ann.send(id, "ann@new.example")
		v := ann.enter(id, ann.code)
		w.want(v, login.StateRedirect, "")
		u, err := w.users.Get(ctx, acc, anns.User)
		if err != nil || u.Email != "ann@new.example" || !u.EmailVerified || len(u.Identities) != 1 || u.Identities[0].Subject != "ann@new.example" {
			t.Fatalf("%+v, %v", u, err)
		}
		if len(w.moves) != 2 || !w.moves[0].Old || w.moves[0].From != "ann@old.example" || w.moves[0].To != "a***@new.example" || w.moves[1].Link != "" || w.moves[1].From != "a***@old.example" {
			t.Fatalf("%+v", w.moves)
		}
		if _, err := w.sessions.Peek(ctx, acc, elsewhere.session); !fault.Is(err, fault.NotFound) {
			t.Error("a session lives that only the old address has proved")
		}
		w.want(late.enter(pending, lateCode), login.StateChoose, login.ProblemReserved)
		eve, eves := w.in("eve@x.example")
		grab := w.mustErrand(func(e *login.Errand) { e.Link, e.Connection = eves.User, "con_email" })
		eve.view(grab)
		eve.send(grab, "ann@old.example")
		w.want(eve.enter(grab, eve.code), login.StateChoose, login.ProblemReserved)

		_, token, _ := strings.Cut(w.moves[0].Link, "token=")
		for _, bad := range []string{"", "x", token + "x"} {
			if err := w.linker.Undo(ctx, actor.Actor{Account: acc}, secret.New(bad)); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := w.linker.Undo(ctx, actor.Actor{Account: "acc_other"}, secret.New(token)); !fault.Is(err, fault.NotFound) {
			t.Error("in another account:", err)
		}
		// Whoever has the account goes on: another identity, another address.
		ann.answer(ann.through(w.bound(ann, anns.User, "con_idp"), "con_idp", "of-the-thief"))
		id = w.mustErrand(func(e *login.Errand) {
			e.Link, e.Replaces, e.Connection = anns.User, "ann@new.example", "con_email"
		})
		ann.view(id)
		ann.send(id, "ann@third.example")
		w.want(ann.enter(id, ann.code), login.StateRedirect, "")
		w.clk.Advance(link.UndoLife - time.Minute)
		if _, err := w.linker.LookUndo(ctx, acc, secret.New(token)); err != nil {
			t.Fatal(err)
		}
		if err := w.linker.Undo(ctx, actor.Actor{Account: acc}, secret.New(token)); err != nil {
			t.Fatal(err)
		}
		u, err = w.users.Get(ctx, acc, anns.User)
		if err != nil || u.Email != "ann@old.example" || len(u.Identities) != 1 || u.Identities[0].Subject != "ann@old.example" {
			t.Fatalf("%+v, %v", u, err)
		}
		if _, err := w.sessions.Peek(ctx, acc, ann.session); !fault.Is(err, fault.NotFound) {
			t.Error("the session of who changed the address lives")
		}
		_, later, _ := strings.Cut(w.moves[2].Link, "token=")
		for _, dead := range []string{token, later} {
			if err := w.linker.Undo(ctx, actor.Actor{Account: acc}, secret.New(dead)); !fault.Is(err, fault.NotFound) {
				t.Error("a dead link works:", err)
			}
		}
		back, found := w.in("ann@old.example")
		if found.User != anns.User {
			t.Error("the old address is", back.here().User)
		}
	})
}

// An address is changed by a code where no code begins a sign-in, too: to change it is none. Nothing else is proved by one there.
func TestAddressChangeWhereNoCodeSignsIn(t *testing.T) {
	each(t, func(w *world) {
		ann, anns := w.in("ann@old.example")
		w.policy = policy.Policy{First: []factor.Kind{factor.Password}}
		id := w.mustErrand(func(e *login.Errand) {
			e.Link, e.Replaces, e.Connection = anns.User, "ann@old.example", "con_email"
		})
		if v := ann.view(id); v.State != login.StateChoose || !v.EmailCode {
			t.Fatalf("%+v", v)
		}
		w.want(ann.send(id, "ann@new.example"), login.StateCode, "")
		w.want(ann.enter(id, ann.code), login.StateRedirect, "")
		if u, err := w.users.Get(ctx, acc, anns.User); err != nil || u.Email != "ann@new.example" {
			t.Errorf("%+v, %v", u, err)
		}
		more := w.mustErrand(func(e *login.Errand) { e.Link, e.Connection = anns.User, "con_email" })
		if v := ann.view(more); v.EmailCode {
			t.Errorf("a second address: %+v", v)
		}
		w.want(ann.send(more, "ann@third.example"), login.StateChoose, login.ProblemConnectionGone)
		stranger, start := w.browser(), w.start(nil)
		if v := stranger.view(start); v.EmailCode {
			t.Errorf("a sign-in: %+v", v)
		}
		w.want(stranger.send(start, "ann@new.example"), login.StateChoose, login.ProblemConnectionGone)
	})
}

func TestUndoIsOverInTime(t *testing.T) {
	each(t, func(w *world) {
		ann, anns := w.in("ann@old.example")
		id := w.mustErrand(func(e *login.Errand) {
			e.Link, e.Replaces, e.Connection = anns.User, "ann@old.example", "con_email"
		})
		ann.view(id)
		ann.send(id, "ann@new.example")
		w.want(ann.enter(id, ann.code), login.StateRedirect, "")
		_, token, _ := strings.Cut(w.moves[0].Link, "token=")
		w.clk.Advance(link.UndoLife)
		if err := w.linker.Undo(ctx, actor.Actor{Account: acc}, secret.New(token)); !fault.Is(err, fault.NotFound) {
			t.Error("worked after its time:", err)
		}
		if _, found := w.in("ann@old.example"); found.User == anns.User {
			t.Error("the old address still signs in")
		}
		if n, err := w.linker.Purge(ctx, 10); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

// TestHalfAProofEndsWithItsIdentity: who has proved an identity that is the person's no more, and waits at the
// second step, does not go on, least of all when the second factors are gone meanwhile.
func TestHalfAProofEndsWithItsIdentity(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		ann, anns := w.in("ann@old.example")
		id := w.mustErrand(func(e *login.Errand) {
			e.Link, e.Replaces, e.Connection, e.Return = anns.User, "ann@old.example", "con_email", "/settings"
		})
		ann.view(id)
		ann.send(id, "thief@new.example")
		w.want(ann.enter(id, ann.code), login.StateRedirect, "")
		w.held[anns.User] = factor.Held{TOTP: 1}
		thief := w.browser()
		half := thief.half("thief@new.example")

		_, token, _ := strings.Cut(w.moves[0].Link, "token=")
		if err := w.linker.Undo(ctx, actor.Actor{Account: acc}, secret.New(token)); err != nil {
			t.Fatal(err)
		}
		delete(w.held, anns.User)
		w.want(thief.view(half), login.StateExpired, "")
		w.want(thief.take(steps.EnterTOTP(ctx, thief.visit(), half, "111111")), login.StateExpired, "")
		thief.take(w.choice.Restart(ctx, thief.visit(), half))
		w.want(thief.view(half), login.StateChoose, "")

		// The same of an identity that is unlinked. What stays goes on.
		w.clk.Advance(2 * time.Hour) // the mails of this address are counted
		ann, anns = w.in("ann@old.example")
		ann.answer(ann.through(w.bound(ann, anns.User, "con_idp"), "con_idp", "ann-at-idp"))
		w.held[anns.User] = factor.Held{TOTP: 1}
		other, mine := w.browser(), w.browser()
		idp := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		other.view(idp)
		w.want(other.through(idp, "con_idp", "ann-at-idp"), login.StateSecond, "")
		half = mine.half("ann@old.example")
		delete(w.held, anns.User)
		if err := ann.unlink("con_idp"); err != nil {
			t.Fatal(err)
		}
		w.held[anns.User] = factor.Held{TOTP: 1}
		w.want(other.view(idp), login.StateExpired, "")
		mine.answer(mine.take(steps.EnterTOTP(ctx, mine.visit(), half, "111111")))
	})
}

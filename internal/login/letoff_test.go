package login_test

import (
	"context"
	"errors"
	"testing"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// MFA-04: a second step that one application lets a remembered browser off counts for that application. Another
// one, whose policy remembers nobody, asks for it, at its sign-in page, in silent renewal and for a code.
func TestLetOffForOneApplication(t *testing.T) {
	each(t, func(w *world) {
		steps, _ := w.prover()
		ann := w.person("ann@x.example")
		w.held[ann] = factor.Held{TOTP: 1}
		w.apart = map[ident.ApplicationID]policy.Policy{"app_default": {RememberDays: 30}, "app_other": {RememberDays: -1}}
		device := w.remembered(steps.EnterTOTP)

		b := w.browser()
		id := w.start(nil)
		b.view(id)
		b.send(id, "ann@x.example")
		visit := b.visit()
		visit.Device = device
		b.answer(b.take(w.mailed.EnterCode(ctx, visit, id, w.code)))
		used := func(apps ...string) {
			for _, app := range apps {
				if err := w.db.Write(ctx, tx.In(acc), func(ctx context.Context, tt tx.Tx) error {
					_, err := w.sessions.NoteApplication(ctx, tt, acc, b.here().ID, app)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		used("app_default")
		renews := func(app ident.ApplicationID) bool {
			t.Helper()
			out, err := w.codes.Renew(ctx, actor.Actor{Account: acc}, b.session, app)
			if err != nil && !errors.Is(err, session.ErrNone) {
				t.Fatal(err)
			}
			if err == nil {
				b.session = out.Cookie
			}
			return err == nil
		}
		answers := func(app ident.ApplicationID) (enough bool) {
			t.Helper()
			visit := b.visit()
			visit.Device = device
			if err := w.db.Read(ctx, tx.In(acc), func(ctx context.Context, tt tx.Tx) (err error) {
				enough, err = w.service.Answers(ctx, tt, visit, b.here(), app)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return enough
		}
		box := func(app ident.ApplicationID) login.View {
			t.Helper()
			visit := b.visit()
			visit.Device = device
			return b.take(w.service.View(ctx, visit, w.start(func(r *login.StartRequest) { r.Application = app })))
		}
		if !renews("app_default") || !answers("app_default") || box("app_default").State != login.StateRedirect {
			t.Error("asked again where it was let off")
		}
		if renews("app_other") || answers("app_other") || answers("") {
			t.Error("let in where nobody is remembered")
		}
		v := box("app_other")
		w.want(v, login.StateSecond, "")
		b.answer(b.take(steps.EnterTOTP(ctx, b.visit(), v.ID, "111111")))
		if !renews("app_other") || !answers("app_other") || box("app_other").State != login.StateRedirect {
			t.Error("asked again after the second step")
		}
	})
}

// Who registers a factor while a session lives is not thrown out where the session was let in before.
func TestAFactorOfLaterAsksNoSessionAgain(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn(w.start(nil), "ann@x.example")
		if _, _, err := b.renew(); err != nil {
			t.Fatal(err)
		}
		w.held[b.here().User] = factor.Held{TOTP: 1}
		if _, _, err := b.renew(); err != nil {
			t.Error(err)
		}
		w.want(b.view(w.start(nil)), login.StateRedirect, "")
		w.want(b.view(w.start(func(r *login.StartRequest) { r.Application = "app_other" })), login.StateSecond, "")
		several := w.start(func(r *login.StartRequest) { r.Application, r.MultiAccount = "app_other", true })
		if v := b.view(several); v.State != login.StateChoose || v.Current != nil {
			t.Errorf("%+v", v)
		}
		w.want(b.take(w.service.Continue(ctx, b.visit(), several)), login.StateChoose, "")
		// When what a person has cannot be looked up, nobody is let in anew (MFA-09).
		w.heldErr = errors.New("no answer")
		if _, err := w.codes.Renew(ctx, actor.Actor{Account: acc}, b.session, "app_other"); !errors.Is(err, w.heldErr) {
			t.Error(err)
		}
	})
}

// remembered signs ann in with a second factor and returns the cookie of the browser.
func (w *world) remembered(enter func(context.Context, login.Visit, ident.LoginID, string) (login.View, error)) secret.Text {
	w.t.Helper()
	b := w.browser()
	id := b.half("ann@x.example")
	visit := b.visit()
	visit.Remember = true
	v := b.take(enter(ctx, visit, id, "111111"))
	if v.Result == nil || v.Result.Device.Empty() {
		w.t.Fatalf("%+v", v)
	}
	return v.Result.Device
}

// What was typed in one browser is not shown to another that begins the same sign-in again.
func TestRestartElsewhereTellsNoAddress(t *testing.T) {
	each(t, func(w *world) {
		id, b, other := w.mustErrand(func(e *login.Errand) { e.Hint = "ann@x.example" }), w.browser(), w.browser()
		if v := b.view(id); v.Email != "ann@x.example" {
			t.Fatalf("%+v", v)
		}
		other.view(w.start(nil))
		w.want(other.view(id), login.StateOtherBrowser, "")
		v := other.take(w.choice.Restart(ctx, other.visit(), id))
		if v = other.view(v.ID); v.State != login.StateChoose || v.Email != "" {
			t.Errorf("%+v", v)
		}
		// Nor by a provider to which a copy leads.
		aimed := w.start(nil)
		b.view(aimed)
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: aimed, TenantLookup: "ann@x.example"}); err != nil {
			t.Fatal(err)
		}
		v = other.take(w.choice.Restart(ctx, other.visit(), aimed))
		if v = other.view(v.ID); v.Email != "" {
			t.Errorf("%+v", v)
		}
		if v = b.view(aimed); v.Email != "ann@x.example" {
			t.Errorf("its own browser: %+v", v)
		}
	})
}

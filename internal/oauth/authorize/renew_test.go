package authorize_test

import (
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/session"
)

// copied is who has a copy of a browser's cookie.
func (b *browser) copied() *browser {
	thief := *b
	return &thief
}

// SES-01: prompt=none renews the session, so that its secret gets a successor, the first time and when the browser
// is known. A copy of the old one ends the session as soon as the successor was in use for a while.
func TestSilentRenewalRotates(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		began := b.session
		for range 3 {
			thief := b.copied()
			out := b.begin("prompt", "none")
			if b.code(out, "app_1"); out.Session.Empty() || thief.session == b.session || !out.SessionExpires.Equal(b.clk.Now().Add(session.DefaultLimits.Absolute)) {
				t.Fatalf("%+v", out)
			}
		}
		if out := b.begin(); out.Session != (secret.Text{}) {
			t.Error("a page that a person sees gave another cookie")
		}
		b.refused(b.begin("prompt", "none", "max_age", "0"), oauth.LoginRequired)
		thief, late := b.copied(), b.session
		b.code(b.begin("prompt", "none"), "app_1")
		b.code(b.begin("prompt", "none"), "app_1")
		if out := thief.begin("prompt", "none"); out.Session != b.session || late == b.session { // another tab, as far as anybody can tell
			t.Fatalf("%+v", out)
		}
		w.clk.Advance(session.LateWindow + time.Second)
		thief.session = began
		thief.refused(thief.begin("prompt", "none"), oauth.LoginRequired)
		w.over(b)
	})
}

// over waits until the browser's session has ended: what notices a theft ends it beside the answer.
func (w *world) over(b *browser) {
	w.Helper()
	for range 3000 {
		if _, err := w.sessions.Peek(ctx, acc, b.session); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.Error("the session lives")
}

// An answer that never came, and any number of pages at once, are no theft, however late.
func TestLostAnswersAreNoTheft(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ann@x.example")
		b.code(b.begin("prompt", "none"), "app_1")
		old := b.session
		first := b.begin("prompt", "none")
		for range 5 {
			w.clk.Advance(10 * 24 * time.Hour) // single sign-on is a use all the same
			b.session = old
			if out := b.begin("prompt", "none"); out.Session != first.Session {
				t.Fatalf("%+v", out)
			}
		}
		b.code(b.begin("prompt", "none"), "app_1")

		const tabs = 12
		var all sync.WaitGroup
		outs, errs := make([]authorize.Outcome, tabs), make([]error, tabs)
		visit := b.visit()
		for i := range tabs {
			all.Go(func() { outs[i], errs[i] = w.s.Begin(ctx, visit, check.Sent{Query: query("prompt", "none")}) })
		}
		all.Wait()
		for i, out := range outs {
			if errs[i] != nil || out.Session != outs[0].Session || out.Session == visit.Session || b.answer(out).Get("code") == "" {
				t.Fatalf("%+v, %v", out, errs[i])
			}
		}
		b.session = outs[0].Session
		b.code(b.begin("prompt", "none"), "app_1")
	})
}

package login_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/session"
)

func TestEmailLogin(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		started, err := w.startWith(func(r *login.StartRequest) { r.Audiences = []string{"api"} })
		if err != nil || started.URL != "https://login.example.test/login?state="+string(started.ID) {
			t.Fatalf("%+v, %v", started, err)
		}
		id := started.ID
		v := b.view(id)
		w.want(v, login.StateChoose, "")
		if v.ApplicationName != "Shop" || !v.EmailCode || len(v.Connections) != 2 || v.NewBrowser.Empty() || v.ReturnURL != redirectURL {
			t.Fatalf("view %+v", v)
		}
		w.want(b.send(id, "not an address"), login.StateChoose, login.ProblemEmailInvalid)
		v = b.send(id, " Ann@X.example ")
		w.want(v, login.StateCode, "")
		if v.Email != "ann@x.example" || v.AttemptsLeft != 5 || v.ResendAt.IsZero() {
			t.Fatalf("view %+v", v)
		}
		v = b.enter(id, "wrong")
		w.want(v, login.StateCode, login.ProblemCodeWrong)
		if v.AttemptsLeft != 4 {
			t.Fatalf("%d attempts left", v.AttemptsLeft)
		}
		v = b.enter(id, w.code)
		q := b.answer(v)
		if !strings.HasPrefix(v.Result.Location, redirectURL+"&") || q.Get("nonce") != string(id) || q.Get("iss") != w.issuer || q.Get("tab") != "1" {
			t.Fatalf("leads to %s", v.Result.Location)
		}
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil || !strings.HasSuffix(tokens.Access.Reveal(), "/app_default/email/api") {
			t.Fatalf("%q, %v", tokens.Access.Reveal(), err)
		}
		w.want(b.view(id), login.StateDone, "")
		w.want(b.enter(id, w.code), login.StateDone, "")
		renewed, found, err := b.renew()
		if err != nil || renewed.Access.Reveal() != tokens.Access.Reveal() || found.Connection != "con_email" {
			t.Fatalf("renewed %q, %v", renewed.Access.Reveal(), err)
		}
	})
}

func TestSameAnswersForEverybody(t *testing.T) {
	each(t, func(w *world) {
		w.browser().signIn(w.start(nil), "ann@x.example")
		known, unknown := w.browser(), w.browser()
		one, two := w.start(nil), w.start(nil)
		known.view(one)
		unknown.view(two)
		a, b := known.send(one, "ann@x.example"), unknown.send(two, "new@x.example")
		a.Email, b.Email, a.ID, b.ID = "", "", "", ""
		if !equalViews(a, b) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		w.want(known.enter(one, "000"), login.StateCode, login.ProblemCodeWrong)
		w.want(unknown.enter(two, "000"), login.StateCode, login.ProblemCodeWrong)
	})
}

func equalViews(a, b login.View) bool {
	return a.State == b.State && a.Problem == b.Problem && a.AttemptsLeft == b.AttemptsLeft && a.ResendAt.Equal(b.ResendAt) &&
		a.CodeExpires.Equal(b.CodeExpires) && (a.Current == nil) == (b.Current == nil) && len(a.Connections) == len(b.Connections)
}

func TestStartRefusals(t *testing.T) {
	each(t, func(w *world) {
		for name, c := range map[string]struct {
			code   string
			change func(*login.StartRequest)
		}{
			"application":       {"InvalidApplication", func(r *login.StartRequest) { r.Application = "app_x" }},
			"redirect":          {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL = "https://evil.example/" }},
			"no redirect":       {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL = "" }},
			"fragment":          {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL += "#x" }},
			"smuggled code":     {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL += "&code=x" }},
			"smuggled nonce":    {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL += "&Nonce=x" }},
			"smuggled, encoded": {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL += "&%69ss=x" }},
			"semicolon":         {"InvalidRedirectUrl", func(r *login.StartRequest) { r.RedirectURL += "&a=1;code=x" }},
			"plain":             {"InvalidRequest", func(r *login.StartRequest) { r.ChallengeMethod = "plain" }},
			"no method":         {"InvalidRequest", func(r *login.StartRequest) { r.ChallengeMethod = "" }},
			"s256":              {"InvalidRequest", func(r *login.StartRequest) { r.ChallengeMethod = "s256" }},
			"no challenge":      {"InvalidRequest", func(r *login.StartRequest) { r.Challenge = "" }},
			"undefined":         {"InvalidRequest", func(r *login.StartRequest) { r.Challenge = "undefined" }},
			"loose challenge":   {"InvalidRequest", func(r *login.StartRequest) { r.Challenge = strings.Repeat("A", 42) + "B" }},
			"connection":        {"InvalidConnection", func(r *login.StartRequest) { r.Connection = "con_x" }},
			"tenant":            {"InvalidTenant", func(r *login.StartRequest) { r.TenantLookup = "t" }},
			"invite":            {"InvalidInvite", func(r *login.StartRequest) { r.Invite = "i" }},
			"location":          {"InvalidRequest", func(r *login.StartRequest) { r.ResponseLocation = "fragment" }},
			"flow":              {"InvalidRequest", func(r *login.StartRequest) { r.FlowType = "code password" }},
			"audience":          {"InvalidRequest", func(r *login.StartRequest) { r.Audiences = []string{"a b"} }},
			"scope":             {"InvalidRequest", func(r *login.StartRequest) { r.Scopes = []string{`a"b`} }},
			"scopes":            {"InvalidRequest", func(r *login.StartRequest) { r.Scopes = make([]string, 21) }},
		} {
			_, err := w.startWith(c.change)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != c.code {
				t.Errorf("%s: %v; want %s", name, err, c.code)
			}
		}
	})
}

func TestBrowserBinding(t *testing.T) {
	each(t, func(w *world) {
		id := w.start(nil)
		mine, other := w.browser(), w.browser()
		w.want(mine.view(id), login.StateChoose, "")
		w.want(mine.send(id, "ann@x.example"), login.StateCode, "")
		v := other.view(id)
		w.want(v, login.StateNoCookie, "")
		if v.Email != "" {
			t.Fatal("a stranger sees the address")
		}
		other.view(w.start(nil))
		v = other.view(id)
		w.want(v, login.StateOtherBrowser, "")
		if v.Email != "" || v.AttemptsLeft != 0 || v.Connections != nil {
			t.Fatalf("a stranger sees %+v", v)
		}
		w.want(other.enter(id, w.code), login.StateOtherBrowser, "")
		w.want(other.send(id, "eve@x.example"), login.StateOtherBrowser, "")
		w.want(other.take(w.mailed.FollowLink(ctx, other.visit(), secret.New(w.link))), login.StateFailed, login.ProblemLinkOther)
		w.want(mine.enter(id, w.code), login.StateRedirect, "")

		v = other.take(w.choice.Restart(ctx, other.visit(), id))
		w.want(v, login.StateRedirect, "")
		if v.ID == id {
			t.Fatal("a stranger got the request itself")
		}
		w.want(other.view(v.ID), login.StateChoose, "")
		q := other.signIn(v.ID, "eve@x.example")
		if _, err := w.exchange(id, q.Get("code"), nil); !errors.Is(err, redeem.ErrRefused) {
			t.Fatalf("the new request's code was redeemed under the old id: %v", err)
		}

		cookieless := w.browser()
		third := w.start(nil)
		cookieless.view(third)
		cookieless.who = secret.Text{}
		w.want(cookieless.send(third, "ann@x.example"), login.StateNoCookie, "")
		fourth := w.start(nil)
		w.want(cookieless.send(fourth, "ann@x.example"), login.StateNoCookie, "")
		w.want(cookieless.view("login_nothing"), login.StateFailed, login.ProblemUnknownRequest)
	})
}

func TestLink(t *testing.T) {
	each(t, func(w *world) {
		id, b := w.start(nil), w.browser()
		b.view(id)
		b.send(id, "ann@x.example")
		link := secret.New(w.link)
		for range 5 {
			v := b.take(w.mailed.ViewLink(ctx, b.visit(), link))
			w.want(v, login.StateLink, "")
			if v.Email != "ann@x.example" || v.ID != id {
				t.Fatalf("view %+v", v)
			}
		}
		w.want(w.browser().take(w.mailed.ViewLink(ctx, w.browser().visit(), link)), login.StateFailed, login.ProblemLinkOther)
		q := b.answer(b.take(w.mailed.FollowLink(ctx, b.visit(), link)))
		if q.Get("code") == "" {
			t.Fatal("no code")
		}
		w.want(b.take(w.mailed.FollowLink(ctx, b.visit(), link)), login.StateFailed, login.ProblemLinkDead)
		w.want(b.take(w.mailed.ViewLink(ctx, b.visit(), secret.New("x"))), login.StateFailed, login.ProblemLinkDead)
	})
}

func TestSingleSignOn(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn(w.start(nil), "ann@x.example")
		before := b.session
		again := w.start(nil)
		q := b.answer(b.view(again))
		if b.session != before {
			t.Fatal("single sign-on changed the cookie")
		}
		if _, err := w.exchange(again, q.Get("code"), nil); err != nil {
			t.Fatal(err)
		}
		w.want(b.view(again), login.StateDone, "")

		other := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		v := b.view(other)
		if u := b.answer(v); u.Get("state") == "" || !strings.HasPrefix(v.Result.Location, "https://idp.example.test/") {
			t.Fatalf("a request for another connection was answered by the session: %s", v.Result.Location)
		}
		multi := w.start(func(r *login.StartRequest) { r.MultiAccount = true })
		v = b.view(multi)
		w.want(v, login.StateChoose, "")
		if v.Current == nil || v.Current.Email != "ann@x.example" {
			t.Fatalf("current %+v", v.Current)
		}
		if q := b.answer(b.take(w.service.Continue(ctx, b.visit(), multi))); q.Get("code") == "" {
			t.Fatal("no code")
		}
		w.want(b.take(w.service.Continue(ctx, b.visit(), other)), login.StateChoose, "")

		if _, err := w.sessions.EndCookie(ctx, actor.Actor{Account: acc}, b.session); err != nil {
			t.Fatal(err)
		}
		w.want(b.view(w.start(nil)), login.StateChoose, "")
		if _, _, err := b.renew(); !errors.Is(err, session.ErrNone) {
			t.Fatalf("renewed after the end: %v", err)
		}
	})
}

func TestNewCookieAtEachAuthentication(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.session = secret.New("planted-by-somebody")
		b.signIn(w.start(nil), "ann@x.example")
		first := b.session
		if first.Reveal() == "planted-by-somebody" {
			t.Fatal("the planted cookie became a session")
		}
		b.signIn(w.start(func(r *login.StartRequest) { r.MultiAccount = true }), "bob@x.example")
		if _, err := w.sessions.Peek(ctx, acc, first); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the old cookie lives: %v", err)
		}
	})
}

func TestDeletedPerson(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		id := w.start(nil)
		q := b.signIn(id, "ann@x.example")
		found, err := w.sessions.Peek(ctx, acc, b.session)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.users.Delete(ctx, actor.ForSystem(acc), found.User); err != nil {
			t.Fatal(err)
		}
		w.want(b.view(w.start(nil)), login.StateChoose, "")
		if _, err := w.exchange(id, q.Get("code"), nil); !errors.Is(err, redeem.ErrRefused) {
			t.Fatalf("a code of a deleted person: %v", err)
		}
		if _, _, err := b.renew(); !errors.Is(err, session.ErrNone) {
			t.Fatalf("renewed for a deleted person: %v", err)
		}
	})
}

func TestExpiredAndRestart(t *testing.T) {
	each(t, func(w *world) {
		id, b := w.start(nil), w.browser()
		b.view(id)
		b.send(id, "ann@x.example")
		w.clk.Advance(login.RequestLife)
		v := b.view(id)
		w.want(v, login.StateExpired, "")
		if v.ApplicationName != "Shop" || v.ReturnURL != redirectURL {
			t.Fatalf("view %+v", v)
		}
		w.want(b.enter(id, w.code), login.StateExpired, "")
		v = b.take(w.choice.Restart(ctx, b.visit(), id))
		if v.ID != id {
			t.Fatal("the application would not know the answer for its own")
		}
		w.want(b.view(id), login.StateChoose, "")
		q := b.signIn(id, "ann@x.example")
		if _, err := w.exchange(id, q.Get("code"), nil); err != nil {
			t.Fatalf("the challenge did not survive the restart: %v", err)
		}
		w.want(b.take(w.choice.Restart(ctx, b.visit(), id)), login.StateDone, "")
		w.want(b.take(w.choice.Restart(ctx, b.visit(), "login_x")), login.StateFailed, login.ProblemUnknownRequest)
		w.clk.Advance(48 * time.Hour)
		if n, err := w.service.Purge(ctx, 100); err != nil || n == 0 {
			t.Fatalf("purged %d, %v", n, err)
		}
		w.want(b.view(id), login.StateFailed, login.ProblemUnknownRequest)
	})
}

func TestTwoTabs(t *testing.T) {
	each(t, func(w *world) {
		one, two, b := w.start(nil), w.start(nil), w.browser()
		b.view(one)
		b.view(two)
		b.send(one, "ann@x.example")
		code1 := w.code
		b.send(two, "ann@x.example")
		w.want(b.enter(one, code1), login.StateRedirect, "")
		first := b.session
		w.want(b.enter(two, w.code), login.StateRedirect, "")
		if _, err := w.sessions.Peek(ctx, acc, first); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the first tab's cookie lives beside the second's: %v", err)
		}
		if s, err := w.sessions.Peek(ctx, acc, b.session); err != nil || s.Root == s.ID {
			t.Fatalf("the second tab did not continue the session: %+v, %v", s, err)
		}
	})
}

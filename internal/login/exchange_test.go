package login_test

import (
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/session"
)

func TestExchange(t *testing.T) {
	each(t, func(w *world) {
		b, id := w.browser(), w.start(nil)
		code := b.signIn(id, "ann@x.example").Get("code")
		for name, change := range map[string]func(*redeem.Request){
			"account":        func(r *redeem.Request) { r.Account, r.Actor.Account = "acc_b", "acc_b" },
			"request":        func(r *redeem.Request) { r.ID = "login_x" },
			"no request":     func(r *redeem.Request) { r.ID = "" },
			"application":    func(r *redeem.Request) { r.Application = "app_x" },
			"no application": func(r *redeem.Request) { r.Application = "" },
			"redirect":       func(r *redeem.Request) { r.RedirectURL += "&x" },
			"no redirect":    func(r *redeem.Request) { r.RedirectURL = "" },
			"verifier":       func(r *redeem.Request) { r.Verifier = secret.New(verifier + "x") },
			"no verifier":    func(r *redeem.Request) { r.Verifier = secret.Text{} },
			"undefined":      func(r *redeem.Request) { r.Verifier = secret.New("undefined") },
			"code":           func(r *redeem.Request) { r.Code = secret.New("x") },
			"no code":        func(r *redeem.Request) { r.Code = secret.Text{} },
		} {
			if _, err := w.exchange(id, code, change); !errors.Is(err, redeem.ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.sessions.Peek(ctx, acc, b.session); err != nil {
			t.Fatalf("wrong tries ended the session: %v", err)
		}
		w.clk.Advance(59 * time.Second)
		if _, err := w.exchange(redeem.AnyLogin, code, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.exchange(id, code, func(r *redeem.Request) { r.Verifier = secret.New(verifier + "x") }); !errors.Is(err, redeem.ErrRefused) {
			t.Errorf("reused: %v", err)
		}
		if _, err := w.sessions.Peek(ctx, acc, b.session); err != nil {
			t.Fatalf("one who does not know the verifier ended the session: %v", err)
		}
		if _, err := w.exchange(id, code, nil); !errors.Is(err, redeem.ErrRefused) {
			t.Errorf("reused: %v", err)
		}
		if _, err := w.sessions.Peek(ctx, acc, b.session); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the session lives after its code came twice: %v", err)
		}
		late := w.start(nil)
		code = w.browser().signIn(late, "ann@x.example").Get("code")
		w.clk.Advance(61 * time.Second)
		if _, err := w.exchange(late, code, nil); !errors.Is(err, redeem.ErrRefused) {
			t.Errorf("late: %v", err)
		}
	})
}

// An application that is removed, or loses the redirect URL, gets nobody from then on: neither
// people who are on their way nor tokens for a code that was sent there.
func TestALostRedirectEndsWhatIsOnItsWay(t *testing.T) {
	each(t, func(w *world) {
		here := w.app
		for name, lose := range map[string]func(){
			"redirect":    func() { w.app.AllowsRedirect = func(string) bool { return false } },
			"application": func() { w.app.ID = "app_other" },
		} {
			b, id := w.browser(), w.start(nil)
			code := b.signIn(id, "ann@x.example").Get("code")
			waiting, sso, unbound := w.start(nil), w.start(func(r *login.StartRequest) { r.MultiAccount = true }), w.start(nil)
			other := w.browser()
			other.view(waiting)
			other.send(waiting, "bob@x.example")
			digits := w.code
			b.view(sso)
			lose()
			if _, err := w.exchange(id, code, nil); !errors.Is(err, redeem.ErrRefused) {
				t.Errorf("%s: exchange: %v", name, err)
			}
			w.want(other.enter(waiting, digits), login.StateFailed, login.ProblemUnknownRequest)
			w.want(b.take(w.service.Continue(ctx, b.visit(), sso)), login.StateFailed, login.ProblemUnknownRequest)
			w.want(b.take(w.choice.Restart(ctx, other.visit(), unbound)), login.StateFailed, login.ProblemUnknownRequest)
			w.want(b.view(unbound), login.StateFailed, login.ProblemUnknownRequest)
			w.app = here
			if _, err := w.exchange(id, code, nil); err != nil {
				t.Errorf("%s: exchange after all: %v", name, err)
			}
			w.clk.Advance(time.Hour)
		}
	})
}

func TestRaces(t *testing.T) {
	each(t, func(w *world) {
		id, b := w.start(nil), w.browser()
		b.view(id)
		b.send(id, "ann@x.example")
		var won, redeemed atomic.Int32
		var code atomic.Value
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				v, err := w.mailed.EnterCode(ctx, b.visit(), id, w.code)
				if err != nil {
					t.Error(err)
				}
				if v.State == login.StateRedirect {
					won.Add(1)
					u, _ := url.Parse(v.Result.Location)
					code.Store(u.Query().Get("code"))
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of 50 entered the code; want 1", won.Load())
		}
		for range 50 {
			wg.Go(func() {
				if _, err := w.exchange(id, code.Load().(string), nil); err == nil {
					redeemed.Add(1)
				} else if !errors.Is(err, redeem.ErrRefused) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if redeemed.Load() != 1 {
			t.Fatalf("%d of 50 redeemed the code; want 1", redeemed.Load())
		}
	})
}

func TestModes(t *testing.T) {
	each(t, func(w *world) {
		w.app.CookieDomain = "example.test"
		loopback := "http://localhost:3000/"
		for _, c := range []struct {
			name, redirect, location, flow string
			want                           string
		}{
			{"default", redirectURL, "", "", "code"},
			{"code wins", redirectURL, "cookie", "code token", "code"},
			{"cookie", redirectURL, "cookie", "token id_token", "cookie"},
			{"query off loopback", redirectURL, "query", "token", "code"},
			{"query on loopback", loopback, "query", "token id_token", "query"},
			{"default on loopback", loopback, "", "", "code"},
			{"none", redirectURL, "none", "", "none"},
		} {
			b := w.browser()
			id := w.start(func(r *login.StartRequest) {
				r.RedirectURL, r.ResponseLocation, r.FlowType = c.redirect, c.location, c.flow
			})
			b.view(id)
			w.clk.Advance(15 * time.Minute)
			b.send(id, "ann@x.example")
			v := b.enter(id, w.code)
			q, got := b.answer(v), "none"
			switch {
			case q.Has("code"):
				got = "code"
			case q.Has("access_token") && q.Get("expires_in") == "3600" && q.Has("id_token"):
				got = "query"
			case v.Result.Tokens != nil && v.Result.CookieDomain == "example.test":
				got = "cookie"
			}
			if got != c.want || q.Get("nonce") != string(id) || q.Get("iss") != w.issuer {
				t.Errorf("%s: mode %s; want %s (%s)", c.name, got, c.want, v.Result.Location)
			}
		}
	})
}

func TestProofOfWork(t *testing.T) {
	each(t, func(w *world) {
		with := func(challengeChange string) (login.Started, error) {
			return w.startWith(func(r *login.StartRequest) {
				r.AntiAbuse = &login.AntiAbuse{Hash: "v2;1;1;00x", Expires: w.clk.Now().Add(10 * time.Minute)}
				if challengeChange != "" {
					r.RedirectURL += challengeChange
				}
			})
		}
		one, err := with("")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := with(""); err != nil || again != one {
			t.Fatalf("a retried call: %+v, %v", again, err)
		}
		if _, err := with("&other=1"); !fault.Is(err, fault.Invalid) {
			t.Fatalf("another request with the same proof: %v", err)
		}
		w.browser().view(one.ID)
		if _, err := with(""); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a replay after the request was shown: %v", err)
		}
	})
}

func TestUpdate(t *testing.T) {
	each(t, func(w *world) {
		id, b := w.start(nil), w.browser()
		update := func(change func(*login.UpdateRequest)) (login.Started, error) {
			r := login.UpdateRequest{Account: acc, Actor: actor.Actor{Account: acc}, ID: id}
			change(&r)
			return w.begins.Update(ctx, r)
		}
		for name, change := range map[string]func(*login.UpdateRequest){
			"nothing":    func(*login.UpdateRequest) {},
			"tenant":     func(r *login.UpdateRequest) { r.TenantLookup = "t" },
			"connection": func(r *login.UpdateRequest) { r.Connection = "con_x" },
		} {
			if _, err := update(change); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := update(func(r *login.UpdateRequest) { r.ID, r.Connection = "login_x", "con_idp" }); !fault.Is(err, fault.NotFound) {
			t.Errorf("unknown: %v", err)
		}
		if got, err := update(func(r *login.UpdateRequest) { r.TenantLookup = "Ann@x.example" }); err != nil || got.ID != id {
			t.Fatal(err)
		}
		if v := b.view(id); v.Email != "ann@x.example" {
			t.Fatalf("hint %q", v.Email)
		}
		if _, err := update(func(r *login.UpdateRequest) { r.Connection = "con_idp" }); err != nil {
			t.Fatal(err)
		}
		w.want(b.view(id), login.StateRedirect, "")
		b.signIn(w.start(nil), "ann@x.example")
		done := ident.LoginID("")
		done = w.start(nil)
		b.view(done)
		id = done
		if _, err := update(func(r *login.UpdateRequest) { r.Connection = "con_idp" }); !fault.Is(err, fault.Invalid) {
			t.Errorf("a finished request was changed: %v", err)
		}
	})
}

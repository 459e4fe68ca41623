package login_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
)

func (b *browser) finish(state, code, problem string) login.View {
	b.t.Helper()
	return b.take(b.away.FinishUpstream(ctx, b.visit(), login.Callback{
		State: secret.New(state), Code: secret.New(code), Error: problem, RawQuery: "code=" + code + "&state=" + state,
	}))
}

func (b *browser) toUpstream(id ident.LoginID, c ident.ConnectionID) (state string) {
	b.t.Helper()
	return b.answer(b.take(b.away.StartUpstream(ctx, b.visit(), id, c))).Get("state")
}

func TestUpstream(t *testing.T) {
	each(t, func(w *world) {
		id := w.start(func(r *login.StartRequest) {
			r.Connection, r.ConnectionProperties = "con_idp", map[string]string{"prompt": "login"}
		})
		b := w.browser()
		state := b.answer(b.view(id)).Get("state")
		if w.upstream.leg.Properties["prompt"] != "login" || w.upstream.leg.RedirectURI != "https://login.example.test/login" {
			t.Fatalf("leg %+v", w.upstream.leg)
		}
		other := w.browser()
		other.view(w.start(nil))
		w.want(other.finish(state, "c", ""), login.StateOtherBrowser, "")
		w.want(w.browser().finish(state, "c", ""), login.StateNoCookie, "")
		w.want(b.finish("nothing", "c", ""), login.StateFailed, login.ProblemUpstreamFailed)
		w.want(b.finish(string(id), "c", ""), login.StateFailed, login.ProblemUpstreamFailed)
		q := b.answer(b.finish(state, "c", ""))
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil || !strings.Contains(tokens.Access.Reveal(), "/fed/") {
			t.Fatalf("%q, %v", tokens.Access.Reveal(), err)
		}
		w.want(b.finish(state, "c", ""), login.StateFailed, login.ProblemUpstreamFailed)
	})
}

func TestUpstreamFailures(t *testing.T) {
	each(t, func(w *world) {
		id := w.start(func(r *login.StartRequest) { r.Connection = "con_idp" })
		b := w.browser()
		state := b.answer(b.view(id)).Get("state")
		w.want(b.finish(state, "", "access_denied"), login.StateChoose, login.ProblemUpstreamDenied)
		// The page that follows does not send the person to the same provider again.
		w.want(b.view(id), login.StateChoose, login.ProblemUpstreamDenied)
		state = b.toUpstream(id, "con_idp")
		w.upstream.err = errors.New("bad signature")
		w.want(b.finish(state, "c", ""), login.StateChoose, login.ProblemUpstreamFailed)
		w.want(b.take(w.away.StartUpstream(ctx, b.visit(), id, "con_idp")), login.StateChoose, login.ProblemUpstreamFailed)
		w.upstream.err = nil
		w.want(b.take(w.away.StartUpstream(ctx, b.visit(), id, "con_x")), login.StateChoose, login.ProblemConnectionGone)
		w.want(b.take(w.away.StartUpstream(ctx, b.visit(), id, "con_email")), login.StateChoose, login.ProblemConnectionGone)
		state = b.toUpstream(id, "con_idp")
		w.inactive["con_idp"] = true
		w.want(b.finish(state, "c", ""), login.StateChoose, login.ProblemConnectionGone)
		state = b.toUpstream(id, "con_two")
		w.clk.Advance(login.LegLife)
		w.want(b.finish(state, "c", ""), login.StateFailed, login.ProblemUpstreamFailed)
		state = b.toUpstream(id, "con_two")
		w.upstream.identity.Subject = ""
		w.want(b.finish(state, "c", ""), login.StateChoose, login.ProblemUpstreamFailed)
		w.want(b.send(id, "ann@x.example"), login.StateCode, "")
		w.want(b.enter(id, w.code), login.StateRedirect, "")
	})
}

// TestIdentityKey holds I-6: the same subject at two connections, and the same address by two
// ways, are different people.
func TestIdentityKey(t *testing.T) {
	each(t, func(w *world) {
		people := map[string]bool{}
		for _, c := range []ident.ConnectionID{"con_idp", "con_two"} {
			b, id := w.browser(), w.start(nil)
			b.view(id)
			q := b.answer(b.finish(b.toUpstream(id, c), "c", ""))
			tokens, err := w.exchange(id, q.Get("code"), nil)
			if err != nil {
				t.Fatal(err)
			}
			people[strings.Split(tokens.Access.Reveal(), "/")[0]] = true
		}
		id := w.start(nil)
		q := w.browser().signIn(id, "ann@x.example")
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil {
			t.Fatal(err)
		}
		people[strings.Split(tokens.Access.Reveal(), "/")[0]] = true
		if len(people) != 3 {
			t.Fatalf("%d people; want 3", len(people))
		}
	})
}

func TestTwin(t *testing.T) {
	each(t, func(w *world) {
		w.issuer = "http://localhost:8080"
		for redirect, want := range map[string]string{
			"http://localhost:3000/":      "http://127.0.0.1:8080/login?",
			"http://localhost:8080/try":   "http://localhost:8080/login?",
			"https://app.example.test/":   "http://localhost:8080/login?",
			"http://localhost.evil.test/": "http://localhost:8080/login?",
		} {
			got, err := w.startWith(func(r *login.StartRequest) { r.RedirectURL = redirect })
			if err != nil || !strings.HasPrefix(got.URL, want) {
				t.Errorf("%s: %s, %v; want %s", redirect, got.URL, err, want)
			}
		}
		b, id := w.browser(), w.start(func(r *login.StartRequest) { r.RedirectURL = "http://localhost:3000/" })
		b.host = "127.0.0.1:8080"
		b.view(id)
		state := b.toUpstream(id, "con_idp")
		if w.upstream.leg.RedirectURI != "http://localhost:8080/login" {
			t.Fatalf("the provider knows %s", w.upstream.leg.RedirectURI)
		}
		// The provider answers to the public URL, where this browser has no cookie of ours.
		there := w.browser()
		there.host = "localhost:8080"
		v := there.finish(state, "c", "")
		if w.want(v, login.StateRedirect, ""); v.Result.Location != "http://127.0.0.1:8080/login?code=c&state="+state {
			t.Fatalf("carried to %s", v.Result.Location)
		}
		if q := b.answer(b.finish(state, "c", "")); q.Get("iss") != w.issuer || q.Get("code") == "" {
			t.Fatalf("answer %v", q)
		}
		stranger := w.browser()
		stranger.host = "127.0.0.1:8080"
		id = w.start(func(r *login.StartRequest) { r.RedirectURL = "http://localhost:3000/" })
		b.session = secret.Text{}
		b.view(id)
		w.want(stranger.finish(b.toUpstream(id, "con_idp"), "c", ""), login.StateNoCookie, "")
	})
}

func TestTwinOf(t *testing.T) {
	for issuer, want := range map[string]string{
		"http://localhost:8080": "http://127.0.0.1:8080", "http://127.0.0.1:8080": "http://localhost:8080", "http://[::1]:8080": "http://localhost:8080",
		"http://localhost": "http://127.0.0.1", "https://login.example.test": "", "": "",
	} {
		if got := address.Twin(issuer); got != want {
			t.Errorf("%s: %s; want %s", issuer, got, want)
		}
	}
}

func TestSetup(t *testing.T) {
	each(t, func(w *world) {
		issue := func() secret.Text {
			t.Helper()
			link, err := w.links.Issue(ctx, actor.ForOperator(acc))
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(link, "https://login.example.test/setup?token=") {
				t.Fatalf("link %s, %v", link, err)
			}
			return secret.New(u.Query().Get("token"))
		}
		first := issue()
		token := issue()
		b := w.browser()
		w.want(b.take(w.links.ViewSetup(ctx, b.visit(), first)), login.StateFailed, login.ProblemSetupDead)
		w.want(b.take(w.links.StartSetup(ctx, b.visit(), first)), login.StateFailed, login.ProblemSetupDead)
		w.want(b.take(w.links.ViewSetup(ctx, b.visit(), token)), login.StateChoose, "")
		one := b.take(w.links.StartSetup(ctx, b.visit(), token)).ID
		two := b.take(w.links.StartSetup(ctx, b.visit(), token)).ID
		if v := b.view(one); !v.Setup || v.ReturnURL != "" {
			t.Fatalf("view %+v", v)
		}
		b.view(two)
		b.send(two, "bob@x.example")
		code := w.code
		b.send(one, "ann@x.example")
		v := b.enter(one, w.code)
		if w.want(v, login.StateRedirect, ""); v.Result.Location != "https://login.example.test/setup/done?state="+string(one) {
			t.Fatalf("leads to %s", v.Result.Location)
		}
		w.want(b.enter(two, code), login.StateFailed, login.ProblemSetupDead)
		if w.setups != 1 {
			t.Fatalf("%d administrators; want 1", w.setups)
		}
		stranger := w.browser()
		if _, err := w.links.SetupResult(ctx, stranger.visit(), one); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a browser without a cookie: %v", err)
		}
		stranger.who = secret.New("other")
		if _, err := w.links.SetupResult(ctx, stranger.visit(), one); !fault.Is(err, fault.NotFound) {
			t.Fatalf("another browser: %v", err)
		}
		out, err := w.links.SetupResult(ctx, b.visit(), one)
		if err != nil || out.AccessKey.Reveal() != "sc_1.k.acc_default.KEY" || out.ClientID != "sc_1" {
			t.Fatalf("%+v, %v", out, err)
		}
		if _, err := w.links.SetupResult(ctx, b.visit(), one); !fault.Is(err, fault.NotFound) {
			t.Fatalf("shown twice: %v", err)
		}

		// A setup cannot be taken over by one who knows its request only.
		third := b.take(w.links.StartSetup(ctx, b.visit(), issue()))
		b.view(third.ID)
		other := w.browser()
		other.view(w.start(nil))
		w.want(other.take(w.choice.Restart(ctx, other.visit(), third.ID)), login.StateFailed, login.ProblemSetupDead)
		w.clk.Advance(login.SetupLife)
		w.want(b.take(w.links.ViewSetup(ctx, b.visit(), issueLate(w))), login.StateChoose, "")
	})
}

func issueLate(w *world) secret.Text {
	link, err := w.links.Issue(ctx, actor.ForOperator(acc))
	if err != nil {
		w.t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "token=")
	w.clk.Advance(login.SetupLife - time.Second)
	return secret.New(token)
}

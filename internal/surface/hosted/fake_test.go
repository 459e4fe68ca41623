package hosted

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/surface/hosted/ask"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fakeLogin answers by the login's id, which names the page to show, and notes what it was asked.
type fakeLogin struct {
	calls  []string
	visits []login.Visit
	given  map[string]string
	views  map[string]login.View // overrides by verb
	mail   mailed.Content
	oauth  *fakeOAuth
	err    error
}

func (f *fakeLogin) note(verb string, v login.Visit, given ...string) {
	f.calls = append(f.calls, verb)
	f.visits = append(f.visits, v)
	if f.given == nil {
		f.given = map[string]string{}
	}
	f.given[verb] = strings.Join(given, "|")
}

func (f *fakeLogin) reply(verb string, id ident.LoginID, otherwise login.View) (login.View, error) {
	if f.err != nil {
		return login.View{}, f.err
	}
	if v, ok := f.views[verb]; ok {
		return v, nil
	}
	otherwise.ID = id
	return otherwise, nil
}

func (f *fakeLogin) View(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("View", v, string(id))
	view := login.View{
		State: login.StateChoose, ReturnURL: "http://localhost:3000/app", EmailCode: true, NewBrowser: secret.New("browser-1"),
		Connections: []login.Button{{ID: "con_google", Name: "Google", Kind: "google"}, {ID: "con_ms", Name: "Microsoft", Kind: "microsoft"}, {ID: "con_gh", Name: "GitHub", Kind: "github"}},
	}
	switch kind, _, _ := strings.Cut(string(id), "-"); kind {
	case "plain":
		view.Connections = nil
	case "many":
		view.Connections = append(view.Connections, login.Button{ID: "con_apple", Name: "Apple", Kind: "apple"}, login.Button{ID: "con_gl", Name: "GitLab", Kind: "gitlab"}, login.Button{ID: "con_x", Name: "Landesverwaltungsnetz der nordwestdeutschen Wasserwirtschaft"})
	case "code":
		view = login.View{State: login.StateCode, Email: "ada@example.com", AttemptsLeft: 3, CodeExpires: start.Add(10 * time.Minute), ReturnURL: "https://app.example.test/"}
	case "codelong":
		view = login.View{State: login.StateCode, Email: "maximiliane.von-und-zu-hohenlohe-waldenburg+newsletter@mail.nordwestdeutsche-wasserwirtschaft.example.com", AttemptsLeft: 1, CodeExpires: start.Add(10 * time.Minute)}
	case "current":
		view.Current = &login.Person{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com"}
	case "passkey":
		view.Passkey, view.Password = true, true
	case "keyonly":
		view.Passkey, view.Connections = true, nil
	case "prove", "provekey":
		view.ReturnURL, view.Passkey, view.Password, view.Email = "https://login.example.test/settings/security?confirmed=1", true, true, "ada@example.com"
		if kind == "provekey" {
			view.EmailCode, view.Password, view.Passkey = false, false, false
		}
	case "replace", "add":
		view.Linking, view.ReturnURL = &login.Person{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com"}, "https://app.example.test/"
		if kind == "replace" {
			view.Replaces, view.ReturnURL, view.Connections = "old@example.com", "https://login.example.test/settings?client_id=app_1&done=email", nil
		}
	case "replacecode":
		view = login.View{State: login.StateCode, Email: "new@example.com", Linking: &login.Person{ID: "u_1"}, Replaces: "old@example.com", CodeExpires: start.Add(10 * time.Minute)}
	case "password":
		view.EmailCode, view.Password, view.Connections = false, true, nil
	case "second", "secondlong", "secondapp", "secondkey", "waiting", "ready":
		view = login.View{
			State: login.StateSecond, Ways: []factor.Kind{factor.Passkey, factor.TOTP, factor.Recovery}, RememberDays: 30, Recovery: true,
			Current: &login.Person{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com"}, ReturnURL: "https://app.example.test/",
		}
		switch kind {
		case "secondlong":
			view.Current = &login.Person{ID: "u_2", Name: "Maximiliane von und zu Hohenlohe-Waldenburg-Schillingsfürst", Email: "maximiliane.von-und-zu-hohenlohe-waldenburg@mail.nordwestdeutsche-wasserwirtschaft.example.com"}
		case "secondapp":
			view.Ways, view.RememberDays, view.Recovery = []factor.Kind{factor.TOTP}, 0, false
		case "waiting":
			view.RecoveryAt = start.Add(20 * time.Hour)
		case "ready":
			view.RecoveryAt = start.Add(-time.Hour)
		case "secondkey":
			view.Ways = []factor.Kind{factor.Passkey}
		}
	case "enrol", "enrolapp", "scan":
		view = login.View{
			State: login.StateEnrol, Ways: []factor.Kind{factor.Passkey, factor.TOTP}, ReturnURL: "https://app.example.test/",
			Current: &login.Person{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com"},
		}
		if kind == "enrolapp" {
			view.Ways = view.Ways[1:]
		}
		if kind == "scan" {
			view.Seed, view.SeedURI = fakeSeed()
		}
	case "accounts":
		view = login.View{State: login.StateAccounts, Accounts: []login.Account{
			{Which: "s1", Person: login.Person{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com"}, Active: true},
			{Which: "s2", Person: login.Person{ID: "u_2", Name: "Maximiliane von und zu Hohenlohe-Waldenburg-Schillingsfürst", Email: "maximiliane.von-und-zu-hohenlohe@mail.nordwestdeutsche-wasserwirtschaft.example.com"}},
			{Which: "s3", Person: login.Person{ID: "u_3", Email: "grace@example.com"}},
		}}
	case "await":
		view = login.View{State: login.StateAwait, ReturnURL: "https://app.example.test/"}
	case "expired":
		view = login.View{State: login.StateExpired}
	case "other":
		view = login.View{State: login.StateOtherBrowser}
	case "cookie":
		view = login.View{State: login.StateNoCookie}
	case "done":
		view = login.View{State: login.StateDone, ReturnURL: "https://app.example.test/"}
	case "failed":
		view = login.View{State: login.StateFailed, Problem: login.ProblemUnknownRequest}
	case "broken":
		return login.View{}, errors.New("disk on fire at /var/lib/secret")
	case "hostile":
		view.Email = `"><script>alert(1)</script>`
		view.Connections = []login.Button{{ID: `"><img src=x>`, Name: `<b onclick=alert(1)>{{.AccessKey}}`, Kind: `"><svg onload=alert(1)>`}}
	}
	return f.reply("View", id, view)
}

func (f *fakeLogin) SendCode(_ context.Context, v login.Visit, id ident.LoginID, email string, compose mailed.Compose) (login.View, error) {
	f.note("SendCode", v, string(id), email)
	if !strings.Contains(email, "@") {
		return f.reply("SendCode", id, login.View{State: login.StateChoose, Problem: login.ProblemEmailInvalid, EmailCode: true})
	}
	var err error
	f.mail, err = compose(mailed.Facts{Account: v.Account, Email: email, Code: "482913", Link: "http://localhost:8080/login/link?token=abc", Life: 10 * time.Minute, Linking: strings.HasPrefix(string(id), "replace")})
	if err != nil {
		return login.View{}, err
	}
	return f.reply("SendCode", id, login.View{State: login.StateCode, Email: email})
}

func (f *fakeLogin) ChangeEmail(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("ChangeEmail", v, string(id))
	return f.reply("ChangeEmail", id, login.View{State: login.StateChoose, EmailCode: true})
}

func (f *fakeLogin) EnterCode(_ context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	f.note("EnterCode", v, string(id), code)
	if code == "999999" {
		return f.reply("EnterCode", id, login.View{State: login.StateCode, Email: "ada@example.com", Problem: login.ProblemTooManyTries})
	}
	if code != "482913" {
		return f.reply("EnterCode", id, login.View{State: login.StateCode, Problem: login.ProblemCodeWrong, AttemptsLeft: 4})
	}
	return f.reply("EnterCode", id, leave("https://app.example.test/?code=x"))
}

func leave(to string) login.View {
	return login.View{State: login.StateRedirect, Result: &login.Result{Location: to, Session: secret.New("session-1"), SessionExpires: start.Add(time.Hour)}}
}

func (f *fakeLogin) Restart(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("Restart", v, string(id))
	return f.reply("Restart", "choose-2", login.View{State: login.StateChoose})
}

func (f *fakeLogin) StartUpstream(_ context.Context, v login.Visit, id ident.LoginID, c ident.ConnectionID) (login.View, error) {
	f.note("StartUpstream", v, string(id), string(c))
	return f.reply("StartUpstream", id, login.View{State: login.StateRedirect, Result: &login.Result{Location: "https://idp.example.test/authorize"}})
}

func (f *fakeLogin) FinishUpstream(_ context.Context, v login.Visit, c login.Callback) (login.View, error) {
	f.note("FinishUpstream", v, c.State.Reveal(), c.Code.Reveal(), c.Issuer, c.Error, c.User)
	return f.reply("FinishUpstream", "choose-1", leave("https://app.example.test/?code=y"))
}

func (f *fakeLogin) Continue(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("Continue", v, string(id))
	return f.reply("Continue", id, leave("https://app.example.test/?code=z"))
}

func (f *fakeLogin) ViewLink(_ context.Context, v login.Visit, token secret.Text) (login.View, error) {
	f.note("ViewLink", v, token.Reveal())
	switch token.Reveal() {
	case "other":
		return login.View{State: login.StateFailed, Problem: login.ProblemLinkOther}, nil
	case "dead":
		return login.View{State: login.StateFailed, Problem: login.ProblemLinkDead}, nil
	}
	return f.reply("ViewLink", "code-1", login.View{State: login.StateLink, Email: "ada@example.com"})
}

func (f *fakeLogin) FollowLink(_ context.Context, v login.Visit, token secret.Text) (login.View, error) {
	f.note("FollowLink", v, token.Reveal())
	return f.reply("FollowLink", "code-1", leave("https://app.example.test/?code=l"))
}

func (f *fakeLogin) ConfirmHandover(_ context.Context, v login.Visit, token secret.Text) (login.View, error) {
	f.note("ConfirmHandover", v, token.Reveal())
	return f.reply("ConfirmHandover", "code-1", leave("https://app.example.test/?code=h"))
}

func (f *fakeLogin) ViewSetup(_ context.Context, v login.Visit, token secret.Text) (login.View, error) {
	f.note("ViewSetup", v, token.Reveal())
	if token.Reveal() == "dead" {
		return login.View{State: login.StateFailed, Problem: login.ProblemSetupDead}, nil
	}
	return f.reply("ViewSetup", "", login.View{})
}

func (f *fakeLogin) StartSetup(_ context.Context, v login.Visit, token secret.Text) (login.View, error) {
	f.note("StartSetup", v, token.Reveal())
	return f.reply("StartSetup", "plain-1", login.View{State: login.StateChoose, EmailCode: true})
}

func (f *fakeLogin) SetupResult(_ context.Context, v login.Visit, id ident.LoginID) (login.SetupOutcome, error) {
	f.note("SetupResult", v, string(id))
	if id == "again" {
		return login.SetupOutcome{}, fault.New(fault.NotFound, fault.CodeNotFound, "shown")
	}
	return login.SetupOutcome{User: "u_1", ClientID: "sc_1", AccessKey: secret.New("sc_4w9ktx.k_71hzc5.acc_default.MC4CAQAwBQYDK2VwBCIEIJ8Zr0v3bS1m5c6h7Yq2Tt4k1n0w9xPzQe8uL3aVdFgH")}, nil
}

// fakeAccounts is one account behind every host.
type fakeAccounts struct {
	brand  page.Brand
	issuer string
}

func (f fakeAccounts) Brand(ident.AccountID) page.Brand { return f.brand }
func (f fakeAccounts) Issuer(ident.AccountID) string    { return f.issuer }
func (f fakeAccounts) ByHost(host string) (ident.AccountID, bool) {
	return "acc_default", host != "unknown.test"
}
func (f fakeAccounts) OriginAllowed(ident.AccountID, string) bool { return false }
func (f fakeAccounts) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) {
	return 0, true
}
func (f fakeAccounts) Verify(context.Context, ident.AccountID, string) (actor.Actor, error) {
	return actor.Actor{}, fault.New(fault.Unauthenticated, "", "no")
}

// handler is the surface behind the real chain.
func handler(t testing.TB, f *fakeLogin, a fakeAccounts, development bool) http.Handler {
	return handlerWith(t, f, a, development, nil)
}

func handlerWith(t testing.TB, f *fakeLogin, a fakeAccounts, development bool, c page.Client) http.Handler {
	t.Helper()
	o := f.oauth
	if o == nil {
		o = &fakeOAuth{}
	}
	kit, err := page.New(page.Deps{Outbound: c, Accounts: a, Clock: clock.NewFake(start), Development: development})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Deps{Kit: kit, Door: o.deps(kit).Door, Steps: f, Upstream: f, Links: f, Passkeys: fakeFactors{f}, Typed: fakeFactors{f}, Choices: fakeFactors{f}, Recoveries: fakeFactors{f}, Stops: fakeFactors{f}})
	if err != nil {
		t.Fatal(err)
	}
	asks, err := ask.New(o.deps(kit))
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.NewRouter(web.Deps{
		Accounts: a, Tokens: a, Origins: a, Limiter: a, Clock: clock.NewFake(start),
		Log: slog.New(slog.DiscardHandler), PageErrors: kit.Error,
	}, slices.Concat(kit.Routes(), s.Routes(), asks.Routes()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

package app

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// happens emits an event in a unit of work of its own.
func (d deployment) happens(by actor.Actor, kind, target string, detail ...string) {
	d.Helper()
	by.Account = ident.DefaultAccount
	err := d.app.db.Write(d.Context(), tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return t.Emit(ctx, event.New(by, kind, target, detail...))
	})
	if err != nil {
		d.Fatal(err)
	}
}

// signedIn is the end of a sign-in with a browser that calls itself agent.
func (d deployment) signedIn(user ident.UserID, agent string) {
	d.Helper()
	by := actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: string(user), Agent: agent}
	err := d.app.db.Write(d.Context(), tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		s, _, err := d.app.f.sessions.Start(ctx, t, session.NewSession{Actor: by, User: user, Evidence: session.Evidence{Method: session.MethodEmail, At: t.Now()}})
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, "login.finished", "login_x", "session", string(s.ID)))
	})
	if err != nil {
		d.Fatal(err)
	}
}

// mails are those that wait for an address, the newest first, without the codes of sign-ins.
func (d deployment) mails(to string) (out []mail.Kept) {
	d.Helper()
	err := d.app.db.Read(d.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, t tx.Tx) error {
		all, err := d.app.f.outbox.List(ctx, t, ident.DefaultAccount, 100)
		for _, m := range all {
			if string(m.To) == to && !strings.Contains(m.Text, "/login/link?token=") {
				out = append(out, m)
			}
		}
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return out
}

// TestNotices: people are told, at their proved address and in their language, what happens to their account.
func TestNotices(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		before := len(d.mails("ann@x.example"))
		self := actor.Actor{Kind: actor.User, ID: string(ann.user), Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}
		d.happens(self, "passkey.registered", string(ann.user))
		d.happens(actor.Actor{Kind: actor.Operator, Address: "198.51.100.1"}, "totp.removed", string(ann.user), "device", "x")
		d.happens(actor.Actor{Kind: actor.System}, "session.theft", ann.sid, "user", string(ann.user))
		// What tells of nobody here, of everything at once, or of what needs no mail.
		d.happens(self, "passkey.registered", "nobody")
		d.happens(self, "session.theft", string(ann.user))
		d.happens(self, "totp.removed", string(ann.user), "device", "all")
		d.happens(self, "password.refused", string(ann.user))
		got := d.mails("ann@x.example")
		if len(got) != before+3 {
			t.Fatalf("%d mails: %+v", len(got)-before, got)
		}
		for i, want := range []string{"A sign-in of yours was stolen", "An authenticator app was removed", "A passkey was added"} {
			if !strings.HasPrefix(got[i].Subject, want) {
				t.Errorf("%q; want %q", got[i].Subject, want)
			}
		}
		if m := got[2].Text; !strings.Contains(m, "Firefox on Linux") || !strings.Contains(m, "192.") || !strings.Contains(m, oauthIssuer+"/settings") {
			t.Error(m)
		}
		if m := got[1].Text; strings.Contains(m, "198.") || !strings.Contains(m, "An administrator did this.") {
			t.Error(m)
		}
	})
}

// TestNewDevice: who is signed in somewhere hears of a sign-in with another browser, and of no other.
func TestNewDevice(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		const firefox, chrome = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
		told := func() (n int) {
			for _, m := range d.mails("ann@x.example") {
				if strings.HasPrefix(m.Subject, "A new browser signed in") {
					n++
				}
			}
			return n
		}
		for i, step := range []struct {
			agent string
			want  int
		}{{firefox, 0}, {firefox, 0}, {chrome, 1}, {chrome, 1}, {firefox, 1}} {
			d.signedIn(ann.user, step.agent)
			if got := told(); got != step.want {
				t.Errorf("step %d: %d mails; want %d", i, got, step.want)
			}
		}
	})
}

// TestNoNoticeAtAnUnprovedAddress: whoever has written somebody else's address into their profile does not
// make Admit write to it, and nobody's mailbox is filled.
func TestNoNoticeAtAnUnprovedAddress(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		self := actor.Actor{Kind: actor.User, ID: string(ann.user)}
		set := func(verified bool) {
			if err := d.app.db.Write(d.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
				_, err := sqldb.From(x).Exec(ctx, `UPDATE users SET email_verified = $1 WHERE user_id = $2`, verified, string(ann.user))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		set(false)
		before := len(d.mails("ann@x.example"))
		d.happens(self, "passkey.registered", string(ann.user))
		if n := len(d.mails("ann@x.example")); n != before {
			t.Error("a mail goes to an address that nobody has proved")
		}
		set(true)
		for range 30 {
			d.happens(self, "totp.registered", string(ann.user))
		}
		if n := len(d.mails("ann@x.example")); n > 20 {
			t.Errorf("%d mails within a moment", n)
		}
		// Nor does the noise use up the mails with codes that the person may ask for.
		w := d.visitor()
		w.in(client, "ann@x.example", "scope", "openid")
		// What the person must be able to stop comes through the noise.
		d.happens(self, "recovery.requested", string(ann.user), "recovery", "rec_1", "readyAt", "2026-11-23T08:00:00Z")
		if got := d.mails("ann@x.example"); len(got) == 0 || !strings.Contains(got[0].Text, "23 Nov 2026, 08:00 UTC") {
			t.Error("the recovery is not told")
		}
	})
}

var stopLink = regexp.MustCompile(`http://localhost:8080(/login/recovery\?token=\S+)`)

// TestStopARecoveryByMail: the mail's link shows a page as often as somebody follows it, and its button
// stops the recovery, once.
func TestStopARecoveryByMail(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		err := d.app.db.Write(d.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) error {
			_, _, err := d.app.f.person.Regain.Request(ctx, x, actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: string(ann.user)}, ann.user, 24*time.Hour)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		link := stopLink.FindStringSubmatch(d.mails("ann@x.example")[0].Text)
		if link == nil {
			t.Fatal(d.mails("ann@x.example")[0].Text)
		}
		token, _ := url.Parse(link[1])
		form := url.Values{"token": {token.Query().Get("token")}}
		stranger := d.visitor()
		for range 3 {
			if w := stranger.do("GET", link[1], nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Stop the recovery?") {
				t.Fatal(w.Code, w.Body)
			}
		}
		for _, bent := range []string{"x" + form.Get("token"), form.Get("token")[:len(form.Get("token"))-2], "rec_1.abc"} {
			if w := stranger.do("POST", "/login/recovery", url.Values{"token": {bent}}); w.Code != http.StatusGone {
				t.Error(bent, w.Code)
			}
		}
		if w := stranger.do("POST", "/login/recovery", form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "The recovery is stopped") {
			t.Fatal(w.Code, w.Body)
		}
		if w := stranger.do("POST", "/login/recovery", form); w.Code != http.StatusGone {
			t.Error(w.Code)
		}
		if got := d.mails("ann@x.example")[0].Subject; !strings.HasPrefix(got, "The recovery was stopped") {
			t.Error(got)
		}
	})
}

// LNK-01: signing in by an identity that was linked leaves the address of the notices alone; where a sign-in does
// replace it, whoever reads the former one is told there.
func TestNoticesStayWithTheirAddress(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		ann := d.hold(d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}}), "ann@x.example")
		by := actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: string(ann.user)}
		linked := user.Identity{Connection: "con_idp", Issuer: "https://idp.example", Subject: "eve"}
		signIn := func() {
			d.unit(func(ctx context.Context, x tx.Tx) error {
				_, _, err := d.app.f.users.SignIn(ctx, x, actor.Actor{Account: ident.DefaultAccount}, linked, user.Profile{Email: "eve@evil.example", EmailVerified: true})
				return err
			})
		}
		mailbox := user.Identity{Connection: "con_email", Issuer: emailcode.Issuer, Subject: "ann@x.example"}
		d.unit(func(ctx context.Context, x tx.Tx) error {
			_, err := d.app.f.users.Link(ctx, x, by, ann.user, linked)
			return err
		})
		signIn()
		before := len(d.mails("ann@x.example"))
		d.happens(by, "passkey.registered", string(ann.user))
		if a, b := len(d.mails("ann@x.example")), len(d.mails("eve@evil.example")); a != before+1 || b != 0 {
			t.Errorf("%d and %d mails", a-before, b)
		}
		d.unit(func(ctx context.Context, x tx.Tx) error { return d.app.f.users.Drop(ctx, x, by, ann.user, mailbox) })
		signIn()
		if got := d.mails("ann@x.example"); len(got) != before+3 || !strings.HasPrefix(got[0].Subject, "We write to another address now") {
			t.Errorf("%+v", got)
		}
		d.happens(by, "passkey.registered", string(ann.user))
		if a, b := len(d.mails("ann@x.example")), len(d.mails("eve@evil.example")); a != before+3 || b != 1 {
			t.Errorf("%d and %d mails", a-before, b)
		}
	})
}

package login_test

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

func (w *world) errand(change func(*login.Errand)) (ident.LoginID, error) {
	e := login.Errand{Account: acc, Actor: actor.Actor{Account: acc}, Return: "/oauth/resume?request=r1", Host: "login.example.test"}
	if change != nil {
		change(&e)
	}
	started, err := w.begins.StartErrand(ctx, e)
	return started.ID, err
}

func (w *world) mustErrand(change func(*login.Errand)) ident.LoginID {
	w.t.Helper()
	id, err := w.errand(change)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

const errandEnd = "https://login.example.test/oauth/resume?request=r1"

func (b *browser) home(v login.View, want string) {
	b.t.Helper()
	if b.want(v, login.StateRedirect, ""); v.Result.Location != want {
		b.t.Fatalf("ends at %s", v.Result.Location)
	}
}

func TestErrand(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		id := w.mustErrand(func(e *login.Errand) { e.PartyName, e.Hint = "Agent", "ann@x.example" })
		v := b.view(id)
		if b.want(v, login.StateChoose, ""); v.ApplicationName != "Agent" || v.Email != "ann@x.example" || v.ReturnURL != errandEnd {
			t.Fatalf("%+v", v)
		}
		b.send(id, "ann@x.example")
		v = b.take(b.mailed.EnterCode(ctx, b.visit(), id, b.code))
		if b.home(v, errandEnd); v.Result.Session.Empty() || v.Result.Tokens != nil {
			t.Fatalf("%+v", v.Result)
		}
		err := w.db.Read(ctx, tx.In(acc), func(c context.Context, tt tx.Tx) error {
			user, session, done, err := w.begins.Finished(c, tt, acc, id)
			if err == nil && (!done || user == "" || session == "") {
				t.Errorf("%q %q %v", user, session, done)
			}
			_, _, done, _ = w.begins.Finished(c, tt, acc, "login_other")
			if done {
				t.Error("an unknown login is finished")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		// The living session answers the next one at once, with the application's name.
		b.home(b.view(w.mustErrand(func(e *login.Errand) { e.Application = "app_default" })), errandEnd)

		// Not one that wants a fresh proof: neither by itself nor by the button.
		w.clk.Advance(time.Minute)
		fresh := w.mustErrand(func(e *login.Errand) { e.Fresh = true })
		if v = b.view(fresh); v.State != login.StateChoose || v.Current != nil {
			t.Fatalf("%+v", v)
		}
		b.want(b.take(b.service.Continue(ctx, b.visit(), fresh)), login.StateChoose, "")
		before := b.session
		b.send(fresh, "ann@x.example")
		if b.home(b.enter(fresh, b.code), errandEnd); b.session == before {
			t.Fatal("the cookie is the same after a fresh proof")
		}

		// Where the person chooses, the session is offered.
		choose := w.mustErrand(func(e *login.Errand) { e.Choose = true })
		if v = b.view(choose); v.State != login.StateChoose || v.Current == nil {
			t.Fatalf("%+v", v)
		}
		b.home(b.take(b.service.Continue(ctx, b.visit(), choose)), errandEnd)
	})
}

func TestErrandAsksTheProviderAnew(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		id := w.mustErrand(func(e *login.Errand) { e.Connection, e.Fresh = "con_idp", true })
		b.want(b.view(id), login.StateRedirect, "")
		if w.upstream.leg.Properties["max_age"] != "0" {
			t.Error(w.upstream.leg.Properties)
		}
		gone := w.mustErrand(func(e *login.Errand) { e.Connection = "con_none" })
		b.want(w.browser().view(gone), login.StateChoose, "")
	})
}

func TestErrandStaysOnTheTwin(t *testing.T) {
	each(t, func(w *world) {
		w.issuer = "http://localhost:8080"
		for host, want := range map[string]string{
			"127.0.0.1:8080": "http://127.0.0.1:8080", "localhost:8080": "http://localhost:8080", "evil.example": "http://localhost:8080",
		} {
			started, err := w.begins.StartErrand(ctx, login.Errand{Account: acc, Return: "/device", Host: host})
			if err != nil || started.URL != want+"/login?state="+string(started.ID) {
				t.Errorf("%s: %s, %v", host, started.URL, err)
			}
		}
	})
}

func TestErrandLeadsNowhereElse(t *testing.T) {
	each(t, func(w *world) {
		for _, to := range []string{"", "https://evil.example/", "//evil.example/", "/\\evil.example", "oauth", "/a b", "/a#b", "/a\nb", "@evil.example"} {
			if _, err := w.errand(func(e *login.Errand) { e.Return = to }); err == nil {
				t.Errorf("%q was taken", to)
			}
		}
		if _, err := w.errand(func(e *login.Errand) { e.Application = "app_none" }); err == nil {
			t.Error("an application that is not there")
		}
	})
}

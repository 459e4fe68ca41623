package consent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
)

func TestAsked(t *testing.T) {
	for _, c := range []struct {
		client oauth.Client
		want   bool
	}{
		{oauth.Client{Kind: oauth.Application}, false},
		{oauth.Client{Kind: oauth.Application, Settings: application.OAuth{ThirdParty: true}}, true},
		{oauth.Client{Kind: oauth.Application, Settings: application.OAuth{Registered: "dynamic"}}, true},
		{oauth.Client{Kind: oauth.Document}, true},
		{oauth.Client{Kind: oauth.Service}, false},
	} {
		if consent.Asked(c.client) != c.want {
			t.Errorf("%+v", c.client)
		}
	}
}

type world struct {
	t *testing.T
	s *consent.Service
	*sqldb.DB
	client oauth.Client
}

func (w world) ask(scopes, resources []string, details string) (a oauth.Authorization) {
	a = oauth.Authorization{Account: "a", User: "u1", Client: w.client.ID, Scopes: scopes, Resources: resources}
	if details != "" {
		a.Details = json.RawMessage(details)
	}
	return a
}

func (w world) needed(user ident.UserID, a oauth.Authorization) (needed bool) {
	w.t.Helper()
	err := w.Read(w.t.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
		needed, err = w.s.Needed(ctx, t, "a", user, w.client, a)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return needed
}

func (w world) allow(a oauth.Authorization) {
	w.t.Helper()
	if err := w.Write(w.t.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
		return w.s.Allow(ctx, t, login.Visit{Account: "a", Actor: actor.Actor{Account: "a"}}, w.client, a)
	}); err != nil {
		w.t.Fatal(err)
	}
}

func TestConsent(t *testing.T) {
	sqldbtest.Each(t, consentdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		w := world{t, consent.New(db, consentdb.Store{}), db, oauth.Client{Account: "a", ID: "app_x", Name: "X", Settings: application.OAuth{ThirdParty: true}}}
		list := func(s ...string) []string { return s }
		first := w.ask(list("openid", "profile"), list("https://r1"), `[{"type":"pay","amount":"10.0","max":1.50}]`)
		if !w.needed("u1", first) {
			t.Fatal("nobody was asked")
		}
		w.allow(first)
		for name, c := range map[string]struct {
			a    oauth.Authorization
			want bool
		}{
			"the same":           {first, false},
			"less":               {w.ask(list("openid"), nil, ""), false},
			"other spelling":     {w.ask(list("profile"), nil, `[ {"max":1.50, "amount":"10.0","type":"pay" } ]`), false},
			"more scopes":        {w.ask(list("openid", "email"), nil, ""), true},
			"another resource":   {w.ask(list("openid"), list("https://r2"), ""), true},
			"another amount":     {w.ask(list("openid"), nil, `[{"type":"pay","amount":"11.0","max":1.50}]`), true},
			"one detail more":    {w.ask(list("openid"), nil, `[{"type":"pay","amount":"10.0","max":1.50},{"type":"see"}]`), true},
			"part of a resource": {w.ask(list("openid"), list("https://r"), ""), true},
		} {
			if got := w.needed("u1", c.a); got != c.want {
				t.Errorf("%s: asked %v", name, got)
			}
		}
		if !w.needed("u2", first) {
			t.Error("another person's answer counts")
		}
		// Two answers are not added up.
		w.allow(w.ask(list("openid", "email"), list("https://r2"), ""))
		if !w.needed("u1", w.ask(list("profile"), list("https://r2"), "")) || !w.needed("u1", w.ask(list("profile", "email"), nil, "")) {
			t.Error("two answers were added up")
		}
		if w.needed("u1", first) || w.needed("u1", w.ask(list("email"), list("https://r2"), "")) {
			t.Error("an answer is forgotten")
		}
		all, err := w.s.List(t.Context(), "a", "u1")
		if err != nil || len(all) != 1 || len(all[0].Answers) != 2 || len(all[0].Scopes()) != 3 || len(all[0].Resources()) != 2 {
			t.Fatalf("%+v %v", all, err)
		}
		for i := range consent.MaxAnswers + 5 {
			w.allow(w.ask(list("openid"), list("https://many/"+string(rune('a'+i))), ""))
		}
		if all, _ = w.s.List(t.Context(), "a", "u1"); len(all[0].Answers) != consent.MaxAnswers {
			t.Errorf("%d answers are kept", len(all[0].Answers))
		}
		by := actor.Actor{Kind: actor.User, Account: "a", ID: "u1"}
		if err := w.s.Withdraw(t.Context(), by, "u2", "app_x"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := w.s.Withdraw(t.Context(), by, "u1", "app_x"); err != nil || !w.needed("u1", first) {
			t.Error("withdrawn in vain", err)
		}
		if err := w.s.Withdraw(t.Context(), by, "u1", "app_x"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

// A person sees, and takes along, everything that they have allowed.
func TestAllHasEveryConsent(t *testing.T) {
	sqldbtest.Each(t, consentdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		w := world{t, consent.New(db, consentdb.Store{}), db, oauth.Client{Account: "a", Name: "X", Settings: application.OAuth{ThirdParty: true}}}
		const n = 203
		for i := range n {
			w.client.ID = fmt.Sprintf("app_%03d", i)
			w.allow(w.ask([]string{"openid"}, nil, ""))
		}
		all, err := w.s.All(t.Context(), "a", "u1")
		about, err2 := w.s.About(t.Context(), "a", "u1")
		listed, err3 := w.s.List(t.Context(), "a", "u1")
		if err := errors.Join(err, err2, err3); err != nil || len(all) != n || len(about) != n || len(listed) != 200 {
			t.Errorf("%d and %d of %d, %d listed: %v", len(all), len(about), n, len(listed), err)
		}
	})
}

func TestEvents(t *testing.T) {
	bus := &tx.Bus{}
	var got []event.Event
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error { got = append(got, e); return nil })
	db, _ := sqldbtest.SQLite(t, consentdb.Migrations(), bus)
	w := world{t, consent.New(db, consentdb.Store{}), db, oauth.Client{Account: "a", ID: "app_x", Kind: oauth.Application, Settings: application.OAuth{ThirdParty: true}}}
	w.allow(w.ask([]string{"openid"}, nil, ""))
	if err := w.s.Withdraw(t.Context(), actor.ForOperator("a"), "u1", "app_x"); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Type != consent.EventAllowed || got[0].Actor.String() != "user:u1" || got[1].Type != consent.EventWithdrawn || got[1].Detail["user"] != "u1" || got[1].Target != "app_x" {
		t.Errorf("%+v", got)
	}
}

func TestRead(t *testing.T) {
	got := consent.Read(json.RawMessage(`[{"type":"pay","b":{"y":{"z":1.50},"x":"EUR"},"a":["i","s"],"n":null,"e":{},"l":[{"q":1}]},{}]`))
	want := []consent.Detail{{Type: "pay", Members: []consent.Member{
		{Name: "a", Value: "i, s"}, {Name: "b › x", Value: "EUR"}, {Name: "b › y › z", Value: "1.50"}, {Name: "e", Value: "{}"}, {Name: "l", Value: `[{"q":1}]`}, {Name: "n"},
	}}, {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "{}", "1", "[1]", "["} {
		if got := consent.Read(json.RawMessage(bad)); got != nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

package user_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

func TestEventsCarryNoProfile(t *testing.T) {
	var events []event.Event
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		events = append(events, e)
		return nil
	})
	db, _ := sqldbtest.SQLite(t, userdb.Migrations(), bus)
	s := user.New(db, userdb.Store{}, userdb.Store{})
	by := actor.ForSystem("acc_a")
	i := user.Identity{Connection: "con_email", Issuer: "admit", Subject: "canary@example.com"}
	var u user.User
	for _, name := range []string{"Ada", "Ada", "Bea"} {
		err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) (err error) {
			u, _, err = s.SignIn(ctx, x, by, i, user.Profile{Name: name, Email: "canary@example.com", EmailVerified: true})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), by, u.ID); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
		for _, v := range e.Detail {
			if strings.Contains(v, "canary") || strings.Contains(v, "Ada") {
				t.Errorf("%+v", e)
			}
		}
		if e.Target != string(u.ID) {
			t.Errorf("%+v", e)
		}
	}
	if got := strings.Join(types, " "); got != "user.created user.updated user.deleted" {
		t.Error(got)
	}
}

func TestAnUndoneLoginLeavesNobody(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, userdb.Migrations(), nil)
	s := user.New(db, userdb.Store{}, userdb.Store{})
	undone := errors.New("undone")
	err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		if _, _, err := s.SignIn(ctx, x, actor.ForSystem("acc_a"), user.Identity{Connection: "c", Issuer: "i", Subject: "s"}, user.Profile{}); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if page, _, err := s.List(t.Context(), "acc_a", user.Query{}); err != nil || len(page) != 0 {
		t.Fatal(page, err)
	}
}

func TestProfilesAreCleaned(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, userdb.Migrations(), nil)
	s := user.New(db, userdb.Store{}, userdb.Store{})
	for name, c := range map[string]struct{ in, want user.Profile }{
		"control characters": {user.Profile{Name: " A\x00d\na\u202e "}, user.Profile{Name: "Ada"}},
		"invalid UTF-8":      {user.Profile{Name: "A\xffda"}, user.Profile{Name: "Ada"}},
		"long name":          {user.Profile{Name: strings.Repeat("é", 200)}, user.Profile{Name: strings.Repeat("é", 128)}},
		"no address":         {user.Profile{EmailVerified: true}, user.Profile{}},
		"long address":       {user.Profile{Email: strings.Repeat("a", 400), EmailVerified: true}, user.Profile{}},
		"script picture":     {user.Profile{Picture: "javascript:alert(1)"}, user.Profile{}},
		"http picture":       {user.Profile{Picture: "http://a.example/x"}, user.Profile{}},
		"picture with user":  {user.Profile{Picture: "https://u@a.example/x"}, user.Profile{}},
		"good":               {user.Profile{Name: "Ada", Picture: "https://a.example/x", Locale: "de-CH"}, user.Profile{Name: "Ada", Picture: "https://a.example/x", Locale: "de-CH"}},
		"long locale":        {user.Profile{Locale: strings.Repeat("x", 40)}, user.Profile{}},
	} {
		var u user.User
		err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) (err error) {
			u, _, err = s.SignIn(ctx, x, actor.ForSystem("acc_a"), user.Identity{Connection: "c", Issuer: "i", Subject: name}, c.in)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := (user.Profile{Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified, Picture: u.Picture, Locale: u.Locale}); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What replaces a proved address tells of it while the former one can still be read, and names neither.
func TestWhoeverReadsTheFormerAddressIsTold(t *testing.T) {
	var s *user.Service
	var former []string
	bus := &tx.Bus{}
	bus.Subscribe(user.EventAddress, func(ctx context.Context, x tx.Tx, e event.Event) error {
		u, err := s.Find(ctx, x, e.Account, ident.UserID(e.Target))
		former = append(former, u.Email)
		for _, v := range e.Detail {
			if strings.Contains(v, "@") {
				t.Errorf("%+v", e)
			}
		}
		return err
	})
	db, _ := sqldbtest.SQLite(t, userdb.Migrations(), bus)
	s = user.New(db, userdb.Store{}, userdb.Store{})
	i := user.Identity{Connection: "con_idp", Issuer: "https://idp.example", Subject: "1"}
	for _, p := range []user.Profile{
		{Email: "a@x.example"}, {Email: "b@x.example", EmailVerified: true}, {Email: "b@x.example", EmailVerified: true, Name: "Bea"},
		{Email: "c@x.example", EmailVerified: true}, {}, {Email: "c@x.example"}, {Email: "d@x.example"},
	} {
		err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
			_, _, err := s.SignIn(ctx, x, actor.ForSystem("acc_a"), i, p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(former, " "); got != "b@x.example c@x.example" {
		t.Error(got)
	}
}

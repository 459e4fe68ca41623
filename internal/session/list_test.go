package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

func (w *world) listed(user ident.UserID) (out []ident.SessionID) {
	w.t.Helper()
	list, err := w.s.Page(w.t.Context(), session.ListQuery{Account: "a", User: user})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range list {
		out = append(out, one.ID)
	}
	return out
}

// TestFacts: a session knows its device, address and applications, and keeps them when it is continued.
func TestFacts(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		from := func(agent, address string) actor.Actor {
			return actor.Actor{Kind: actor.Anonymous, Account: "a", Agent: agent, Address: address}
		}
		_, cookie := w.start("u1", secret.Text{}, func(n *session.NewSession) {
			n.Actor = from("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "192.0.2.1")
		})
		got := w.lives("it", cookie)
		if got.Device != "Firefox on Linux" || got.Address != "192.0.2.1" {
			t.Fatalf("%+v", got)
		}
		for _, app := range []string{"app_1", "app_2", "app_1", "https://client.example/meta"} {
			found, next, err := w.s.Renew(t.Context(), session.Use{Actor: from("", "192.0.2.2"), Cookie: cookie, Application: app})
			if err != nil || found.Address != "192.0.2.2" {
				t.Fatal(found, err)
			}
			cookie = next
		}
		note := func(id ident.SessionID, app string) (fresh bool) {
			w.write(func(ctx context.Context, x tx.Tx) (err error) {
				fresh, err = w.s.NoteApplication(ctx, x, "a", id, app)
				return err
			})
			return fresh
		}
		next, cookie := w.start("u1", cookie)
		if !note(got.ID, "app_3") || note(next.ID, "app_3") || note("ses_none", "app_3") || note(got.ID, "") {
			t.Fatal("an application is noted once")
		}
		got = w.lives("its continuation", cookie)
		if want := []string{"app_1", "app_2", "https://client.example/meta", "app_3"}; !cmp.Equal(got.Applications, want) || got.ID != next.ID {
			t.Fatal(got.Applications)
		}
		for n := range 40 {
			note(got.ID, fmt.Sprint("more_", n))
		}
		if n := len(w.lives("it", cookie).Applications); n != 32 {
			t.Fatal(n)
		}
	})
}

func TestListAndEnd(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		var all []session.Session
		var cookies []secret.Text
		for range 5 {
			s, cookie := w.start("u1", secret.Text{})
			all, cookies = append(all, s), append(cookies, cookie)
			w.clk.Advance(time.Second)
		}
		again, cookie := w.start("u1", cookies[0]) // continues the first
		stranger, strange := w.start("u2", secret.Text{})
		want := []ident.SessionID{again.ID, all[4].ID, all[3].ID, all[2].ID, all[1].ID}
		if got := w.listed("u1"); !cmp.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
		var paged []ident.SessionID
		for q := (session.ListQuery{Account: "a", User: "u1", Limit: 2}); ; {
			page, err := w.s.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page {
				paged, q.Before, q.After = append(paged, s.ID), s.CreatedAt, s.ID
			}
			if len(page) < 2 {
				break
			}
		}
		if !cmp.Equal(paged, want) {
			t.Fatal(paged)
		}
		by := actor.Actor{Kind: actor.User, Account: "a", ID: "u1"}
		for _, none := range []struct {
			user ident.UserID
			id   ident.SessionID
		}{{"u1", stranger.ID}, {"u2", all[1].ID}, {"u1", "ses_none"}, {"u1", ""}, {"", all[1].ID}} {
			if err := w.s.EndOne(t.Context(), by, none.user, none.id); !errors.Is(err, session.ErrNone) {
				t.Errorf("%+v: %v", none, err)
			}
		}
		if err := w.s.EndOne(t.Context(), by, "u1", all[1].ID); err != nil {
			t.Fatal(err)
		}
		w.dead("the ended one", cookies[1])
		if n, e := w.heard(session.EventEnded); n != 1 || e.Target != string(all[1].ID) || e.Detail["grants"] != "all" || e.Actor.ID != "u1" {
			t.Fatalf("%d, %+v", n, e)
		}
		keep := w.lives("the one to keep", cookie)
		w.write(func(ctx context.Context, x tx.Tx) error {
			n, err := w.s.EndOthers(ctx, x, by, keep)
			if n != 3 {
				t.Errorf("ended %d", n)
			}
			return err
		})
		if got := w.listed("u1"); !cmp.Equal(got, []ident.SessionID{again.ID}) {
			t.Fatal(got)
		}
		w.lives("the kept one", cookie)
		w.lives("another person's", strange)
	})
}

// TestSeveralAccounts: a browser puts a session aside for another account's, and takes it back with
// a fresh cookie; nothing but the cookie of the session in use leads to what is aside.
func TestSeveralAccounts(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		keep := func(n *session.NewSession) { n.KeepOther = true }
		ann, first := w.start("ann", secret.Text{})
		bob, second := w.start("bob", first, keep)
		w.dead("the cookie of what is aside", first)
		if n, _ := w.heard(session.EventReplaced); n != 0 {
			t.Fatal("it was ended")
		}
		aside := func(cookie secret.Text) (out []ident.SessionID) {
			t.Helper()
			current := w.lives("the current one", cookie)
			w.write(func(ctx context.Context, x tx.Tx) error {
				held, err := w.s.Aside(ctx, x, current)
				for _, h := range held {
					out = append(out, h.ID)
				}
				return err
			})
			return out
		}
		if got := aside(second); !cmp.Equal(got, []ident.SessionID{ann.ID}) {
			t.Fatal(got)
		}
		if got := w.listed("ann"); !cmp.Equal(got, []ident.SessionID{ann.ID}) {
			t.Fatalf("a person does not see where they are signed in: %v", got)
		}
		change := func(cookie secret.Text, to ident.SessionID) (next secret.Text, err error) {
			err = w.db.Write(t.Context(), tx.In("a"), func(ctx context.Context, x tx.Tx) error {
				_, next, err = w.s.Switch(ctx, x, who, cookie, to)
				return err
			})
			return next, err
		}
		_, stranger := w.start("eve", secret.Text{})
		lone, _ := w.start("ann", secret.Text{})
		for name, try := range map[string]struct {
			cookie secret.Text
			to     ident.SessionID
		}{
			"without a cookie": {secret.Text{}, ann.ID}, "with the dead cookie": {first, ann.ID}, "from another browser": {stranger, ann.ID},
			"to itself": {second, bob.ID}, "to one of another browser": {second, lone.ID}, "to none": {second, ""},
		} {
			if _, err := change(try.cookie, try.to); !errors.Is(err, session.ErrNone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		back, err := change(second, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.dead("bob's cookie, who is aside now", second)
		w.dead("ann's first cookie", first)
		if got := w.lives("ann", back); got.ID != ann.ID || got.User != "ann" {
			t.Fatal(got)
		}
		if _, err := change(second, ann.ID); !errors.Is(err, session.ErrNone) {
			t.Fatalf("a switch is done twice: %v", err)
		}
		back = w.mustRenew(back)
		w.clk.Advance(time.Second)
		_, third := w.start("cem", back, keep)
		if got := aside(third); !cmp.Equal(got, []ident.SessionID{ann.ID, bob.ID}) {
			t.Fatal(got)
		}
		// Signing in again as ann while she is aside: she has one session here.
		w.clk.Advance(time.Second)
		_, again := w.start("ann", third, keep)
		w.clk.Advance(time.Second)
		_, fifth := w.start("dan", again, keep)
		if got := aside(fifth); len(got) != 3 || got[2] != bob.ID {
			t.Fatal(got)
		}
		if got := w.listed("ann"); len(got) != 2 { // here and the lone one
			t.Fatal(got)
		}
		// Logging out ends what nobody could get at any more.
		if _, err := w.s.EndCookie(t.Context(), who, fifth); err != nil {
			t.Fatal(err)
		}
		for _, user := range []ident.UserID{"bob", "cem", "dan"} {
			if got := w.listed(user); len(got) != 0 {
				t.Errorf("%s: %v", user, got)
			}
		}
		_, cookie := w.start("u0", secret.Text{})
		for n := range session.MaxAside + 3 {
			w.clk.Advance(time.Second)
			_, cookie = w.start(ident.UserID(fmt.Sprint("v", n)), cookie, keep)
		}
		if got := aside(cookie); len(got) != session.MaxAside {
			t.Fatal(len(got))
		}
		if got := w.listed("u0"); len(got) != 0 {
			t.Fatal("the oldest lives on")
		}
	})
}

package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

var who = actor.Actor{Kind: actor.Anonymous, Account: "a"}

func start(t *testing.T, s *session.Service, db tx.Runner, user ident.UserID, previous secret.Text) (got session.Session, cookie secret.Text) {
	t.Helper()
	err := db.Write(context.Background(), tx.In("a"), func(ctx context.Context, tt tx.Tx) (err error) {
		got, cookie, err = s.Start(ctx, tt, session.NewSession{Actor: who, User: user, Previous: previous,
			Evidence: session.Evidence{Method: "email", Connection: "con_email", Subject: string(user), At: tt.Now()}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, cookie
}

func TestLife(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := session.New(session.Deps{DB: db, Store: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: sessiontest.Keys()})
		_, cookie := start(t, s, db, "u1", secret.Text{})
		for day := range 89 {
			clk.Advance(24 * time.Hour)
			if _, err := s.Resume(ctx, "a", cookie); err != nil {
				t.Fatalf("day %d: %v", day+1, err)
			}
		}
		clk.Advance(25 * time.Hour)
		if _, err := s.Resume(ctx, "a", cookie); !errors.Is(err, session.ErrNone) {
			t.Fatalf("lives beyond the absolute limit: %v", err)
		}
		_, idle := start(t, s, db, "u1", secret.Text{})
		clk.Advance(30*24*time.Hour + time.Second)
		if _, err := s.Resume(ctx, "a", idle); !errors.Is(err, session.ErrNone) {
			t.Fatalf("lives beyond the idle limit: %v", err)
		}
		if _, err := s.Resume(ctx, "b", idle); !errors.Is(err, session.ErrNone) {
			t.Fatalf("lives in another account: %v", err)
		}
	})
}

func TestReauthentication(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		ctx := context.Background()
		store := sessiondb.Store{}
		s, revoked := session.New(session.Deps{DB: db, Store: store, Chains: store, Keys: sessiontest.Keys()}), session.NewRevocations(store)
		load := func() {
			t.Helper()
			if err := db.Read(ctx, tx.System(), revoked.Load); err != nil {
				t.Fatal(err)
			}
		}
		first, cookie1 := start(t, s, db, "u1", secret.Text{})
		second, cookie2 := start(t, s, db, "u1", cookie1)
		if second.ID == first.ID || second.Root != first.ID || len(second.Evidence) != 2 {
			t.Fatalf("second session %+v", second)
		}
		if _, err := s.Resume(ctx, "a", cookie1); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the old cookie lives: %v", err)
		}
		load()
		if revoked.Ended("a", first.ID) {
			t.Fatal("the same person's tokens died by signing in again")
		}
		if err := s.End(ctx, who, "a", second.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Resume(ctx, "a", cookie2); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the ended cookie lives: %v", err)
		}
		load()
		if !revoked.Ended("a", first.ID) || !revoked.Ended("a", second.ID) || revoked.Ended("b", first.ID) {
			t.Fatal("the end did not reach all tokens of the chain, or reached too far")
		}
		third, cookie3 := start(t, s, db, "u1", cookie2)
		if third.Root != third.ID {
			t.Fatal("a dead cookie was continued")
		}
		start(t, s, db, "u2", cookie3)
		change := []feed.Change{{Account: "a", Kind: session.KindSession, Key: string(third.ID)}}
		if err := db.Read(ctx, tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, change) }); err != nil {
			t.Fatal(err)
		}
		if !revoked.Ended("a", third.ID) {
			t.Fatal("another person signed in, and the first one's session lives on")
		}
	})
}

func TestEndUser(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		ctx := context.Background()
		store := sessiondb.Store{}
		s, revoked := session.New(session.Deps{DB: db, Store: store, Chains: store, Keys: sessiontest.Keys()}), session.NewRevocations(store)
		_, cookie := start(t, s, db, "u1", secret.Text{})
		if err := db.Write(ctx, tx.In("a"), func(ctx context.Context, tt tx.Tx) error { return s.EndUser(ctx, tt, who, "u1") }); err != nil {
			t.Fatal(err)
		}
		change := []feed.Change{{Account: "a", Kind: session.KindUser, Key: "u1"}}
		if err := db.Read(ctx, tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, change) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Peek(ctx, "a", cookie); !errors.Is(err, session.ErrNone) {
			t.Fatalf("the session lives: %v", err)
		}
		if !revoked.UserEnded("a", "u1", clk.Now()) || revoked.UserEnded("a", "u1", clk.Now().Add(time.Second)) || revoked.UserEnded("a", "u2", clk.Now()) {
			t.Fatal("the cut is at the wrong place")
		}
		clk.Advance(72 * time.Hour)
		if err := db.Read(ctx, tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, nil) }); err != nil {
			t.Fatal(err)
		}
		if revoked.UserEnded("a", "u1", clk.Now().Add(-73*time.Hour)) {
			t.Fatal("the cut is remembered for ever")
		}
		if n, err := s.Purge(ctx, 10); err != nil || n != 2 {
			t.Fatalf("purged %d, %v; want 2", n, err)
		}
	})
}

// Whoever ends what has been ended is answered as late as the first one: when this node knows it.
func TestEndingTwiceIsHeard(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		store := sessiondb.Store{}
		s := session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()})
		by := actor.Actor{Kind: actor.User, Account: "a", ID: "u1"}
		made, _ := start(t, s, db, "u1", secret.Text{})
		for what, end := range map[string]func(context.Context) error{
			"a session": func(ctx context.Context) error { return s.End(ctx, by, "a", made.ID) },
			"a token":   func(ctx context.Context) error { return s.DisableToken(ctx, by, "u1", fmt.Sprintf("jti_%026d", 1)) },
		} {
			for n := range 2 {
				ctx, revision := tx.WatchRevision(t.Context())
				if err := end(ctx); err != nil || revision.Last() == 0 {
					t.Errorf("%s, %d: %v, answered at revision %d", what, n+1, err, revision.Last())
				}
			}
		}
	})
}

func TestDisableToken(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		store := sessiondb.Store{}
		s, revoked := session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()}), session.NewRevocations(store)
		by := actor.Actor{Kind: actor.User, Account: "a", ID: "crm|1"}
		id := func(n int) string { return fmt.Sprintf("jti_%026d", n) }
		for range 2 {
			if err := s.DisableToken(t.Context(), by, "crm|1", id(1)); err != nil {
				t.Fatal(err)
			}
		}
		change := []feed.Change{{Account: "a", Kind: session.KindToken, Key: id(1) + " crm|1"}}
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, change) }); err != nil {
			t.Fatal(err)
		}
		if !revoked.TokenDisabled("a", "crm|1", id(1)) || revoked.TokenDisabled("a", "crm|2", id(1)) || revoked.TokenDisabled("b", "crm|1", id(1)) ||
			revoked.TokenDisabled("a", "crm|1", id(2)) || revoked.UserEnded("a", "crm|1", clk.Now()) {
			t.Fatal("another token is dead, or this one lives")
		}
		for _, bad := range []string{"", "jti_", "ses_1", id(1) + " ", id(1) + "0", "jti_" + strings.Repeat("A", 26), id(1)[:29] + "\n"} {
			if err := s.DisableToken(t.Context(), by, "crm|1", bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		foreign := ident.UserID("iss_0123456789abcdef|repo:a~b")
		for _, jti := range []string{"1b4e28ba-2fa1-11d2-883f-0016d3cca427", "a.b|c", strings.Repeat("x", 256)} {
			if err := s.DisableToken(t.Context(), by, foreign, jti); err != nil {
				t.Fatal(err)
			}
			change := []feed.Change{{Account: "a", Kind: session.KindToken, Key: jti + " " + string(foreign)}}
			if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, change) }); err != nil {
				t.Fatal(err)
			}
			if !revoked.TokenDisabled("a", foreign, jti) || revoked.TokenDisabled("a", foreign+"c", jti) {
				t.Errorf("%s of a linked issuer lives", jti)
			}
		}
		for _, bad := range []string{"", "a b", "a/b", "a%2fb", "a\n", "\u00fc", strings.Repeat("x", 257)} {
			if err := s.DisableToken(t.Context(), by, foreign, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// One person's list is bounded; beyond, everything of theirs ends and nothing comes back.
		for n := range session.MaxDisabledTokens + 1 {
			if err := s.DisableToken(t.Context(), by, "crm|1", id(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Read(t.Context(), tx.System(), revoked.Load); err != nil {
			t.Fatal(err)
		}
		if !revoked.UserEnded("a", "crm|1", clk.Now()) || !revoked.TokenDisabled("a", "crm|1", id(0)) || !revoked.TokenDisabled("a", "crm|1", id(99)) {
			t.Fatal("beyond the limit something lives on")
		}
		clk.Advance(49 * time.Hour)
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, nil) }); err != nil {
			t.Fatal(err)
		}
		if revoked.TokenDisabled("a", "crm|1", id(0)) {
			t.Fatal("a dead token is remembered for ever")
		}
		if n, err := s.Purge(t.Context(), 1000); err != nil || n != session.MaxDisabledTokens+4 {
			t.Fatalf("purged %d, %v", n, err)
		}
	})
}

func TestEndGrant(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		store := sessiondb.Store{}
		s, revoked := session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()}), session.NewRevocations(store)
		issued := clk.Now()
		clk.Advance(time.Second)
		err := db.Write(t.Context(), tx.In("a"), func(ctx context.Context, tt tx.Tx) error {
			return errors.Join(s.EndGrant(ctx, tt, "a", "gra_1", time.Time{}), s.EndGrant(ctx, tt, "a", "gra_1", time.Time{}),
				s.EndGrant(ctx, tt, "a", "jti_1", clk.Now().Add(time.Minute)), s.EndClient(ctx, tt, "a", "app_1"))
		})
		if err != nil {
			t.Fatal(err)
		}
		changes := []feed.Change{{Account: "a", Kind: session.KindGrant, Key: "gra_1"}, {Account: "a", Kind: session.KindGrant, Key: "client app_1"}}
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, changes) }); err != nil {
			t.Fatal(err)
		}
		if !revoked.GrantEnded("a", "gra_1") || revoked.GrantEnded("b", "gra_1") || revoked.GrantEnded("a", "gra_2") || revoked.GrantEnded("a", "jti_1") {
			t.Fatal("another grant is dead, or this one lives")
		}
		if !revoked.ClientEnded("a", "app_1", issued) || revoked.ClientEnded("a", "app_1", clk.Now().Add(time.Second)) || revoked.ClientEnded("a", "app_2", issued) {
			t.Fatal("the cut of a client is wrong")
		}
		if err := db.Read(t.Context(), tx.System(), revoked.Load); err != nil {
			t.Fatal(err)
		}
		if !revoked.GrantEnded("a", "gra_1") || !revoked.GrantEnded("a", "jti_1") {
			t.Fatal("after a new start something lives again")
		}
		clk.Advance(2 * time.Hour)
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, nil) }); err != nil {
			t.Fatal(err)
		}
		if !revoked.GrantEnded("a", "gra_1") || revoked.GrantEnded("a", "jti_1") {
			t.Fatal("what is forgotten is not what has expired")
		}
	})
}

func TestEndEverybody(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		store := sessiondb.Store{}
		s, revoked := session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()}), session.NewRevocations(store)
		var cookies []secret.Text
		for n := range 3 {
			_, cookie := start(t, s, db, ident.UserID(fmt.Sprintf("u%d", n)), secret.Text{})
			cookies = append(cookies, cookie)
		}
		var ended []int
		for range 2 {
			err := db.Write(t.Context(), tx.In("a"), func(ctx context.Context, tt tx.Tx) error {
				n, err := s.EndSome(ctx, tt, "a", 2)
				ended = append(ended, n)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if ended[0] != 2 || ended[1] != 1 {
			t.Fatal(ended)
		}
		for _, cookie := range cookies {
			if _, err := s.Peek(t.Context(), "a", cookie); !errors.Is(err, session.ErrNone) {
				t.Errorf("a session lives: %v", err)
			}
		}
		change := []feed.Change{{Account: "a", Kind: session.KindUser, Key: session.Everybody}}
		if err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error { return revoked.Apply(ctx, tt, change) }); err != nil {
			t.Fatal(err)
		}
		if !revoked.UserEnded("a", "anybody", clk.Now()) || revoked.UserEnded("a", "anybody", clk.Now().Add(time.Second)) || revoked.UserEnded("b", "anybody", clk.Now()) {
			t.Fatal("the cut is at the wrong place")
		}
	})
}

// Package sessiontest owns the suite that every session.Store must pass.
package sessiontest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Build makes a session for tests that begins now.
func Build(id, user string, now time.Time) session.Session {
	return session.Session{
		ID: ident.SessionID(id), Root: ident.SessionID(id), Account: "a", User: ident.UserID(user), Connection: "con_email",
		Evidence:  []session.Evidence{{Method: "email", Connection: "con_email", Issuer: "urn:admit:email", Subject: user + "@x.example", At: now}},
		CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour), AbsoluteExpiry: now.Add(3 * time.Hour),
		Rotation: session.Rotation{Version: 1, Salt: Salt(id), At: now, LateFrom: 1, LateNext: 1, LateSince: now},
	}
}

// Salt is that of a session which Build makes.
func Salt(id string) []byte { return []byte("salt of " + id) }

// Keys are for tests that have no master key of their own.
func Keys() *crypt.Keys {
	keys, err := crypt.NewKeys(bytes.Repeat([]byte{3}, crypt.KeySize))
	if err != nil {
		panic(err)
	}
	return keys
}

func cookie(id string) session.Presented {
	return session.Presented{ID: ident.SessionID(id), Version: 1, Salt: Salt(id)}
}

// RunStore runs the suite. Open returns an empty store, the runner of its units of work and their clock.
func RunStore(t *testing.T, open func(t *testing.T) (session.Store, tx.Runner, *clock.Fake)) {
	t.Run("lookup", func(t *testing.T) { testLookup(t, open) })
	t.Run("end", func(t *testing.T) { testEnd(t, open) })
	t.Run("disabled tokens", func(t *testing.T) { testDisabled(t, open) })
	t.Run("disabled tokens at once", func(t *testing.T) { testDisabledAtOnce(t, open) })
	t.Run("rotate", func(t *testing.T) { testRotate(t, open) })
	t.Run("aside", func(t *testing.T) { testAside(t, open) })
	t.Run("purge", func(t *testing.T) { testPurge(t, open) })
}

type opener = func(t *testing.T) (session.Store, tx.Runner, *clock.Fake)

type harness struct {
	t  *testing.T
	db tx.Runner
}

func (h harness) write(fn func(ctx context.Context, t tx.Tx) error) error {
	h.t.Helper()
	return h.db.Write(context.Background(), tx.System(), fn)
}

func (h harness) must(fn func(ctx context.Context, t tx.Tx) error) {
	h.t.Helper()
	if err := h.write(fn); err != nil {
		h.t.Fatal(err)
	}
}

func testLookup(t *testing.T, open opener) {
	store, db, clk := open(t)
	h := harness{t, db}
	want := Build("s1", "u1", clk.Now())
	h.must(func(ctx context.Context, tt tx.Tx) error { return store.Insert(ctx, tt, want) })
	byCookie := func(account ident.AccountID, p session.Presented) (s session.Session, err error) {
		err = db.Read(context.Background(), tx.System(), func(ctx context.Context, tt tx.Tx) error {
			s, err = store.ByCookie(ctx, tt, account, p)
			return err
		})
		return s, err
	}
	got, err := byCookie("a", cookie("s1"))
	if err != nil || got.ID != "s1" || len(got.Evidence) != 1 || !got.AuthTime().Equal(clk.Now()) || !got.ExpiresAt.Equal(want.ExpiresAt) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, wrong := range []struct {
		account ident.AccountID
		cookie  session.Presented
	}{{"b", cookie("s1")}, {"a", cookie("s2")}, {"a", session.Presented{ID: "s1"}}, {"a", session.Presented{ID: "s1", Salt: Salt("s2")}}, {"a", session.Presented{}},
		{"a", session.Presented{Hash: []byte("s2")}}} {
		if _, err := byCookie(wrong.account, wrong.cookie); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v: %v; want not found", wrong, err)
		}
	}
	if err := h.write(func(ctx context.Context, tt tx.Tx) error {
		return store.Insert(ctx, tt, Build("s1", "u2", clk.Now()))
	}); err == nil {
		t.Error("two sessions behind one cookie")
	}
	clk.Advance(50 * time.Minute)
	h.must(func(ctx context.Context, tt tx.Tx) error {
		return store.Touch(ctx, tt, session.Used{Account: "a", ID: "s1", Version: 1, ExpiresAt: clk.Now().Add(time.Hour)})
	})
	clk.Advance(50 * time.Minute)
	if _, err := byCookie("a", cookie("s1")); err != nil {
		t.Fatalf("touched, but %v", err)
	}
	if err := h.write(func(ctx context.Context, tt tx.Tx) error {
		return store.Touch(ctx, tt, session.Used{Account: "a", ID: "s1", Version: 1, ExpiresAt: clk.Now().Add(24 * time.Hour)})
	}); !fault.Is(err, fault.NotFound) {
		t.Errorf("touched beyond the absolute expiry: %v", err)
	}
	clk.Advance(11 * time.Minute)
	if _, err := byCookie("a", cookie("s1")); !fault.Is(err, fault.NotFound) {
		t.Fatalf("expired, but %v", err)
	}
}

func testEnd(t *testing.T, open opener) {
	store, db, clk := open(t)
	h := harness{t, db}
	h.must(func(ctx context.Context, tt tx.Tx) error {
		second := Build("s2", "u1", clk.Now())
		second.Root = "s1"
		for _, s := range []session.Session{Build("s1", "u1", clk.Now()), second, Build("s3", "u1", clk.Now()), Build("s4", "u2", clk.Now())} {
			if err := store.Insert(ctx, tt, s); err != nil {
				return err
			}
		}
		return store.Replace(ctx, tt, "a", "s1")
	})
	h.must(func(ctx context.Context, tt tx.Tx) error {
		if _, err := store.ByCookie(ctx, tt, "a", cookie("s1")); !fault.Is(err, fault.NotFound) {
			t.Errorf("the replaced cookie lives: %v", err)
		}
		if _, err := store.ByID(ctx, tt, "a", "s1"); err != nil {
			t.Errorf("the replaced session's tokens died: %v", err)
		}
		ended, err := store.End(ctx, tt, "a", "s1")
		if len(ended) != 2 {
			t.Errorf("ended %v; want s1 and s2", ended)
		}
		return err
	})
	clk.Advance(time.Second)
	h.must(func(ctx context.Context, tt tx.Tx) error {
		if _, err := store.ByCookie(ctx, tt, "a", cookie("s2")); !fault.Is(err, fault.NotFound) {
			t.Errorf("the ended cookie lives: %v", err)
		}
		again, err := store.End(ctx, tt, "a", "s1")
		if err != nil || len(again) != 0 {
			t.Errorf("ended twice: %v, %v", again, err)
		}
		ended, err := store.EndUser(ctx, tt, "a", "u1")
		if err != nil || len(ended) != 1 || ended[0] != "s3" {
			t.Errorf("ended %v, %v; want s3", ended, err)
		}
		_, err = store.EndUser(ctx, tt, "a", "u1")
		return err
	})
	h.must(func(ctx context.Context, tt tx.Tx) error {
		all, err := store.Revoked(ctx, tt, session.RevokedQuery{Since: clk.Now().Add(-time.Hour)})
		if len(all.Sessions) != 3 || len(all.Users) != 1 || !all.Users[0].At.Equal(clk.Now()) {
			t.Errorf("revoked %+v", all)
		}
		if err != nil {
			return err
		}
		one, err := store.Revoked(ctx, tt, session.RevokedQuery{Account: "a", Session: "s2"})
		if len(one.Sessions) != 1 || len(one.Users) != 0 {
			t.Errorf("revoked s2: %+v", one)
		}
		if err != nil {
			return err
		}
		other, err := store.Revoked(ctx, tt, session.RevokedQuery{Account: "b", User: "u1"})
		if len(other.Sessions)+len(other.Users) != 0 {
			t.Errorf("another account's: %+v", other)
		}
		return err
	})
}

func testPurge(t *testing.T, open opener) {
	store, db, clk := open(t)
	h := harness{t, db}
	h.must(func(ctx context.Context, tt tx.Tx) error {
		if err := store.Insert(ctx, tt, Build("s1", "u1", clk.Now())); err != nil {
			return err
		}
		return store.Insert(ctx, tt, Build("s2", "u2", clk.Now().Add(time.Hour)))
	})
	clk.Advance(90 * time.Minute)
	h.must(func(ctx context.Context, tt tx.Tx) error {
		n, err := store.Purge(ctx, tt, clk.Now(), 10)
		if n != 1 {
			t.Errorf("purged %d; want 1", n)
		}
		return err
	})
}

package sessiontest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// testRotate: a rotation happens only where every binding of its step holds, once.
func testRotate(t *testing.T, open opener) {
	store, db, clk := open(t)
	chains := store.(session.Chains)
	h := harness{t, db}
	h.must(func(ctx context.Context, tt tx.Tx) error { return store.Insert(ctx, tt, Build("s1", "u1", clk.Now())) })
	clk.Advance(time.Minute)
	good := session.Step{
		Account: "a", ID: "s1", From: cookie("s1"), Device: "Firefox on Linux", Address: "192.0.2.1", Applications: []string{"app_1", "app_2"},
		Next: session.Rotation{Version: 2, Salt: Salt("s1"), Confirmed: 1, At: clk.Now(), LateFrom: 1, LateNext: 1, LateSince: clk.Now()},
	}
	rotate := func(s session.Step) error {
		return h.write(func(ctx context.Context, tt tx.Tx) error { return chains.Rotate(ctx, tt, s) })
	}
	for name, bend := range map[string]func(*session.Step){
		"another account":          func(s *session.Step) { s.Account = "b" },
		"another session":          func(s *session.Step) { s.ID = "s2" },
		"another version":          func(s *session.Step) { s.From.Version = 2 },
		"another salt":             func(s *session.Step) { s.From.Salt = Salt("s2") },
		"no salt":                  func(s *session.Step) { s.From.Salt = nil },
		"a cookie from before":     func(s *session.Step) { s.From = session.Presented{Version: 1, Hash: []byte("h")} },
		"its id for such a cookie": func(s *session.Step) { s.From = session.Presented{Version: 2, Hash: []byte("s1")} },
	} {
		s := good
		bend(&s)
		if err := rotate(s); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := rotate(good); err != nil {
		t.Fatal(err)
	}
	if err := rotate(good); !fault.Is(err, fault.NotFound) {
		t.Fatalf("twice: %v", err)
	}
	h.must(func(ctx context.Context, tt tx.Tx) error {
		got, err := store.ByCookie(ctx, tt, "a", cookie("s1"))
		if !cmp.Equal(got.Rotation, good.Next) || got.Device != good.Device || got.Address != good.Address || !cmp.Equal(got.Applications, good.Applications) ||
			!got.LastSeen.Equal(clk.Now()) || !got.ExpiresAt.Equal(clk.Now().Add(59*time.Minute)) {
			t.Errorf("%+v", got)
		}
		return err
	})
	good.From.Version, good.Next.Version, good.ExpiresAt = 2, 3, clk.Now().Add(2*time.Hour)
	if err := rotate(good); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(ctx context.Context, tt tx.Tx) error{
		"replaced": func(ctx context.Context, tt tx.Tx) error { return store.Replace(ctx, tt, "a", "s1") },
		"ended":    func(ctx context.Context, tt tx.Tx) error { _, err := store.End(ctx, tt, "a", "s1"); return err },
	} {
		err := h.write(func(ctx context.Context, tt tx.Tx) error {
			if err := end(ctx, tt); err != nil {
				return err
			}
			s := good
			s.From.Version, s.Next.Version = 3, 4
			return chains.Rotate(ctx, tt, s)
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	clk.Advance(2 * time.Hour)
	good.From.Version, good.Next.Version = 3, 4
	if err := rotate(good); !fault.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
}

// testAside: what is put aside is held by one chain, has no cookie, and comes back once.
func testAside(t *testing.T, open opener) {
	store, db, clk := open(t)
	chains := store.(session.Chains)
	h := harness{t, db}
	h.must(func(ctx context.Context, tt tx.Tx) error {
		for _, id := range []string{"s1", "s2", "s3"} {
			if err := store.Insert(ctx, tt, Build(id, "u"+id, clk.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	shelved := func(id, holder, salt string) session.Shelved {
		return session.Shelved{Account: "a", ID: ident.SessionID(id), Root: ident.SessionID(id), Holder: ident.SessionID(holder), Salt: Salt(salt)}
	}
	put := func(p session.Shelved) error {
		clk.Advance(time.Second)
		return h.write(func(ctx context.Context, tt tx.Tx) error { return chains.PutAside(ctx, tt, p) })
	}
	held := func(holder ident.SessionID) (out []ident.SessionID) {
		h.must(func(ctx context.Context, tt tx.Tx) error {
			all, err := chains.Aside(ctx, tt, "a", holder)
			for _, one := range all {
				out = append(out, one.ID)
			}
			return err
		})
		return out
	}
	if err := put(shelved("s1", "s2", "new")); err != nil {
		t.Fatal(err)
	}
	if err := put(shelved("s1", "s3", "newer")); !fault.Is(err, fault.NotFound) {
		t.Fatalf("put aside twice: %v", err)
	}
	if err := put(shelved("s2", "s3", "new")); err != nil {
		t.Fatal(err)
	}
	if got := held("s3"); !cmp.Equal(got, []ident.SessionID{"s2", "s1"}) || len(held("s2"))+len(held("")) != 0 {
		t.Fatal(got)
	}
	h.must(func(ctx context.Context, tt tx.Tx) error {
		for _, p := range []session.Presented{cookie("s1"), {ID: "s1", Salt: Salt("new")}, {Hash: []byte("s1")}} {
			if _, err := store.ByCookie(ctx, tt, "a", p); !fault.Is(err, fault.NotFound) {
				t.Errorf("%+v finds what is aside: %v", p, err)
			}
		}
		return nil
	})
	take := func(p session.Shelved) (s session.Session, err error) {
		err = h.write(func(ctx context.Context, tt tx.Tx) error {
			s, err = chains.TakeBack(ctx, tt, p)
			return err
		})
		return s, err
	}
	other := shelved("s1", "s3", "x")
	other.Account = "b"
	for _, p := range []session.Shelved{shelved("s1", "s2", "x"), shelved("s3", "s3", "x"), shelved("s1", "", "x"), other} {
		if _, err := take(p); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	got, err := take(shelved("s1", "s3", "newest"))
	if err != nil || got.Rotation.Version != 3 || got.Rotation.Confirmed >= 3 || !bytes.Equal(got.Rotation.Salt, Salt("newest")) || !got.AsideAt.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := take(shelved("s1", "s3", "x")); !fault.Is(err, fault.NotFound) {
		t.Fatalf("taken twice: %v", err)
	}
	if got := held("s1"); !cmp.Equal(got, []ident.SessionID{"s2"}) || len(held("s3")) != 0 {
		t.Fatal(got)
	}
}

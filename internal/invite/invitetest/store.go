// Package invitetest owns the suite that every store of invites must pass.
package invitetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores is what the suite tests.
type Stores struct {
	DB    tx.Runner
	Clock *clock.Fake
	Store invite.Store
}

const (
	one   ident.AccountID = "acc_one"
	other ident.AccountID = "acc_other"
)

// RunStore runs the suite; each part gets an empty database.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, Stores){
		"what is written is read": roundTrip, "one person accepts": accept, "many at once": race,
		"so many are open": limit, "reserved for who signed up": reserve, "forgotten": forget, "purged": purge,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func (s Stores) build(account ident.AccountID, name string) invite.Invite {
	now := s.Clock.Now()
	return invite.Invite{
		Account: account, Hash: secret.Hash("test", name), Strategy: invite.Merge, LinkedUser: "ann", Tenant: "ten_a",
		Statements: []access.Statement{{Roles: []ident.RoleID{"ro_a"}, Resources: []string{"a/b"}, ExpiresAt: now.Add(time.Hour)}},
		By:         actor.Actor{Kind: actor.User, Account: account, ID: "boss"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

func (s Stores) do(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) error {
	t.Helper()
	return s.DB.Write(t.Context(), tx.In(account), fn)
}

func (s Stores) insert(t *testing.T, i invite.Invite) invite.Invite {
	t.Helper()
	if err := s.do(t, i.Account, func(ctx context.Context, x tx.Tx) error {
		_, err := s.Store.Insert(ctx, x, i, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return i
}

func (s Stores) get(t *testing.T, account ident.AccountID, hash []byte) (i invite.Invite, err error) {
	t.Helper()
	err = s.do(t, account, func(ctx context.Context, x tx.Tx) error {
		i, err = s.Store.Get(ctx, x, account, hash)
		return err
	})
	return i, err
}

func (s Stores) accept(t *testing.T, account ident.AccountID, hash []byte, user ident.UserID) error {
	t.Helper()
	return s.do(t, account, func(ctx context.Context, x tx.Tx) error {
		got, err := s.Store.Accept(ctx, x, account, hash, user)
		if err == nil && got.AcceptedBy != user {
			t.Errorf("accepted by %q", got.AcceptedBy)
		}
		return err
	})
}

func none(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("%s: %v", what, err)
	}
}

func roundTrip(t *testing.T, s Stores) {
	i := s.insert(t, s.build(one, "a"))
	got, err := s.get(t, one, i.Hash)
	if diff := cmp.Diff(i, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = s.get(t, other, i.Hash)
	none(t, "in another account", err)
	if err := s.do(t, one, func(ctx context.Context, x tx.Tx) error {
		byKey, err := s.Store.ByKey(ctx, x, one, i.Key())
		if diff := cmp.Diff(i, byKey); diff != "" {
			t.Error(diff)
		}
		if ok, err := s.Store.Delete(ctx, x, other, i.Hash); ok || err != nil {
			t.Error("deleted from another account", err)
		}
		ok, err2 := s.Store.Delete(ctx, x, one, i.Hash)
		if !ok {
			t.Error("not deleted")
		}
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
	_, err = s.get(t, one, i.Hash)
	none(t, "deleted", err)
}

func accept(t *testing.T, s Stores) {
	i := s.insert(t, s.build(one, "a"))
	none(t, "another account", s.accept(t, other, i.Hash, "u1"))
	none(t, "another id", s.accept(t, one, secret.Hash("test", "b"), "u1"))
	if err := s.accept(t, one, i.Hash, "u1"); err != nil {
		t.Fatal(err)
	}
	none(t, "again", s.accept(t, one, i.Hash, "u1"))
	none(t, "by another", s.accept(t, one, i.Hash, "u2"))
	if err := s.do(t, one, func(ctx context.Context, x tx.Tx) error {
		ok, err := s.Store.Delete(ctx, x, one, i.Hash)
		if ok {
			t.Error("an accepted invite was deleted")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	late := s.insert(t, s.build(one, "late"))
	s.Clock.Advance(time.Hour)
	none(t, "too late", s.accept(t, one, late.Hash, "u1"))
}

func race(t *testing.T, s Stores) {
	i := s.insert(t, s.build(one, "a"))
	var won atomic.Int32
	var all sync.WaitGroup
	for _, user := range []ident.UserID{"u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"} {
		all.Go(func() {
			if err := s.accept(t, one, i.Hash, user); err == nil {
				won.Add(1)
			} else if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d accepted it", won.Load())
	}
}

// limit: one inviter has so many open invites and no more, however many are made at once.
func limit(t *testing.T, s Stores) {
	put := func(i invite.Invite) (room bool) {
		err := s.do(t, i.Account, func(ctx context.Context, x tx.Tx) (err error) {
			room, err = s.Store.Insert(ctx, x, i, 3)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return room
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if put(s.build(one, string(rune('a'+n)))) {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 3 {
		t.Fatalf("%d were made", made.Load())
	}
	client := s.build(one, "client")
	client.By.Kind = actor.ServiceClient
	somebody := s.build(one, "somebody")
	somebody.By.ID = "another"
	if !put(client) || !put(somebody) || !put(s.build(other, "elsewhere")) {
		t.Error("others pay for it")
	}
	if put(s.build(one, "x")) {
		t.Error("a fourth")
	}
	var open []invite.Invite
	for n := range 8 {
		if i, err := s.get(t, one, s.build(one, string(rune('a'+n))).Hash); err == nil {
			open = append(open, i)
		}
	}
	if err := s.accept(t, one, open[0].Hash, "u1"); err != nil {
		t.Fatal(err)
	}
	if err := s.do(t, one, func(ctx context.Context, x tx.Tx) error {
		_, err := s.Store.Delete(ctx, x, one, open[1].Hash)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !put(s.build(one, "y")) || !put(s.build(one, "z")) || put(s.build(one, "x")) {
		t.Error("what was accepted or taken back counts, or what is open does not")
	}
	s.Clock.Advance(time.Hour)
	if !put(s.build(one, "late")) {
		t.Error("what is too old counts")
	}
}

func reserve(t *testing.T, s Stores) {
	i := s.insert(t, s.build(one, "a"))
	for _, step := range []struct {
		account ident.AccountID
		user    ident.UserID
		want    bool
	}{{other, "ann", false}, {one, "bob", false}, {one, "ann", true}, {one, "ann", false}} {
		if err := s.do(t, one, func(ctx context.Context, x tx.Tx) error {
			ok, err := s.Store.Reserve(ctx, x, step.account, i.Key(), step.user)
			if ok != step.want {
				t.Errorf("%+v: %v", step, ok)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	none(t, "another", s.accept(t, one, i.Hash, "bob"))
	if err := s.accept(t, one, i.Hash, "ann"); err != nil {
		t.Error(err)
	}
}

func forget(t *testing.T, s Stores) {
	open := s.insert(t, s.build(one, "open"))
	used := s.insert(t, s.build(one, "used"))
	if err := s.accept(t, one, used.Hash, "ann"); err != nil {
		t.Fatal(err)
	}
	elsewhere := s.insert(t, s.build(other, "open"))
	drop := func(who actor.Actor, want int64) {
		t.Helper()
		if err := s.do(t, one, func(ctx context.Context, x tx.Tx) error {
			n, err := s.Store.Forget(ctx, x, one, who)
			if n != want {
				t.Errorf("%v: %d, want %d", who, n, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	drop(actor.Actor{Kind: actor.ServiceClient, ID: "boss"}, 0)
	drop(actor.Actor{Kind: actor.User, ID: "boss"}, 1)
	_, err := s.get(t, one, open.Hash)
	none(t, "of who is gone", err)
	if _, err := s.get(t, one, used.Hash); err != nil {
		t.Error("an accepted one went with its inviter:", err)
	}
	drop(actor.Actor{Kind: actor.User, ID: "ann"}, 1)
	if _, err := s.get(t, other, elsewhere.Hash); err != nil {
		t.Error(err)
	}
}

func purge(t *testing.T, s Stores) {
	i := s.insert(t, s.build(one, "a"))
	for _, step := range []struct {
		before time.Time
		want   int64
	}{{i.ExpiresAt, 0}, {i.ExpiresAt.Add(time.Second), 1}} {
		if err := s.DB.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
			n, err := s.Store.Purge(ctx, x, step.before, 10)
			if n != step.want {
				t.Errorf("purged %d, want %d", n, step.want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Package logouttest owns the suite that every store of logouts must pass.
package logouttest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/logout"
)

type suite struct {
	*testing.T
	db    tx.Runner
	store logout.Store
	clk   *clock.Fake
}

// RunStore is the suite, on an empty store.
func RunStore(t *testing.T, db tx.Runner, store logout.Store, clk *clock.Fake) {
	s := suite{t, db, store, clk}
	s.parties()
	s.deliveries()
	s.race()
	s.fair()
	s.purge()
}

func (s suite) in(account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.In(account), fn); err != nil {
		s.Fatal(err)
	}
}

func (s suite) system(fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.System(), fn); err != nil {
		s.Fatal(err)
	}
}

func (s suite) join(p logout.Party) {
	s.Helper()
	s.in(p.Account, func(ctx context.Context, t tx.Tx) error { return s.store.Join(ctx, t, p) })
}

func party(account ident.AccountID, session, root ident.SessionID, client string, user ident.UserID) logout.Party {
	return logout.Party{Account: account, Session: session, Root: root, Client: client, User: user}
}

func (s suite) count(w logout.Whose) (n int) {
	s.Helper()
	s.in(w.Account, func(ctx context.Context, t tx.Tx) error {
		list, err := s.store.Parties(ctx, t, w, 100)
		n = len(list)
		return err
	})
	return n
}

func (s suite) leave(w logout.Whose, want int64) {
	s.Helper()
	s.in(w.Account, func(ctx context.Context, t tx.Tx) error {
		n, err := s.store.Leave(ctx, t, w)
		if n != want {
			s.Errorf("%+v: %d left, want %d", w, n, want)
		}
		return err
	})
}

// claim returns what is due, and by which it was claimed.
func (s suite) claim() (out map[string]logout.Delivery) {
	s.Helper()
	out = map[string]logout.Delivery{}
	s.system(func(ctx context.Context, t tx.Tx) error {
		due, err := s.store.Due(ctx, t)
		if err != nil {
			return err
		}
		var got []logout.Delivery
		for {
			some, err := s.store.Claim(ctx, t, t.Now().Add(time.Minute), 100)
			if err != nil {
				return err
			}
			if got = append(got, some...); len(some) == 0 {
				break
			}
		}
		if due != (len(got) > 0) {
			s.Errorf("due %v, claimed %d", due, len(got))
		}
		for _, d := range got {
			name := fmt.Sprint(d.Account, " ", d.Session, " ", d.Client)
			if _, taken := out[name]; taken {
				name += " again"
			}
			out[name] = d
		}
		return err
	})
	return out
}

func (s suite) parties() {
	for range 2 { // twice is once
		s.join(party("a", "s1", "r1", "app_1", "u1"))
	}
	s.join(party("a", "s2", "r1", "app_1", "u1"))
	s.join(party("a", "s1", "r1", "app_2", "u1"))
	s.join(party("a", "s3", "r3", "app_1", "u1"))
	s.join(party("a", "s4", "r4", "app_1", "u2"))
	s.join(party("b", "s1", "r1", "app_1", "u1"))
	for w, want := range map[logout.Whose]int{
		{Account: "a"}: 5, {Account: "a", Root: "r1"}: 3, {Account: "a", User: "u1"}: 4, {Account: "a", Client: "app_1"}: 4,
		{Account: "a", Root: "r1", Client: "app_2"}: 1, {Account: "a", Root: "none"}: 0, {Account: "b"}: 1,
	} {
		if got := s.count(w); got != want {
			s.Errorf("%+v: %d, want %d", w, got, want)
		}
	}
	s.leave(logout.Whose{Account: "a", Root: "r1"}, 3)
	s.leave(logout.Whose{Account: "a", Root: "r1"}, 0)
	if got := s.claim(); len(got) != 3 || got["a s1 app_1"].User != "u1" || got["a s2 app_1"].Root != "r1" || got["a s1 app_2"].Attempts != 1 {
		s.Errorf("%+v", got)
	}
	s.leave(logout.Whose{Account: "a", User: "u1"}, 1)
	s.join(party("a", "s1", "r1", "app_1", "u1")) // the same again, later
	s.leave(logout.Whose{Account: "a"}, 2)
	if s.count(logout.Whose{Account: "a"}) != 0 || s.count(logout.Whose{Account: "b"}) != 1 {
		s.Error("somebody stayed, or another account's left")
	}
	s.join(party("a", "s9", "r9", "app_gone", "u1"))
	s.join(party("a", "s8", "r8", "app_gone", "u1"))
	s.leave(logout.Whose{Account: "a", Root: "r8"}, 1)
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Forget(ctx, t, "a", "app_gone") })
	if got := s.claim(); len(got) != 3 || s.count(logout.Whose{Account: "a"}) != 0 {
		s.Errorf("%+v", got)
	}
}

func (s suite) deliveries() {
	s.clk.Advance(time.Hour)
	var one logout.Delivery
	for name, d := range s.claim() { // what was claimed and never settled comes again
		if d.Attempts != 2 || d.CreatedAt.IsZero() {
			s.Errorf("%s: %+v", name, d)
		}
		one = d
		s.in(d.Account, func(ctx context.Context, t tx.Tx) error { return s.store.Settle(ctx, t, d, time.Time{}, "") })
	}
	s.clk.Advance(time.Hour)
	if got := s.claim(); len(got) != 0 {
		s.Errorf("what is over comes again: %+v", got)
	}
	s.in(one.Account, func(ctx context.Context, t tx.Tx) error { // a late outcome changes nothing
		return s.store.Settle(ctx, t, one, t.Now(), "late")
	})
	if got := s.claim(); len(got) != 0 {
		s.Errorf("%+v", got)
	}
	s.join(party("a", "s5", "r5", "app_1", "u1"))
	s.leave(logout.Whose{Account: "a", Root: "r5"}, 1)
	for _, d := range s.claim() {
		s.in("a", func(ctx context.Context, t tx.Tx) error {
			return s.store.Settle(ctx, t, d, t.Now().Add(10*time.Minute), "down")
		})
	}
	s.clk.Advance(9 * time.Minute)
	if got := s.claim(); len(got) != 0 {
		s.Error("too early")
	}
	s.clk.Advance(2 * time.Minute)
	for _, d := range s.claim() {
		if d.Attempts != 2 {
			s.Errorf("%+v", d)
		}
		s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Settle(ctx, t, d, time.Time{}, "") })
	}
}

// race: many nodes at once claim each delivery once.
func (s suite) race() {
	for n := range 20 {
		s.join(party("a", ident.SessionID(fmt.Sprint("race", n)), "race", "app_1", "u1"))
	}
	s.leave(logout.Whose{Account: "a", Root: "race"}, 20)
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var got []logout.Delivery
			if err := s.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
				got, err = s.store.Claim(ctx, t, t.Now().Add(time.Minute), 5)
				return err
			}); err != nil {
				s.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range got {
				seen[d.ID]++
			}
		})
	}
	all.Wait()
	for id, n := range seen {
		if n != 1 {
			s.Errorf("%s was claimed %d times", id, n)
		}
	}
	s.clk.Advance(time.Hour)
	for _, d := range s.claim() {
		s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Settle(ctx, t, d, time.Time{}, "") })
	}
}

// fair: the many deliveries to one client do not keep those to others from being claimed.
func (s suite) fair() {
	for n := range 20 {
		s.join(party("a", ident.SessionID(fmt.Sprint("many", n)), "many", "slow", "u1"))
	}
	s.leave(logout.Whose{Account: "a", Root: "many"}, 20)
	s.clk.Advance(time.Minute)
	s.join(party("a", "last", "last", "app_1", "u1"))
	s.leave(logout.Whose{Account: "a", Root: "last"}, 1)
	s.join(party("b", "last", "last", "slow", "u1"))
	s.leave(logout.Whose{Account: "b", Root: "last"}, 1)
	s.system(func(ctx context.Context, t tx.Tx) error {
		got, err := s.store.Claim(ctx, t, t.Now().Add(time.Minute), 10)
		count := map[string]int{}
		for _, d := range got {
			count[string(d.Account)+" "+d.Client]++
		}
		if slow := count["a slow"]; slow == 0 || slow > 5 || count["a app_1"] != 1 || count["b slow"] != 1 {
			s.Error("claimed:", count)
		}
		return err
	})
	s.clk.Advance(time.Hour)
	for _, d := range s.claim() {
		s.in(d.Account, func(ctx context.Context, t tx.Tx) error { return s.store.Settle(ctx, t, d, time.Time{}, "") })
	}
}

func (s suite) purge() {
	s.system(func(ctx context.Context, t tx.Tx) error {
		n, err := s.store.Purge(ctx, t, t.Now().Add(time.Second), t.Now().Add(time.Second), 1000)
		if n < 49 {
			s.Errorf("purged %d", n)
		}
		return err
	})
	if s.count(logout.Whose{Account: "b"}) != 0 {
		s.Error("an old party stays")
	}
}

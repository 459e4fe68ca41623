// Package authorizetest owns the suite that every store of authorization requests must pass.
package authorizetest

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/authorize"
)

type suite struct {
	*testing.T
	db    tx.Runner
	store authorize.Store
	clk   *clock.Fake
}

// RunStore is the suite, on an empty store.
func RunStore(t *testing.T, db tx.Runner, store authorize.Store, clk *clock.Fake) {
	s := suite{t, db, store, clk}
	s.requests()
	s.pushed()
	s.races()
	s.purge()
}

func (s suite) in(account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.In(account), fn); err != nil {
		s.Fatal(err)
	}
}

// none wants a fault of kind NotFound.
func (s suite) none(what string, fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.System(), fn); !fault.Is(err, fault.NotFound) {
		s.Errorf("%s: %v; want none", what, err)
	}
}

var browser, other = []byte("browser-1"), []byte("browser-2")

func (s suite) request(id string) authorize.Request {
	now := s.clk.Now().UTC().Truncate(time.Microsecond)
	return authorize.Request{
		Account: "a", ID: id, Client: "app_1", Params: url.Values{"scope": {"openid"}, "resource": {"https://x.example/1", "https://x.example/2"}},
		Pushed: true, Signed: true, Extension: true, Browser: browser, Login: "login_1", CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

func (s suite) requests() {
	r := s.request("r1")
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		if err := s.store.Insert(ctx, t, r); err != nil {
			return err
		}
		got, err := s.store.Get(ctx, t, "a", "r1", browser)
		if diff := cmp.Diff(r, got); diff != "" {
			s.Error(diff)
		}
		return err
	})
	for what, k := range map[string]struct {
		account ident.AccountID
		id      string
		browser []byte
	}{"another account": {"b", "r1", browser}, "another request": {"a", "r2", browser}, "another browser": {"a", "r1", other}, "no browser": {"a", "r1", []byte{}}} {
		wrong := r
		wrong.Account, wrong.ID, wrong.Browser, wrong.User = k.account, k.id, k.browser, "u1"
		s.none(what+" gets", func(ctx context.Context, t tx.Tx) error {
			_, err := s.store.Get(ctx, t, k.account, k.id, k.browser)
			return err
		})
		s.none(what+" awaits", func(ctx context.Context, t tx.Tx) error { return s.store.Await(ctx, t, wrong) })
		s.none(what+" decides", func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, wrong) })
		s.none(what+" takes", func(ctx context.Context, t tx.Tx) error { return s.store.Take(ctx, t, k.account, k.id, k.browser) })
	}
	r.Decision = authorize.Allowed
	s.none("nobody was asked", func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, r) })
	r.User, r.Login = "u1", "login_2"
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Await(ctx, t, r) })
	stranger := r
	stranger.User = "u2"
	s.none("another person decides", func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, stranger) })
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, r) })
	denied := r
	denied.Decision = authorize.Denied
	s.none("a second decision", func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, denied) })
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		got, err := s.store.Get(ctx, t, "a", "r1", browser)
		if diff := cmp.Diff(r, got); diff != "" {
			s.Error(diff)
		}
		return err
	})
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Take(ctx, t, "a", "r1", browser) })
	s.none("a second use", func(ctx context.Context, t tx.Tx) error { return s.store.Take(ctx, t, "a", "r1", browser) })

	late := s.request("late")
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Insert(ctx, t, late) })
	s.clk.Advance(time.Hour)
	s.none("too late", func(ctx context.Context, t tx.Tx) error { return s.store.Take(ctx, t, "a", "late", browser) })
}

func (s suite) pushed() {
	p := authorize.Pushed{
		Account: "a", Hash: []byte("h1"), Client: "app_1", Params: url.Values{"scope": {"openid"}}, Signed: true,
		ExpiresAt: s.clk.Now().UTC().Truncate(time.Microsecond).Add(90 * time.Second),
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.InsertPushed(ctx, t, p) })
	take := func(account ident.AccountID, client, hash string) func(context.Context, tx.Tx) error {
		return func(ctx context.Context, t tx.Tx) error {
			got, err := s.store.TakePushed(ctx, t, account, client, []byte(hash))
			if err == nil {
				if diff := cmp.Diff(p, got); diff != "" {
					s.Error(diff)
				}
			}
			return err
		}
	}
	s.none("another account", take("b", "app_1", "h1"))
	s.none("another client", take("a", "app_2", "h1"))
	s.none("another request", take("a", "app_1", "h2"))
	s.in("a", take("a", "app_1", "h1"))
	s.none("a second use", take("a", "app_1", "h1"))
	p.ExpiresAt = s.clk.Now().UTC().Truncate(time.Microsecond).Add(90 * time.Second)
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.InsertPushed(ctx, t, p) })
	s.clk.Advance(90 * time.Second)
	s.none("too late", take("a", "app_1", "h1"))
}

// races wants exactly one of many who use the same thing at once.
func (s suite) races() {
	r, p := s.request("race"), authorize.Pushed{Account: "a", Hash: []byte("race"), Client: "app_1", ExpiresAt: s.clk.Now().Add(time.Minute)}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		if err := s.store.Insert(ctx, t, r); err != nil {
			return err
		}
		return s.store.InsertPushed(ctx, t, p)
	})
	for what, use := range map[string]func(context.Context, tx.Tx) error{
		"request": func(ctx context.Context, t tx.Tx) error { return s.store.Take(ctx, t, "a", "race", browser) },
		"pushed": func(ctx context.Context, t tx.Tx) error {
			_, err := s.store.TakePushed(ctx, t, "a", "app_1", []byte("race"))
			return err
		},
	} {
		var won atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if s.db.Write(context.Background(), tx.In("a"), use) == nil {
					won.Add(1)
				}
			})
		}
		if all.Wait(); won.Load() != 1 {
			s.Errorf("%s: %d uses; want 1", what, won.Load())
		}
	}
}

func (s suite) purge() {
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Insert(ctx, t, s.request("old")) })
	s.clk.Advance(2 * time.Hour)
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.Insert(ctx, t, s.request("new")) })
	var n int64
	err := s.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
		n, err = s.store.Purge(ctx, t, t.Now(), 100)
		return err
	})
	if err != nil || n != 3 { // old, late, and the pushed one that came too late
		s.Errorf("%d purged, %v", n, err)
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		_, err := s.store.Get(ctx, t, "a", "new", browser)
		return err
	})
}

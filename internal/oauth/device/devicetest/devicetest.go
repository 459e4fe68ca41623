// Package devicetest owns the suite that every store of device authorizations must pass.
package devicetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/device"
)

type suite struct {
	*testing.T
	db    tx.Runner
	store device.Store
	clk   *clock.Fake
}

// RunStore is the suite, on an empty store.
func RunStore(t *testing.T, db tx.Runner, store device.Store, clk *clock.Fake) {
	s := suite{t, db, store, clk}
	s.life()
	s.poll()
	s.bindings()
	s.bounds()
	s.ends()
}

func (s suite) in(account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.In(account), fn); err != nil {
		s.Fatal(err)
	}
}

func (s suite) made(id string) (device.Authorization, device.Codes) {
	return device.Authorization{
		Account: "a", ID: id, Client: "app_tv", State: device.Waiting, Scopes: []string{"openid"}, Resources: []string{"https://api"},
		Details: json.RawMessage(`[{"type":"x"}]`), Sealed: []byte{1}, Interval: device.Interval, CreatedAt: s.clk.Now(), ExpiresAt: s.clk.Now().Add(device.Life),
	}, device.Codes{Device: []byte("d" + id), User: []byte("u" + id)}
}

func (s suite) insert(a device.Authorization, c device.Codes, most int) (added bool) {
	s.Helper()
	s.in(a.Account, func(ctx context.Context, t tx.Tx) (err error) {
		added, err = s.store.Insert(ctx, t, a, c, most)
		return err
	})
	return added
}

func (s suite) decide(a device.Authorization) {
	s.Helper()
	s.in(a.Account, func(ctx context.Context, t tx.Tx) error { return s.store.Decide(ctx, t, a) })
}

func (s suite) take(b device.Bindings) (got device.Authorization, ok bool) {
	s.Helper()
	s.in(b.Account, func(ctx context.Context, t tx.Tx) (err error) {
		got, err = s.store.Take(ctx, t, b)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		ok = err == nil
		return err
	})
	return got, ok
}

func approved(a device.Authorization) device.Authorization {
	a.State = device.Approved
	a.Allowed = &oauth.Authorization{
		Grant: "gra_1", Account: a.Account, Client: a.Client, User: "u1", Session: "ses_1", Root: "ses_0", Scopes: a.Scopes, Details: a.Details,
		AuthTime: time.Date(2026, 3, 3, 11, 0, 0, 0, time.UTC), AMR: []string{"email"}, ACR: "urn:admit:aal1",
	}
	return a
}

func (s suite) life() {
	a, c := s.made("life")
	if !s.insert(a, c, 10) {
		s.Fatal("not added")
	}
	again := a
	again.ID = "other"
	if s.insert(again, device.Codes{Device: []byte("other"), User: c.User}, 10) {
		s.Error("two wait with the same user code")
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		for name, get := range map[string]func() (device.Authorization, error){
			"id":   func() (device.Authorization, error) { return s.store.Get(ctx, t, "a", "life") },
			"code": func() (device.Authorization, error) { return s.store.ByUserCode(ctx, t, "a", c.User) },
		} {
			got, err := get()
			if diff := cmp.Diff(a, got); err != nil || diff != "" {
				s.Error(name, err, diff)
			}
		}
		if _, err := s.store.ByUserCode(ctx, t, "a", []byte("none")); !fault.Is(err, fault.NotFound) {
			s.Error(err)
		}
		return nil
	})
	s.in("b", func(ctx context.Context, t tx.Tx) error {
		if _, err := s.store.ByUserCode(ctx, t, "b", c.User); !fault.Is(err, fault.NotFound) {
			s.Error("another account's", err)
		}
		return nil
	})
	b := device.Bindings{Account: "a", Client: "app_tv", Device: c.Device}
	if _, ok := s.take(b); ok {
		s.Error("taken before it was approved")
	}
	s.decide(approved(a))
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		if err := s.store.Decide(ctx, t, approved(a)); !fault.Is(err, fault.NotFound) {
			s.Error("decided twice", err)
		}
		if _, err := s.store.ByUserCode(ctx, t, "a", c.User); !fault.Is(err, fault.NotFound) {
			s.Error("a decided one is still found", err)
		}
		return nil
	})
	got, ok := s.take(b)
	want := approved(a)
	want.State = device.Used
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		s.Error(ok, diff)
	}
	if _, ok := s.take(b); ok {
		s.Error("taken twice")
	}
}

func (s suite) poll() {
	a, c := s.made("poll")
	s.insert(a, c, 10)
	b := device.Bindings{Account: "a", Client: "app_tv", Device: c.Device}
	for i, step := range []struct {
		after time.Duration
		early bool
		wait  time.Duration
	}{
		{0, false, 5 * time.Second}, {4 * time.Second, true, 10 * time.Second}, {9 * time.Second, true, 15 * time.Second}, {15 * time.Second, false, 15 * time.Second},
	} {
		s.clk.Advance(step.after)
		s.in("a", func(ctx context.Context, t tx.Tx) error {
			got, early, err := s.store.Poll(ctx, t, b, device.Interval)
			if early != step.early || got.Interval != step.wait || got.State != device.Waiting {
				s.Errorf("%d: %v %v", i, early, got.Interval)
			}
			return err
		})
	}
}

func (s suite) bindings() {
	a, c := s.made("bound")
	a.JKT, a.X5T, a.Challenge = "jkt", "x5t", "challenge"
	s.insert(a, c, 10)
	s.decide(approved(a))
	right := device.Bindings{Account: "a", Client: "app_tv", Device: c.Device, JKT: "jkt", X5T: "x5t", Challenge: "challenge"}
	for name, change := range map[string]func(*device.Bindings){
		"account": func(b *device.Bindings) { b.Account = "b" }, "client": func(b *device.Bindings) { b.Client = "app_x" },
		"code": func(b *device.Bindings) { b.Device = []byte("x") }, "key": func(b *device.Bindings) { b.JKT = "" },
		"certificate": func(b *device.Bindings) { b.X5T = "y" }, "verifier": func(b *device.Bindings) { b.Challenge = "" },
	} {
		b := right
		change(&b)
		if _, ok := s.take(b); ok {
			s.Errorf("taken with another %s", name)
		}
		s.in(b.Account, func(ctx context.Context, t tx.Tx) error {
			if _, _, err := s.store.Poll(ctx, t, b, device.Interval); !fault.Is(err, fault.NotFound) {
				s.Errorf("polled with another %s: %v", name, err)
			}
			return nil
		})
	}
	if _, ok := s.take(right); !ok {
		s.Error("the right one is refused")
	}
	free, codes := s.made("free")
	s.insert(free, codes, 10)
	s.decide(approved(free))
	b := device.Bindings{Account: "a", Client: "app_tv", Device: codes.Device, JKT: "any", X5T: "any", Challenge: "unasked"}
	if _, ok := s.take(b); ok {
		s.Error("a verifier that nobody asked for is taken")
	}
	b.Challenge = ""
	if _, ok := s.take(b); !ok {
		s.Error("a key at the token endpoint is refused")
	}
}

func (s suite) bounds() {
	s.clk.Advance(device.Life)
	for n := range 4 {
		a, c := s.made(fmt.Sprint("many", n))
		a.Client = "app_many"
		if got := s.insert(a, c, 3); got != (n < 3) {
			s.Errorf("%d: %v", n, got)
		}
	}
	a, c := s.made("late")
	s.insert(a, c, 10)
	s.decide(approved(a))
	s.clk.Advance(device.Life)
	if _, ok := s.take(device.Bindings{Account: "a", Client: "app_tv", Device: c.Device}); ok {
		s.Error("taken after its time")
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		if _, err := s.store.Get(ctx, t, "a", "late"); !fault.Is(err, fault.NotFound) {
			s.Error(err)
		}
		return nil
	})
}

func (s suite) ends() {
	keep, kc := s.made("keep")
	s.insert(keep, kc, 10)
	mine, mc := s.made("mine")
	s.insert(mine, mc, 10)
	s.decide(approved(mine))
	other, oc := s.made("other-client")
	other.Client = "app_other"
	s.insert(other, oc, 10)
	there := func(id string) (ok bool) {
		s.in("a", func(ctx context.Context, t tx.Tx) error {
			_, err := s.store.Get(ctx, t, "a", id)
			ok = err == nil
			return nil
		})
		return ok
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.DeleteUser(ctx, t, "a", "u1") })
	if there("mine") || !there("keep") {
		s.Error("the end of a person")
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.DeleteClient(ctx, t, "a", "app_other") })
	if there("other-client") || !there("keep") {
		s.Error("the end of a client")
	}
	s.in("b", func(ctx context.Context, t tx.Tx) error { return s.store.DeleteClient(ctx, t, "b", "") })
	if !there("keep") {
		s.Error("another account's end")
	}
	if err := s.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err := s.store.Purge(ctx, t, s.clk.Now(), 100)
		if n == 0 {
			s.Error("nothing was purged")
		}
		return err
	}); err != nil || !there("keep") {
		s.Error("purged too much", err)
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error { return s.store.DeleteClient(ctx, t, "a", "") })
	if there("keep") {
		s.Error("the end of an account")
	}
}

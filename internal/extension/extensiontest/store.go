// Package extensiontest owns the suite that every store of extensions must pass.
package extensiontest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

const account ident.AccountID = "acc_a"

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store extension.Store, clk *clock.Fake) {
	in := func(account ident.AccountID, fn func(ctx context.Context, x tx.Tx) error) {
		t.Helper()
		if err := db.Write(t.Context(), tx.In(account), fn); err != nil {
			t.Fatal(err)
		}
	}
	e := extension.Extension{Account: account, ID: "ext_1", Name: "One", Tags: map[string]string{"a": "b"}, Application: "app_1", Client: "sc_1", CreatedAt: clk.Now(), UpdatedAt: clk.Now()}
	in(account, func(ctx context.Context, x tx.Tx) error { return store.Insert(ctx, x, e) })
	clk.Advance(time.Second)
	in(account, func(ctx context.Context, x tx.Tx) error {
		got, err := store.Get(ctx, x, account, e.ID)
		if err != nil || !cmp.Equal(got, e) {
			t.Error(err, cmp.Diff(got, e))
		}
		changed := e
		changed.Name, changed.Tags, changed.UpdatedAt, changed.Application = "Two", nil, clk.Now(), "app_other"
		if ok, err := store.Update(ctx, x, changed); !ok || err != nil {
			t.Error(ok, err)
		}
		changed.Application = e.Application // what ties the parts never changes
		if got, err = store.Get(ctx, x, account, e.ID); err != nil || !cmp.Equal(got, changed) {
			t.Error(err, cmp.Diff(got, changed))
		}
		return nil
	})
	in("acc_b", func(ctx context.Context, x tx.Tx) error {
		_, err := store.Get(ctx, x, "acc_b", e.ID)
		foreign := e
		foreign.Account = "acc_b"
		updated, err2 := store.Update(ctx, x, foreign)
		removed, err3 := store.Remove(ctx, x, "acc_b", e.ID)
		if !fault.Is(err, fault.NotFound) || updated || removed {
			t.Error("another account reaches it", err, updated, removed)
		}
		return errors.Join(err2, err3)
	})
	in(account, func(ctx context.Context, x tx.Tx) error {
		for want, id := range []extension.ID{"ext_none", "ext_1"} {
			if ok, err := store.Remove(ctx, x, account, id); ok != (want == 1) || err != nil {
				t.Error(id, ok, err)
			}
		}
		ok, err := store.Remove(ctx, x, account, "ext_1")
		updated, err2 := store.Update(ctx, x, e)
		_, err3 := store.Get(ctx, x, account, "ext_1")
		list, err4 := store.List(ctx, x, account, extension.Query{Limit: 9})
		if ok || updated || !fault.Is(err3, fault.NotFound) || len(list) != 0 {
			t.Error("it is there after its removal", ok, updated, err3, list)
		}
		return errors.Join(err, err2, err4)
	})
}

// Stores are those of an extension and its parts.
type Stores struct {
	Extensions   extension.Store
	Applications application.Store
	Clients      serviceclient.Store
	Keys         serviceclient.KeyStore
}

// RunService runs the verbs over real features on an empty database.
func RunService(t *testing.T, db tx.Runner, x Stores) {
	apps, clients := application.New(db, x.Applications), serviceclient.New(db, x.Clients, x.Keys)
	s := extension.New(extension.Deps{DB: db, Store: x.Extensions,
		Applications: func(r tx.Runner) extension.Applications { return application.New(r, x.Applications) },
		Clients:      func(r tx.Runner) extension.Clients { return serviceclient.New(r, x.Clients, x.Keys) },
	})
	by, ctx := actor.ForOperator(account), t.Context()
	yes := func(_, after application.Application) (application.Application, error) { return after, nil }
	refused := errors.New("no")
	no := func(_, after application.Application) (application.Application, error) { return after, refused }
	in := extension.Extension{Name: "Shop", Tags: map[string]string{"k": "v"}, RedirectURLs: []string{"https://shop.example/cb"},
		RateLimits: []serviceclient.RateLimit{{Duration: "PT1H", Quota: 1000}}}

	e, err := s.Create(ctx, by, in, yes)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(ctx, account, e.ID); err != nil || !cmp.Equal(got, e) || !cmp.Equal(got.RedirectURLs, in.RedirectURLs) || !cmp.Equal(got.RateLimits, in.RateLimits) {
		t.Fatal(err, cmp.Diff(got, e))
	}
	powerful, err := clients.Get(ctx, account, e.Client)
	if err != nil {
		t.Fatal(err)
	}
	powerful.Options.GrantTokenGeneration = true
	if _, err := clients.Update(ctx, by, powerful, func(serviceclient.Options, serviceclient.Options) error { return nil }); err != nil {
		t.Fatal(err)
	}

	// What fails leaves nothing behind.
	for name, change := range map[string]func(*extension.Extension){
		"no name": func(e *extension.Extension) { e.Name = "" }, "bad URL": func(e *extension.Extension) { e.RedirectURLs = []string{"https://*.example"} },
		"bad limit": func(e *extension.Extension) { e.RateLimits = []serviceclient.RateLimit{{Duration: "PT1H", Quota: 7}} },
		"bad tag":   func(e *extension.Extension) { e.Tags = map[string]string{"": "x"} },
	} {
		bad := in
		change(&bad)
		if _, err := s.Create(ctx, by, bad, yes); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		bad.ID = e.ID
		if _, err := s.Update(ctx, by, bad, yes); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	changed := extension.Extension{ID: e.ID, Name: "Shop 2", RedirectURLs: []string{"https://evil.example/cb"}}
	if _, err := s.Create(ctx, by, in, no); !errors.Is(err, refused) {
		t.Error(err)
	}
	if _, err := s.Update(ctx, by, changed, no); !errors.Is(err, refused) {
		t.Error(err)
	}
	if got, err := s.Get(ctx, account, e.ID); err != nil || !cmp.Equal(got, e) {
		t.Error("a refused change changed something:", err, cmp.Diff(got, e))
	}
	if all, _, err := apps.List(ctx, account, application.Query{}); err != nil || len(all) != 1 {
		t.Errorf("%d applications, %v", len(all), err)
	}
	if all, _, err := clients.List(ctx, account, serviceclient.Query{}); err != nil || len(all) != 1 {
		t.Errorf("%d clients, %v", len(all), err)
	}

	if got, err := s.Update(ctx, by, changed, yes); err != nil || got.Name != "Shop 2" || got.RedirectURLs[0] != "https://evil.example/cb" || len(got.RateLimits) != 0 || got.Client != e.Client {
		t.Errorf("%+v, %v", got, err)
	}
	if c, err := clients.Get(ctx, account, e.Client); err != nil || !c.Options.GrantTokenGeneration || c.Name != "Shop 2" {
		t.Errorf("the client's powers changed: %+v, %v", c, err)
	}
	if _, err := s.Update(ctx, actor.ForOperator("acc_b"), changed, yes); !fault.Is(err, fault.NotFound) {
		t.Error("another account changes it:", err)
	}
	if err := s.Delete(ctx, actor.ForOperator("acc_b"), e.ID); !fault.Is(err, fault.NotFound) {
		t.Error("another account deletes it:", err)
	}
	if err := s.Delete(ctx, by, e.ID); err != nil {
		t.Fatal(err)
	}
	_, err1 := apps.Get(ctx, account, e.Application)
	_, err2 := clients.Get(ctx, account, e.Client)
	if err := s.Delete(ctx, by, e.ID); !fault.Is(err, fault.NotFound) || !fault.Is(err1, fault.NotFound) || !fault.Is(err2, fault.NotFound) {
		t.Error("something is left:", err, err1, err2)
	}
	runPages(t, s, apps, yes)
}

// runPages lists many, one of which has lost a part.
func runPages(t *testing.T, s *extension.Service, apps *application.Service, yes extension.Judge) {
	by := actor.ForOperator("acc_pages")
	for n := range 25 {
		e, err := s.Create(t.Context(), by, extension.Extension{Name: fmt.Sprint("N", n)}, yes)
		if err != nil {
			t.Fatal(err)
		}
		if n == 3 {
			if err := apps.Delete(t.Context(), by, e.Application); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[extension.ID]bool{}
	for q := (extension.Query{}); ; {
		page, next, err := s.List(t.Context(), "acc_pages", q)
		if err != nil || len(page) > extension.MaxLimit {
			t.Fatal(len(page), err)
		}
		for _, e := range page {
			seen[e.ID] = true
		}
		if q.After = next; next == "" {
			break
		}
	}
	if len(seen) != 25 {
		t.Error(len(seen))
	}
	for id := range seen {
		if err := s.Delete(t.Context(), by, id); err != nil {
			t.Error(err)
		}
	}
}

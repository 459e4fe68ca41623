package application_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type fixture struct {
	*application.Service
	db        *sqldb.DB
	clock     *clock.Fake
	directory *application.Directory
	mu        sync.Mutex
	events    []string
}

// start gives a service with a directory that follows it, as a node has it.
func start(t *testing.T) *fixture {
	f := &fixture{}
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, e.Type+" "+e.Target)
		return nil
	})
	f.db, f.clock = sqldbtest.SQLite(t, applicationdb.Migrations(), bus)
	f.Service = application.New(f.db, applicationdb.Store{})
	f.directory = application.NewDirectory(applicationdb.Store{})
	follower := feed.NewFollower(f.db, f.db, time.Minute)
	follower.Subscribe(f.directory, application.ChangeKind)
	ctx, stop := context.WithCancel(t.Context())
	if err := follower.Start(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	f.db.Follow(follower.WaitFor)
	return f
}

var admin = actor.ForOperator("acc_a")

func TestAChangeIsInTheDirectoryWhenItIsAnswered(t *testing.T) {
	f := start(t)
	a, err := f.Create(t.Context(), admin, application.Application{Name: "Shop", RedirectURLs: []string{"https://shop.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := f.directory.Get("acc_a", a.ID)
	if !ok || !got.AllowsRedirect("https://shop.example/cb") || got.RedirectMode != application.Exact {
		t.Fatalf("%+v %v", got, ok)
	}
	if _, ok := f.directory.Get("acc_b", a.ID); ok {
		t.Error("another account sees it")
	}
	if !f.directory.OriginAllowed("acc_a", "https://shop.example") || f.directory.OriginAllowed("acc_b", "https://shop.example") {
		t.Error("the origin belongs to this account only")
	}
	for _, origin := range []string{"https://shop.example/", "https://shop.example:443", "HTTPS://shop.example", "null", "", "https://a.shop.example", "http://shop.example"} {
		if f.directory.OriginAllowed("acc_a", origin) {
			t.Errorf("origin %q is allowed", origin)
		}
	}
	a.RedirectURLs = []string{"https://new.example/cb"}
	if _, err := f.Update(t.Context(), admin, a.ID, func(application.Application) (application.Application, error) { return a, nil }); err != nil {
		t.Fatal(err)
	}
	if f.directory.OriginAllowed("acc_a", "https://shop.example") || !f.directory.OriginAllowed("acc_a", "https://new.example") {
		t.Error("the directory is behind an update")
	}
	if err := f.Delete(t.Context(), admin, a.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.directory.Get("acc_a", a.ID); ok || f.directory.OriginAllowed("acc_a", "https://new.example") {
		t.Error("the directory still has a deleted application")
	}
	want := []string{"application.created ", "application.updated ", "application.deleted "}
	for i, w := range want {
		if i >= len(f.events) || f.events[i] != w+string(a.ID) {
			t.Fatalf("events %v", f.events)
		}
	}
}

func TestErrors(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	for _, c := range []struct {
		name string
		kind fault.Kind
		do   func() error
	}{
		{"a wildcard", fault.Invalid, func() error {
			_, err := f.Create(ctx, admin, application.Application{Name: "x", RedirectURLs: []string{"https://*.example/"}})
			return err
		}},
		{"update of nothing", fault.NotFound, func() error {
			_, err := f.Update(ctx, admin, "app_none", func(a application.Application) (application.Application, error) { return a, nil })
			return err
		}},
		{"delete of nothing", fault.NotFound, func() error { return f.Delete(ctx, admin, "app_none") }},
		{"delete of the default", fault.Conflict, func() error { return f.Delete(ctx, admin, ident.DefaultApplication) }},
		{"a long filter", fault.Invalid, func() error {
			_, _, err := f.List(ctx, "acc_a", application.Query{Filter: string(make([]byte, 65))})
			return err
		}},
	} {
		if err := c.do(); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := f.Create(ctx, admin, application.Application{ID: "app_one", Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Create(ctx, admin, application.Application{ID: "app_one", Name: "x"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same id twice: %v", err)
	}
}

func TestTheDefaultApplication(t *testing.T) {
	f := start(t)
	for range 2 { // the second time it does nothing
		err := f.db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
			return f.CreateDefault(ctx, x, "acc_a")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, ok := f.directory.Get("acc_a", ident.DefaultApplication)
	if !ok || a.AllowLoopbackTokens || a.RedirectMode != application.Exact || len(a.RedirectURLs) != 0 {
		t.Fatalf("%+v %v", a, ok)
	}
	for range 2 {
		if err := f.AllowDevelopment(t.Context(), "acc_a", "http://localhost:3000", "http://127.0.0.1:3000"); err != nil {
			t.Fatal(err)
		}
	}
	a, _ = f.directory.Get("acc_a", ident.DefaultApplication)
	if !a.AllowLoopbackTokens || !a.AllowsRedirect("http://localhost:3000/page?x=1") || a.AllowsRedirect("http://localhost:3001/") {
		t.Fatalf("%+v", a)
	}
	if err := f.AllowDevelopment(t.Context(), "acc_a", "http://localhost.evil.example"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a host that is not loopback: %v", err)
	}
	if len(f.events) != 2 {
		t.Errorf("events %v: repeating must write nothing", f.events)
	}
}

func TestPages(t *testing.T) {
	f := start(t)
	for _, id := range []ident.ApplicationID{"app_c", "app_a", "app_b"} {
		if _, err := f.Create(t.Context(), admin, application.Application{ID: id, Name: "n " + string(id)}); err != nil {
			t.Fatal(err)
		}
	}
	var seen []ident.ApplicationID
	var after ident.ApplicationID
	for {
		page, next, err := f.List(t.Context(), "acc_a", application.Query{Limit: 2, After: after, Filter: "N APP"})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			seen = append(seen, a.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if len(seen) != 3 || seen[0] != "app_a" || seen[2] != "app_c" {
		t.Fatal(seen)
	}
}

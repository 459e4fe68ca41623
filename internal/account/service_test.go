package account_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/account/accountdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type fixture struct {
	*account.Service
	*account.Directory
	mu     sync.Mutex
	events []event.Event
}

func (f *fixture) Get(t *testing.T, id ident.AccountID) account.Account {
	a, err := f.Service.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func start(t *testing.T, publicURL string) *fixture {
	f := &fixture{}
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, e)
		return nil
	})
	db, _ := sqldbtest.SQLite(t, accountdb.Migrations(), bus)
	public, err := account.ParsePublicURL(publicURL)
	if err != nil {
		t.Fatal(err)
	}
	f.Service = account.New(account.Deps{DB: db, Store: accountdb.Store{}, Hosts: accountdb.Store{}, PublicURL: public})
	f.Directory = account.NewDirectory(accountdb.Store{}, public)
	follower := feed.NewFollower(db, db, time.Minute)
	follower.Subscribe(f.Directory, account.ChangeKind)
	ctx, stop := context.WithCancel(t.Context())
	if err := follower.Start(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	db.Follow(follower.WaitFor)
	return f
}

var operator = actor.ForOperator("")

func TestTheDefaultAccount(t *testing.T) {
	f := start(t, "http://localhost:8080")
	if _, ok := f.ByHost("localhost:8080"); ok {
		t.Fatal("there is no account yet")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := f.CreateDefault(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(f.events) != 1 || f.events[0].Type != account.EventCreated || f.events[0].Account != ident.DefaultAccount {
		t.Fatalf("%+v", f.events)
	}
	for _, h := range []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080"} {
		if a, ok := f.ByHost(h); !ok || a.ID != ident.DefaultAccount {
			t.Errorf("%s: %v %v", h, a.ID, ok)
		}
	}
	for _, h := range []string{
		"", "localhost", "localhost:8081", "LOCALHOST:8080", "localhost.:8080", "127.0.0.2:8080", "::1:8080", "localhost:08080", "default", "public",
		"acc_default", "localhost:8080 ", "localhost:8080\x00", "localhost:8080,evil.example", "evil.example:8080", "evil.localhost:8080", "127.1:8080",
	} {
		if a, ok := f.ByHost(h); ok {
			t.Errorf("%q means %s", h, a.ID)
		}
	}
	if f.Issuer(ident.DefaultAccount) != "http://localhost:8080" || f.Issuer("acc_none") != "" {
		t.Error("issuer")
	}
}

func TestLoopbackMeansNothingBehindARealName(t *testing.T) {
	f := start(t, "https://login.example.com")
	if err := f.CreateDefault(t.Context()); err != nil {
		t.Fatal(err)
	}
	for h, want := range map[string]bool{
		"login.example.com": true, "localhost": false, "127.0.0.1": false, "[::1]": false, "login.example.com:443": false, "Login.example.com": false,
		"login.example.com.": false, "a.login.example.com": false, "example.com": false,
	} {
		if _, ok := f.ByHost(h); ok != want {
			t.Errorf("%s: %v", h, ok)
		}
	}
}

func TestCustomDomainsOfAccounts(t *testing.T) {
	f := start(t, "https://login.example.com")
	ctx := t.Context()
	if err := f.CreateDefault(ctx); err != nil {
		t.Fatal(err)
	}
	b, err := f.Create(ctx, operator, "B", "login.b.example")
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := f.ByHost("login.b.example"); !ok || a.ID != b.ID || a.Name != "B" {
		t.Fatalf("%+v %v", a, ok)
	}
	if f.Issuer(b.ID) != "https://login.b.example" {
		t.Error(f.Issuer(b.ID))
	}
	for issuer, want := range map[string]ident.AccountID{"https://login.b.example": b.ID, "https://login.example.com": ident.DefaultAccount, "https://login.b.example/": "", "": "", "http://login.b.example": ""} {
		if id, ok := f.AccountOf(issuer); id != want || ok != (want != "") {
			t.Errorf("%q: %s", issuer, id)
		}
	}
	if _, err := f.Create(ctx, operator, "C", "login.b.example"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a domain twice: %v", err)
	}
	if all, err := f.List(ctx); err != nil || len(all) != 2 {
		t.Errorf("a failed Create left %d accounts (%v)", len(all), err)
	}
	for host, kind := range map[string]fault.Kind{"login.example.com": fault.Conflict, "login.b.example": fault.Conflict, "LOGIN.c.example": fault.Invalid, "localhost": fault.Invalid} {
		if err := f.AddHost(ctx, operator, ident.DefaultAccount, host); !fault.Is(err, kind) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := f.AddHost(ctx, operator, b.ID, "id.b.example"); err != nil {
		t.Fatal(err)
	}
	if err := f.RemoveHost(ctx, operator, b.ID, "login.b.example"); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.ByHost("login.b.example"); ok {
		t.Error("a removed domain still answers")
	}
	if a, ok := f.ByHost("id.b.example"); !ok || a.ID != b.ID || f.Issuer(b.ID) != "https://id.b.example" {
		t.Error("the second domain must take over")
	}
	last := f.events[len(f.events)-1]
	if last.Type != account.EventHostRemoved || last.Account != b.ID || last.Detail["host"] != "login.b.example" {
		t.Errorf("%+v", last)
	}
}

func TestUpdate(t *testing.T) {
	f := start(t, "https://login.example.com")
	if err := f.CreateDefault(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := f.Get(t, ident.DefaultAccount)
	a.Name, a.AccentColor, a.Hosts = "Acme", "#aa0000", []string{"evil.example"}
	if _, err := f.Update(t.Context(), operator, a); err != nil {
		t.Fatal(err)
	}
	got, _ := f.ByHost("login.example.com")
	if got.Name != "Acme" || got.AccentColor != "#aa0000" || len(got.Hosts) != 0 {
		t.Fatalf("%+v: an update must not touch hosts", got)
	}
	a.AccentColor = "red"
	if _, err := f.Update(t.Context(), operator, a); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	a.AccentColor, a.ID = "", "acc_none"
	if _, err := f.Update(t.Context(), operator, a); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

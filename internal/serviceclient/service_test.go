package serviceclient_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
)

type fixture struct {
	*serviceclient.Service
	*serviceclient.Directory
	other  *serviceclient.Directory // of a second node on the same database
	mu     sync.Mutex
	events []event.Event
}

func node(t *testing.T, db *sqldb.DB) (*serviceclient.Directory, *feed.Follower) {
	d := serviceclient.NewDirectory(serviceclientdb.Store{}, serviceclientdb.Store{})
	follower := feed.NewFollower(db, db, time.Minute)
	follower.Subscribe(d, serviceclient.ChangeKind)
	ctx, stop := context.WithCancel(t.Context())
	if err := follower.Start(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return d, follower
}

func start(t *testing.T) *fixture {
	f := &fixture{}
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, e)
		return nil
	})
	db, _ := sqldbtest.SQLite(t, serviceclientdb.Migrations(), bus)
	f.Service = serviceclient.New(db, serviceclientdb.Store{}, serviceclientdb.Store{})
	var follower *feed.Follower
	f.Directory, follower = node(t, db)
	f.other, _ = node(t, db)
	db.Follow(follower.WaitFor)
	return f
}

var admin = actor.ForOperator("acc_a")

func TestKeysWorkAtOnceAndEndAtOnce(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	c, err := f.Create(ctx, admin, serviceclient.Client{Name: "Builder", Keys: []serviceclient.Key{{KeyID: "smuggled"}}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(c.ID), "sc_") || len(c.Keys) != 0 || !f.Active("acc_a", c.ID) || f.Active("acc_b", c.ID) {
		t.Fatalf("%+v", c)
	}
	k, err := f.CreateKey(ctx, admin, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(k.AccessKey.Reveal(), ".")
	der, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil || parts[0] != string(c.ID) || parts[1] != string(k.KeyID) || parts[2] != "acc_a" {
		t.Fatal(parts[:3], err)
	}
	kept, _ := f.Keys("acc_a", c.ID)
	if !kept[0].SecretMatches(k.ClientSecret.Reveal()) || kept[0].SecretMatches(k.ClientSecret.Reveal()[1:]) || kept[0].SecretMatches("") || bytes.Contains(kept[0].SecretHash, []byte(k.ClientSecret.Reveal()[4:20])) {
		t.Fatal("the client secret", kept)
	}
	public, ok := f.Key("acc_a", c.ID, k.KeyID)
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(der[16:]), []byte("x"))
	if !ok || !ed25519.Verify(public, []byte("x"), signature) {
		t.Fatal("the directory has another key")
	}
	for _, e := range f.events {
		for _, v := range e.Detail {
			if strings.Contains(v, parts[3][22:]) {
				t.Fatal("an event carries the private key")
			}
		}
	}
	if _, ok := f.Key("acc_b", c.ID, k.KeyID); ok {
		t.Error("another account has the key")
	}
	if err := f.DeleteKey(ctx, admin, c.ID, k.KeyID); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Key("acc_a", c.ID, k.KeyID); ok {
		t.Error("a removed key works on this node")
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if _, ok := f.other.Key("acc_a", c.ID, k.KeyID); !ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a removed key works on another node after a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := f.DeleteKey(ctx, admin, c.ID, k.KeyID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestAClientWithBroughtKeys(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	c, err := f.Create(ctx, admin, serviceclient.Client{Options: serviceclient.Options{GrantTokenGeneration: true}})
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range serviceclient.MaxActiveKeys {
		if _, err := f.BringKey(ctx, admin, c.ID, public); err != nil {
			t.Fatal(err)
		}
	}
	keys, ok := f.Keys("acc_a", c.ID)
	if !ok || len(keys) != 5 || !keys[0].PublicKey.Equal(public) {
		t.Fatalf("%+v", keys)
	}
	_, err = f.CreateKey(ctx, admin, c.ID)
	if !fault.Is(err, fault.Unprocessable) {
		t.Errorf("a sixth key: %v", err)
	}
	if _, err := f.BringKey(ctx, admin, c.ID, make([]byte, 32)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a key of small order: %v", err)
	}
	if _, err := f.CreateKey(ctx, admin, "sc_none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key for nobody: %v", err)
	}
	if _, err := f.CreateKey(ctx, actor.ForOperator("acc_b"), c.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key for a client of another account: %v", err)
	}
	if o, ok := f.Options("acc_a", c.ID); !ok || !o.GrantTokenGeneration || o.GrantUserPermissionsAccess {
		t.Errorf("%+v", o)
	}
	if err := f.Delete(ctx, admin, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Keys("acc_a", c.ID); ok || f.Active("acc_a", c.ID) {
		t.Error("a deleted client is active")
	}
	if _, ok := f.Key("acc_a", c.ID, keys[0].KeyID); ok {
		t.Error("a key of a deleted client works")
	}
}

func anything(_, _ serviceclient.Options) error { return nil }

func TestUpdateAsksBeforeItGives(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	c, err := f.Create(ctx, admin, serviceclient.Client{Options: serviceclient.Options{GrantUserPermissionsAccess: true}})
	if err != nil {
		t.Fatal(err)
	}
	refused := fault.New(fault.Forbidden, fault.CodeForbidden, "no")
	c.Options = serviceclient.Options{GrantTokenGeneration: true}
	_, err = f.Update(ctx, admin, c, func(before, after serviceclient.Options) error {
		if !before.GrantUserPermissionsAccess || before.GrantTokenGeneration || !after.GrantTokenGeneration {
			t.Errorf("%+v %+v", before, after)
		}
		return refused
	})
	if !fault.Is(err, fault.Forbidden) {
		t.Fatal(err)
	}
	if o, _ := f.Options("acc_a", c.ID); o.GrantTokenGeneration || !o.GrantUserPermissionsAccess {
		t.Errorf("%+v", o)
	}
}

func TestUpdateKeepsKeys(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	c, err := f.Create(ctx, admin, serviceclient.Client{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateKey(ctx, admin, c.ID); err != nil {
		t.Fatal(err)
	}
	c.Name, c.RateLimits = "b", []serviceclient.RateLimit{{Duration: "P1D", Quota: 1000}}
	got, err := f.Update(ctx, admin, c, anything)
	if err != nil || got.Name != "b" || len(got.Keys) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if keys, _ := f.Keys("acc_a", c.ID); len(keys) != 1 {
		t.Fatal("an update lost the keys")
	}
	c.RateLimits[0].Quota = 7
	if _, err := f.Update(ctx, admin, c, anything); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	c.RateLimits, c.Name = nil, "a\x00"
	if _, err := f.Update(ctx, admin, c, anything); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	c.Name, c.ID = "", "sc_none"
	if _, err := f.Update(ctx, admin, c, anything); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

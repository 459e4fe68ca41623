package keyring_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account ident.AccountID = "acc_a"

var by = actor.ForOperator(account)

type fixture struct {
	*keyring.Service
	*keyring.Ring
	db     *sqldb.DB
	clk    *clock.Fake
	mu     sync.Mutex
	events []event.Event
}

func master(t *testing.T, fill byte) *crypt.Keys {
	b := make([]byte, crypt.KeySize)
	b[0] = fill
	keys, err := crypt.NewKeys(b)
	if err != nil {
		t.Fatal(err)
	}
	return keys
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
	f.db, f.clk = sqldbtest.SQLite(t, keyringdb.Migrations(), bus)
	f.Service = keyring.New(keyring.Deps{DB: f.db, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: master(t, 1)})
	f.Ring = keyring.NewRing(keyringdb.Store{}, master(t, 1), f.clk)
	follower := feed.NewFollower(f.db, f.db, time.Minute)
	follower.Subscribe(f.Ring, keyring.ChangeKind)
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

func (f *fixture) signer(t *testing.T) keyring.Signer {
	t.Helper()
	s, err := f.Signer(account, keyring.Access)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) published() string {
	var out []string
	for _, k := range f.Public(account, keyring.Access) {
		out = append(out, string(k.KID))
	}
	return strings.Join(out, " ")
}

func TestUsesHaveKeysOfTheirOwn(t *testing.T) {
	f := start(t)
	if _, err := f.Signer(account, keyring.Access); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("a signer without keys: %v", err)
	}
	if err := f.Ensure(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	a, i := f.signer(t), keyring.Signer{}
	i, err := f.Signer(account, keyring.ID)
	if err != nil || i.KID == a.KID || i.Private.(ed25519.PrivateKey).Equal(a.Private) {
		t.Fatal("one key for two uses", err)
	}
	if _, ok := f.Key(account, keyring.Access, i.KID); ok {
		t.Error("the ID-token key verifies access tokens")
	}
	if _, ok := f.Key("acc_b", keyring.Access, a.KID); ok {
		t.Error("another account's key verifies")
	}
	public, ok := f.AccessKey(account, a.KID)
	if !ok || !ed25519.Verify(public, []byte("x"), ed25519.Sign(a.Private.(ed25519.PrivateKey), []byte("x"))) {
		t.Error("the published key does not verify")
	}
	if len(a.KID) < 26 {
		t.Errorf("kid %q has less than 128 bits", a.KID)
	}
	seed := a.Private.(ed25519.PrivateKey).Seed()
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v %#v %v", a, a, &a), fmt.Sprint(struct{ S keyring.Signer }{a})} {
		if strings.Contains(text, fmt.Sprint(seed[:8])[1:20]) || strings.Contains(text, base64.StdEncoding.EncodeToString(seed)[:20]) || strings.Contains(text, "Private") {
			t.Errorf("a printed signer shows its key: %s", text)
		}
	}
}

func TestTheLifeOfAKey(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	first := f.signer(t).KID
	second, err := f.Rotate(ctx, by, keyring.Access, keyring.DefaultAfter)
	if err != nil {
		t.Fatal(err)
	}
	step := func(d time.Duration, signs ident.KeyID, published string) {
		t.Helper()
		f.clk.Advance(d)
		if got := f.signer(t).KID; got != signs {
			t.Errorf("%s signs, not %s", got, signs)
		}
		if got := f.published(); got != published {
			t.Errorf("published %q, not %q", got, published)
		}
	}
	both := string(first) + " " + string(second.KID)
	step(0, first, both)
	step(keyring.DefaultAfter-time.Microsecond, first, both)
	step(time.Microsecond, second.KID, both)
	step(keyring.MaxTokenLife, second.KID, both)
	if _, ok := f.Key(account, keyring.Access, first); !ok {
		t.Error("the last token of the old key cannot be verified")
	}
	step(keyring.Margin, second.KID, string(second.KID))
	if _, ok := f.Key(account, keyring.Access, first); ok {
		t.Error("the old key still verifies")
	}
	if f.Set(account) == nil || f.Set("acc_b") != nil {
		t.Error("sets")
	}
}

func TestRotatingAgainBringsForward(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	first := f.signer(t).KID
	a, err := f.Rotate(ctx, by, keyring.Access, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	later, err := f.Rotate(ctx, by, keyring.Access, 2*time.Hour)
	if err != nil || later.KID != a.KID || !later.SignFrom.Equal(a.SignFrom) {
		t.Fatalf("%+v %v", later, err)
	}
	now, err := f.Rotate(ctx, by, keyring.Access, 0)
	if err != nil || now.KID != a.KID || !now.SignFrom.Equal(f.clk.Now().Add(keyring.Propagation)) {
		t.Fatalf("%+v %v", now, err)
	}
	if f.signer(t).KID != first {
		t.Error("a key signs before every node can know it")
	}
	f.clk.Advance(keyring.Propagation)
	if f.signer(t).KID != a.KID {
		t.Error("the key does not sign")
	}
	f.clk.Advance(keyring.MaxTokenLife + keyring.Margin)
	if got := f.published(); got != string(a.KID) {
		t.Errorf("the old key's end was not brought forward: %q", got)
	}
	kids := map[ident.KeyID]bool{first: true, a.KID: true}
	for range 50 { // CMP-12
		k, err := f.Rotate(ctx, by, keyring.Access, 0)
		if err != nil || kids[k.KID] {
			t.Fatalf("%v %v", k.KID, err)
		}
		kids[k.KID] = true
		f.clk.Advance(keyring.Propagation)
		if f.signer(t).KID != k.KID {
			t.Fatal("the newest key does not sign")
		}
	}
	if n := len(f.Public(account, keyring.Access)); n != 51 {
		t.Errorf("%d keys are published", n)
	}
}

func TestRotationByAgeAndDestruction(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	first := f.signer(t).KID
	due := func(d time.Duration) {
		t.Helper()
		f.clk.Advance(d)
		if err := f.RotateDue(ctx); err != nil {
			t.Fatal(err)
		}
	}
	due(keyring.MaxAge - time.Second)
	if len(f.Public(account, keyring.Access)) != 1 {
		t.Fatal("rotated too early")
	}
	due(time.Second)
	due(time.Minute) // again, as another node does
	if len(f.Public(account, keyring.Access)) != 2 || len(f.Public(account, keyring.ID)) != 2 || f.signer(t).KID != first {
		t.Fatal("a new key of each use must be published and not sign yet")
	}
	due(keyring.Lead)
	second := f.signer(t).KID
	if second == first {
		t.Fatal("the new key does not sign")
	}
	due(keyring.Margin + time.Second)
	err := f.db.Read(ctx, tx.In(account), func(ctx context.Context, x tx.Tx) error {
		keys, err := keyringdb.Store{}.List(ctx, x, account, keyring.Access)
		if len(keys) != 2 || len(keys[1].Private) != 0 || len(keys[0].Private) == 0 {
			t.Errorf("private halves: %d keys", len(keys))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Key(account, keyring.Access, first); !ok || f.signer(t).KID != second {
		t.Error("destroying the private half must not unpublish the key")
	}
	var types []string
	for _, e := range f.events {
		types = append(types, e.Type)
	}
	want := "keyring.key.created keyring.key.created keyring.key.created keyring.key.created keyring.key.destroyed keyring.key.destroyed"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("events %s", got)
	}
}

func TestKeysAreSealedToTheirPlace(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	load := func(r *keyring.Ring) error { return f.db.Read(ctx, tx.System(), r.Load) }
	if err := load(keyring.NewRing(keyringdb.Store{}, master(t, 2), f.clk)); !errors.Is(err, crypt.ErrOpen) {
		t.Errorf("another master key: %v", err)
	}
	swap := func(sql string) {
		err := f.db.Write(ctx, tx.System(), func(ctx context.Context, x tx.Tx) error {
			_, err := sqldb.From(x).Exec(ctx, sql)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	swap(`UPDATE signing_keys SET private_key = (SELECT private_key FROM signing_keys WHERE use = 'access') WHERE use = 'id'`)
	if err := load(keyring.NewRing(keyringdb.Store{}, master(t, 1), f.clk)); !errors.Is(err, crypt.ErrOpen) {
		t.Errorf("a key moved to another row: %v", err)
	}
	swap(`UPDATE signing_keys SET private_key = X'', sign_until = 1 WHERE use = 'id'`)
	swap(`UPDATE signing_keys SET public_key = X'0000000000000000000000000000000000000000000000000000000000000001'`)
	if err := load(keyring.NewRing(keyringdb.Store{}, master(t, 1), f.clk)); err == nil {
		t.Error("a replaced public half is accepted")
	}
}

func BenchmarkSigner(b *testing.B) {
	clk := clock.NewFake(sqldbtest.Start)
	db, _ := sqldbtest.SQLite(b, keyringdb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	if err := keyring.New(keyring.Deps{DB: db, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: keys}).Ensure(b.Context(), account); err != nil {
		b.Fatal(err)
	}
	r := keyring.NewRing(keyringdb.Store{}, keys, clk)
	if err := db.Read(b.Context(), tx.System(), r.Load); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Signer(account, keyring.Access); err != nil {
			b.Fatal(err)
		}
	}
}

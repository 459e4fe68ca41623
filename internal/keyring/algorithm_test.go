package keyring_test

import (
	"context"
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

func (f *fixture) provide(t *testing.T, uses ...keyring.Use) {
	t.Helper()
	err := f.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
		return f.Provide(ctx, x, by, uses...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) kids() (out []string) {
	keys, _ := f.Set(account).All(f.clk.Now())
	for _, k := range keys {
		out = append(out, string(k.KID))
	}
	return out
}

func TestUses(t *testing.T) {
	for use, want := range map[keyring.Use]struct {
		kind   keyring.Use
		alg    string
		static bool
		valid  bool
	}{
		"access": {keyring.Access, "EdDSA", false, true}, "id/RS256": {keyring.ID, "RS256", false, true}, "static/EdDSA": {"static", "EdDSA", true, true},
		"access/EdDSA": {keyring.Access, "EdDSA", false, false}, "static": {"static", "EdDSA", true, false}, "id/HS256": {keyring.ID, "HS256", false, false},
		"id/RS512": {keyring.ID, "RS512", false, false}, "other": {"other", "EdDSA", false, false}, "": {"", "EdDSA", false, false}, "id/ES256/x": {keyring.ID, "ES256/x", false, false},
	} {
		if use.Kind() != want.kind || use.Alg() != want.alg || use.Static() != want.static || use.Valid() != want.valid {
			t.Errorf("%q: %q %q %v %v", use, use.Kind(), use.Alg(), use.Static(), use.Valid())
		}
	}
	if keyring.Access.With("") != keyring.Access || keyring.ID.With("EdDSA") != keyring.ID || keyring.Use("id/RS256").With("ES256") != "id/ES256" || keyring.StaticUse("") != "static/EdDSA" {
		t.Error("names of uses")
	}
}

// TestEveryAlgorithm is JWT-20: each algorithm has keys of its own, which sign as they are published.
func TestEveryAlgorithm(t *testing.T) {
	f := start(t)
	if err := f.Ensure(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	var uses []keyring.Use
	for _, alg := range jose.Algorithms() {
		uses = append(uses, keyring.Access.With(alg), keyring.ID.With(alg), keyring.StaticUse(alg))
	}
	f.provide(t, uses...)
	f.provide(t, uses...) // nothing new
	all := f.kids()
	if len(all) != len(uses) || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(uses) {
		t.Fatalf("%d keys for %d uses", len(all), len(uses))
	}
	reloaded := keyring.NewRing(keyringdb.Store{}, master(t, 1), f.clk)
	if err := f.db.Read(t.Context(), tx.System(), reloaded.Load); err != nil {
		t.Fatal(err)
	}
	for _, use := range uses {
		s, err := reloaded.Signer(account, use)
		if err != nil || s.Alg != use.Alg() {
			t.Fatal(use, err)
		}
		if prefix := map[bool]string{true: "s-", false: "d-"}[use.Static()]; !strings.HasPrefix(string(s.KID), prefix) {
			t.Errorf("%s: kid %s", use, s.KID)
		}
		k, ok := f.Find(account, s.KID)
		if !ok || k.Use != use || !k.Public.(interface{ Equal(crypto.PublicKey) bool }).Equal(s.Private.Public()) {
			t.Errorf("%s: the published key is another", use)
		}
		compact, err := jose.SignAs(use.Alg(), s.Private, string(s.KID), "JWT", map[string]string{"a": "b"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := jose.VerifyForeign(compact, []jose.PublicJWK{k.JWK()}, jose.Expect{Algorithms: []string{use.Alg()}}); err != nil {
			t.Errorf("%s: %v", use, err)
		}
	}
	if len(f.Public(account, keyring.Access)) != 1 || len(f.Public(account, keyring.ID)) != 1 {
		t.Error("the sets of SDKs hold other keys than theirs")
	}
	if _, ok := f.Find("acc_b", ident.KeyID(all[0])); ok {
		t.Error("another account's key is found")
	}
	err := f.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
		return f.Provide(ctx, x, by, "id/HS256")
	})
	if err == nil {
		t.Error("keys of a symmetric algorithm are made")
	}
}

// A database of before there were algorithms: the use names are the old ones, kids have no prefix.
func TestOldRowsStayReadable(t *testing.T) {
	f := start(t)
	if err := f.Ensure(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	before := f.signer(t)
	err := f.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
		n, err := sqldb.List(ctx, sqldb.From(x), func(r sqldb.Row) (n int64, err error) { return n, r.Scan(&n) },
			`SELECT length(private_key) FROM signing_keys WHERE use = 'access' AND alg = 'EdDSA' AND length(public_key) = 32`)
		if err == nil && (len(n) != 1 || n[0] != 12+32+16) { // nonce, seed, tag: what the version before wrote, and reads
			t.Errorf("stored: %v", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if next, err := f.Rotate(t.Context(), by, keyring.Access, 0); err != nil || next.Generation != 2 || next.KID == before.KID {
		t.Error(next, err)
	}
}

func TestStaticKeysAreNotRotated(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	k, err := f.Static(ctx, by, "")
	if err != nil || k.Use != "static/EdDSA" {
		t.Fatal(k, err)
	}
	rs, err := f.Static(ctx, by, "RS256")
	if err != nil || rs.KID == k.KID {
		t.Fatal(err)
	}
	f.provide(t, "id/ES256")
	for range 3 {
		f.clk.Advance(keyring.MaxAge + keyring.Lead)
		if err := f.RotateDue(ctx); err != nil {
			t.Fatal(err)
		}
	}
	again, err := f.Static(ctx, by, jose.EdDSA)
	if err != nil || again.KID != k.KID || !again.SignUntil.IsZero() {
		t.Error(again, err)
	}
	if _, err := f.Rotate(ctx, by, k.Use, 0); !fault.Is(err, fault.Invalid) {
		t.Error("a static key is rotated:", err)
	}
	if _, err := f.Static(ctx, by, "HS256"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	list, err := f.List(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range list {
		if l.Use == "id/ES256" {
			n++
		}
	}
	if n < 3 {
		t.Errorf("%d keys of ES256: others than EdDSA are not rotated by age", n)
	}
	if uses, err := f.Rotating(ctx, account); err != nil || !slices.Equal(uses, []keyring.Use{keyring.Access, keyring.ID, "id/ES256"}) {
		t.Error(uses, err)
	}
}

func TestWithdraw(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	first := f.signer(t).KID
	if _, err := f.Withdraw(ctx, by, "d-nothing"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := f.Withdraw(ctx, by, ""); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	next, err := f.Withdraw(ctx, by, first)
	if err != nil || f.signer(t).KID != next.KID || next.KID == first {
		t.Fatal(next, err)
	}
	if _, ok := f.AccessKey(account, first); ok || f.published() != string(next.KID) {
		t.Error("a withdrawn key still verifies")
	}
	if _, err := f.Withdraw(ctx, by, first); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	// The one that waits takes over when the one that signs is withdrawn.
	waiting, err := f.Rotate(ctx, by, keyring.Access, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	took, err := f.Withdraw(ctx, by, next.KID)
	if err != nil || took.KID != waiting.KID || f.signer(t).KID != waiting.KID {
		t.Fatal(took, err)
	}
	// One that waits is replaced by another that waits; the one that signs goes on.
	doomed, err := f.Rotate(ctx, by, keyring.Access, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	spare, err := f.Withdraw(ctx, by, doomed.KID)
	if err != nil || spare.KID == doomed.KID || !spare.SignFrom.Equal(doomed.SignFrom) || f.signer(t).KID != waiting.KID {
		t.Fatalf("%+v %v", spare, err)
	}
	f.clk.Advance(time.Hour)
	if f.signer(t).KID != spare.KID {
		t.Fatal("the replacement does not sign")
	}
	// One that has retired leaves no gap.
	if none, err := f.Withdraw(ctx, by, waiting.KID); err != nil || none.KID != "" || f.signer(t).KID != spare.KID {
		t.Fatal(none, err)
	}
	f.clk.Advance(keyring.MaxAge)
	if err := f.RotateDue(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Public(account, keyring.Access)); n != 2 {
		t.Errorf("%d keys after the next rotation by age", n)
	}
	list, err := f.List(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	states := map[ident.KeyID]keyring.State{}
	for _, l := range list {
		states[l.KID] = l.State
	}
	for _, kid := range []ident.KeyID{first, next.KID, doomed.KID, waiting.KID} {
		if states[kid] != keyring.Withdrawn {
			t.Errorf("%s is %s", kid, states[kid])
		}
	}
	if states[spare.KID] != keyring.Signing {
		t.Error(states)
	}
	// A static key has a successor at once, too.
	s, err := f.Static(ctx, by, "")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Withdraw(ctx, by, s.KID); err != nil || n.KID == "" || !strings.HasPrefix(string(n.KID), "s-") {
		t.Error(n, err)
	}
	if n, err := f.Static(ctx, by, ""); err != nil || n.KID == s.KID {
		t.Error(n, err)
	}
	withdrawn := 0
	for _, e := range f.events {
		if e.Type == keyring.EventWithdrawn {
			withdrawn++
		}
	}
	if withdrawn != 5 {
		t.Errorf("%d events", withdrawn)
	}
}

// However often keys are rotated, the published set stays one that verifiers read.
func TestRotationIsBounded(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	if err := f.Ensure(ctx, account); err != nil {
		t.Fatal(err)
	}
	made := 0
	var err error
	for ; err == nil && made < 2*keyring.MaxPublished; made++ {
		_, err = f.Rotate(ctx, by, keyring.Access, 0)
		f.clk.Advance(keyring.Propagation)
	}
	if n := len(f.kids()); !fault.Is(err, fault.Conflict) || n != keyring.MaxPublished {
		t.Fatalf("%d keys are published: %v", n, err)
	}
	if next, err := f.Withdraw(ctx, by, f.signer(t).KID); err != nil || next.KID == "" {
		t.Error("a key cannot be withdrawn when there are many:", err)
	}
	f.clk.Advance(keyring.MaxTokenLife + keyring.Margin)
	if _, err := f.Rotate(ctx, by, keyring.Access, 0); err != nil {
		t.Error(err)
	}
}

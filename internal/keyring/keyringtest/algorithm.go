package keyringtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
)

// algorithms: the public half of every algorithm is read back, and uses stay apart.
func (s suite) algorithms(t *testing.T) {
	const account ident.AccountID = "acc_alg"
	for _, alg := range jose.Algorithms() {
		private, err := jose.GenerateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range []keyring.Use{keyring.Access.With(alg), keyring.StaticUse(alg)} {
			k := Build(account, use, 1, s.clk.Now())
			k.Public = private.Public()
			s.insert(t, k)
			if got := s.list(t, account, use); !cmp.Equal(got, []keyring.Sealed{k}) {
				t.Errorf("%s: %s", use, cmp.Diff(got, []keyring.Sealed{k}))
			}
		}
	}
}

func (s suite) find(t *testing.T, account ident.AccountID, kid ident.KeyID) (out []keyring.Sealed) {
	t.Helper()
	err := s.db.Read(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		out, err = s.store.Find(ctx, x, account, kid)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s suite) withdraw(t *testing.T) {
	const account ident.AccountID = "acc_gone"
	now := s.clk.Now()
	a := Build(account, keyring.Access, 1, now.Add(-time.Hour))
	a.SignUntil = now.Add(-time.Minute)
	b := Build(account, keyring.Access, 2, now.Add(-time.Minute))
	static := Build(account, keyring.StaticUse(""), 1, now.Add(-200*24*time.Hour))
	for _, k := range []keyring.Sealed{a, b, static} {
		s.insert(t, k)
	}
	if got := s.find(t, account, ""); !cmp.Equal(got, []keyring.Sealed{a, b, static}) {
		t.Fatal(cmp.Diff(got, []keyring.Sealed{a, b, static}))
	}
	if got := s.find(t, account, b.KID); len(got) != 1 || got[0].KID != b.KID {
		t.Fatal(got)
	}
	if len(s.find(t, "acc_other", b.KID)) != 0 {
		t.Fatal("another account finds the key")
	}
	for _, want := range []bool{true, false} {
		for _, k := range []*keyring.Sealed{&a, &b} {
			s.write(t, account, func(ctx context.Context, x tx.Tx) error {
				done, err := s.store.Withdraw(ctx, x, k.Key, now)
				if done != want {
					t.Errorf("withdrawn: %v", done)
				}
				return err
			})
		}
	}
	s.write(t, "acc_other", func(ctx context.Context, x tx.Tx) error {
		k := static.Key
		k.Account = "acc_other"
		if done, err := s.store.Withdraw(ctx, x, k, now); done || err != nil {
			t.Errorf("another account withdraws the key: %v", err)
		}
		return nil
	})
	got := s.find(t, account, "")
	if len(got[0].Private)+len(got[1].Private) != 0 || !got[0].Withdrawn.Equal(now) || !got[0].SignUntil.Equal(a.SignUntil) || !got[1].SignUntil.Equal(now) {
		t.Fatalf("%+v", got)
	}
	if len(got[2].Private) == 0 || !got[2].Withdrawn.IsZero() {
		t.Fatalf("%+v", got[2])
	}
	s.tells(t, account, keyring.Access, a.KID, b.KID)
	s.tells(t, account, keyring.StaticUse(""))
	s.tells(t, "acc_other", keyring.Access)
	s.tells(t, "", "", a.KID, b.KID)
	err := s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		all, err := s.store.All(ctx, x, now)
		for _, k := range all {
			if k.KID == a.KID || k.KID == b.KID {
				t.Error("All returns a withdrawn key")
			}
		}
		if err != nil {
			return err
		}
		old, err := s.store.Old(ctx, x, now.Add(-90*24*time.Hour))
		for _, r := range old {
			if r.Account == account {
				t.Errorf("%s is due", r.KID)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tells wants these keys, and no others, to be known as withdrawn.
func (s suite) tells(t *testing.T, account ident.AccountID, use keyring.Use, want ...ident.KeyID) {
	t.Helper()
	err := s.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		keys, err := s.store.Withdrawn(ctx, x, account, use)
		var got []ident.KeyID
		for _, k := range keys {
			if k.Withdrawn.IsZero() {
				t.Errorf("%s is not withdrawn", k.KID)
			}
			got = append(got, k.KID)
		}
		if !cmp.Equal(got, want) {
			t.Errorf("withdrawn are %v; want %v", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

package usertest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

func (s suite) signInAs(t *testing.T, account ident.AccountID, id ident.UserID, p user.Profile) (u user.User, created bool, err error) {
	t.Helper()
	err = s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		u, created, err = s.service.SignInAs(ctx, x, actor.ForSystem(account), id, "sc_1", p)
		return err
	})
	return u, created, err
}

func (s suite) named(t *testing.T) {
	const account ident.AccountID = "acc_named"
	const id ident.UserID = "crm|Ada@example.com"
	made, created, err := s.signInAs(t, account, id, user.Profile{Email: "ada@example.com", EmailVerified: true})
	if err != nil || !created || made.ID != id {
		t.Fatal(made, created, err)
	}
	s.clk.Advance(time.Hour)
	again, created, err := s.signInAs(t, account, id, user.Profile{Email: "new@example.com"})
	if err != nil || created || !again.CreatedAt.Equal(made.CreatedAt) {
		t.Fatal(again, created, err)
	}
	if got, err := s.get(t, account, id); err != nil || got.Email != "new@example.com" || got.EmailVerified || len(got.Identities) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if other, created, err := s.signInAs(t, account, "crm|ada@example.com", user.Profile{}); err != nil || !created || other.Email != "" {
		t.Fatal("ids are compared byte for byte", other, err)
	}
	if _, created, err := s.signInAs(t, "acc_named2", id, user.Profile{}); err != nil || !created {
		t.Fatal("another account has the same person", err)
	}
	ours, _ := s.signIn(t, account, user.Identity{Connection: "con_a", Issuer: "i", Subject: "s"}, user.Profile{Name: "Bea"})
	if u, created, err := s.signInAs(t, account, ours.ID, user.Profile{}); err != nil || created || u.Name != "Bea" {
		t.Fatal("a person who signed in otherwise is not found", err)
	}
	for _, gone := range []ident.UserID{id, ours.ID} {
		if err := s.service.Delete(t.Context(), actor.ForOperator(account), gone); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.signInAs(t, account, gone, user.Profile{}); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("%s lives again: %v", gone, err)
		}
	}
	for _, bad := range []ident.UserID{
		"", "sc_1", "SC_1", "ext_1", "iss_1", "Iss_1|x", "usr_never", "USR_never", " a", "a b", "a\n", "a\x00", "ü", "a,b", "a*", "a%2f", ident.UserID(strings.Repeat("a", user.MaxNamedID+1)),
	} {
		if u, _, err := s.signInAs(t, account, bad, user.Profile{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%q is %+v, %v", bad, u, err)
		}
	}
	if _, created, err := s.signInAs(t, account, ident.UserID(strings.Repeat("a", user.MaxNamedID)), user.Profile{}); err != nil || !created {
		t.Error(err)
	}
}

func (s suite) namedRace(t *testing.T) {
	const account ident.AccountID = "acc_named_race"
	for _, id := range []ident.UserID{"a", "b", "c", "d", "e"} {
		var made atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				u, created, err := s.signInAs(t, account, id, user.Profile{Name: "Ada"})
				if err != nil || u.ID != id || u.Name != "Ada" {
					t.Error(u, err)
				}
				if created {
					made.Add(1)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Fatalf("made %d", made.Load())
		}
	}
}

// Package usertest owns the suite that every store of people must pass.
package usertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// Store is what the suite tests.
type Store interface {
	user.Store
	user.IdentityStore
}

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store Store, clk *clock.Fake) {
	s := suite{db, store, user.New(db, store, store), clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("an identity is compared byte for byte", s.bytewise)
	t.Run("logins at once make one person", s.race)
	t.Run("a deleted person is gone, and the id stays taken", s.remove)
	t.Run("a connection that is gone leaves nobody behind", s.unlink)
	t.Run("an identity is linked and dropped by its person alone", s.link)
	t.Run("an identity is linked once, also at once", s.linkRace)
	t.Run("an address is changed for another", s.readdress)
	t.Run("a proved address stays the identity's that it came from", s.address)
	t.Run("an id that a caller chose is found or made, once and for good", s.named)
	t.Run("logins at once under one chosen id make one person", s.namedRace)
	t.Run("nobody is removed while signing in under a chosen id", s.namedRemoval)
	t.Run("claims are kept until they are replaced or the person is gone", s.claims)
	t.Run("what a person chose stays", s.profile)
	t.Run("lists", s.list)
	t.Run("lists of some", s.among)
}

type suite struct {
	db      tx.Runner
	store   Store
	service *user.Service
	clk     *clock.Fake
}

func (s suite) write(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.db.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

// namedRemoval begins to delete a person whose login is not written yet: the deletion waits, so
// that it finds the session to end.
func (s suite) namedRemoval(t *testing.T) {
	const account, id = ident.AccountID("acc_removal"), ident.UserID("crm|1")
	by, removed := actor.ForSystem(account), make(chan error, 1)
	signIn := func(ctx context.Context, x tx.Tx) error {
		_, _, err := s.service.SignInAs(ctx, x, by, id, "sc_1", user.Profile{})
		return err
	}
	s.write(t, account, signIn)
	s.write(t, account, func(ctx context.Context, x tx.Tx) error {
		if err := signIn(ctx, x); err != nil {
			return err
		}
		go func() { removed <- s.service.Delete(context.WithoutCancel(ctx), by, id) }()
		select {
		case err := <-removed:
			t.Error("removed in the middle of a login:", err)
			removed <- nil
		case <-time.After(200 * time.Millisecond):
		}
		return nil
	})
	if err := <-removed; err != nil {
		t.Error(err)
	}
	if err := s.db.Write(t.Context(), tx.In(account), signIn); !errors.Is(err, user.ErrUnusable) {
		t.Error("signed in though deleted:", err)
	}
}

// signIn goes through the service, as a login does.
func (s suite) signIn(t *testing.T, account ident.AccountID, i user.Identity, p user.Profile) (u user.User, created bool) {
	t.Helper()
	s.write(t, account, func(ctx context.Context, x tx.Tx) (err error) {
		u, created, err = s.service.SignIn(ctx, x, actor.ForSystem(account), i, p)
		return err
	})
	return u, created
}

func (s suite) get(t *testing.T, account ident.AccountID, id ident.UserID) (user.User, error) {
	return s.service.Get(t.Context(), account, id)
}

func (s suite) roundTrip(t *testing.T) {
	const account ident.AccountID = "acc_round"
	i := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "abc"}
	p := user.Profile{Name: "Ada Ümlaut", Email: "ada@example.com", EmailVerified: true, Picture: "https://idp.example/a.png", Locale: "de"}
	u, created := s.signIn(t, account, i, p)
	if !created || !strings.HasPrefix(string(u.ID), "usr_") {
		t.Fatal(u, created)
	}
	got, err := s.get(t, account, u.ID)
	if err != nil || !cmp.Equal(u, got) {
		t.Fatal(err, cmp.Diff(u, got))
	}
	if got.Email != p.Email || !got.EmailVerified || got.Locale != "de" || !got.CreatedAt.Equal(s.clk.Now()) {
		t.Fatalf("%+v", got)
	}
	s.clk.Advance(time.Hour)
	again, created := s.signIn(t, account, i, user.Profile{Name: "Ada", Email: "new@example.com"})
	if created || again.ID != u.ID {
		t.Fatal("the second login made another person")
	}
	got, _ = s.get(t, account, u.ID)
	if got.Name != "Ada" || got.Email != "new@example.com" || got.EmailVerified || got.Picture != p.Picture {
		t.Fatalf("%+v: an address must come with its own verified flag", got)
	}
	if !got.Identities[0].LastLogin.Equal(s.clk.Now()) || got.Identities[0].CreatedAt.Equal(s.clk.Now()) {
		t.Fatalf("%+v", got.Identities)
	}
	if _, err := s.get(t, "acc_other", u.ID); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
}

// bytewise is LNK-05: whatever looks alike is another person.
func (s suite) bytewise(t *testing.T) {
	const account ident.AccountID = "acc_bytes"
	base := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "abc\u00e9"}
	profile := user.Profile{Email: "same@example.com", EmailVerified: true, Name: "Same"}
	seen := map[ident.UserID]user.Identity{}
	identities := []user.Identity{base}
	for _, subject := range []string{"ABC\u00e9", "abce\u0301", "abc\u00e9 ", " abc\u00e9", "abc\u00e9\n", "abc", "123", "123.0", "0123", "%", "a_c", "'", `\`, "ß", "ss", "ſ", "s", "İ", "i"} {
		i := base
		i.Subject = subject
		identities = append(identities, i)
	}
	for _, change := range []func(*user.Identity){
		func(i *user.Identity) { i.Connection = "con_b" }, func(i *user.Identity) { i.Connection = "CON_A" },
		func(i *user.Identity) { i.Issuer = "https://idp.example/" }, func(i *user.Identity) { i.Issuer = "https://IDP.example" },
	} {
		i := base
		change(&i)
		identities = append(identities, i)
	}
	for _, i := range identities {
		u, created := s.signIn(t, account, i, profile)
		if other, taken := seen[u.ID]; taken || !created {
			t.Errorf("%+v is the person of %+v", i, other)
		}
		seen[u.ID] = i
		if again, created := s.signIn(t, account, i, profile); created || again.ID != u.ID || again.Identities[0].Subject != i.Subject {
			t.Errorf("%+v is not found again", i)
		}
	}
	if u, created := s.signIn(t, "acc_bytes2", base, profile); !created || seen[u.ID].Subject != "" {
		t.Error("another account has the same person")
	}
	for _, bad := range []user.Identity{{}, {Connection: "c", Issuer: "i"}, {Connection: "c", Issuer: "i", Subject: "a\x00b"}, {Connection: "c", Issuer: "i", Subject: "\xff"},
		{Connection: "c", Issuer: "i", Subject: strings.Repeat("x", user.MaxSubject+1)}, {Connection: "c", Subject: "s"}, {Issuer: "i", Subject: "s"}} {
		err := s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			_, _, err := s.service.SignIn(ctx, x, actor.ForSystem(account), bad, profile)
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad.Subject, err)
		}
	}
}

func (s suite) race(t *testing.T) {
	const account ident.AccountID = "acc_race"
	for round := range 10 {
		i := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: fmt.Sprint("sub", round)}
		var made atomic.Int32
		var ids [6]ident.UserID
		var wg sync.WaitGroup
		for n := range ids {
			wg.Go(func() {
				var created bool
				err := s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
					u, c, err := s.service.SignIn(ctx, x, actor.ForSystem(account), i, user.Profile{Name: "Ada"})
					ids[n], created = u.ID, c
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if created {
					made.Add(1)
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("%v", ids)
			}
		}
		if made.Load() != 1 {
			t.Fatalf("made %d", made.Load())
		}
	}
	page, _, err := s.service.List(t.Context(), account, user.Query{})
	if err != nil || len(page) != 10 {
		t.Fatalf("%d people (%v)", len(page), err)
	}
}

func (s suite) remove(t *testing.T) {
	const account ident.AccountID = "acc_gone"
	i := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "abc"}
	u, _ := s.signIn(t, account, i, user.Profile{Name: "Ada", Email: "ada@example.com"})
	by := actor.ForOperator(account)
	if err := s.service.Delete(t.Context(), actor.ForOperator("acc_other"), u.ID); !fault.Is(err, fault.NotFound) {
		t.Fatalf("another account deletes: %v", err)
	}
	if err := s.service.Delete(t.Context(), by, u.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.service.Delete(t.Context(), by, u.ID); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	if _, err := s.get(t, account, u.ID); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	if page, _, _ := s.service.List(t.Context(), account, user.Query{Filter: "ada"}); len(page) != 0 {
		t.Fatal("a deleted person is listed")
	}
	s.write(t, account, func(ctx context.Context, x tx.Tx) error {
		if free, err := s.store.Insert(ctx, x, user.User{Account: account, ID: u.ID}); err != nil || free {
			t.Fatalf("a used id is free again (%v)", err)
		}
		return nil
	})
	if again, created := s.signIn(t, account, i, user.Profile{}); !created || again.ID == u.ID || again.Name != "" {
		t.Fatalf("%+v inherits from a deleted person", again)
	}
}

func (s suite) unlink(t *testing.T) {
	const account ident.AccountID = "acc_unlink"
	i := user.Identity{Connection: "con_gone", Issuer: "https://idp.example", Subject: "abc"}
	u, _ := s.signIn(t, account, i, user.Profile{Name: "Ada"})
	kept := i
	kept.Connection = "con_kept"
	k, _ := s.signIn(t, account, kept, user.Profile{})
	for range 2 {
		s.write(t, account, func(ctx context.Context, x tx.Tx) error {
			return s.service.Unlink(ctx, x, actor.ForSystem(account), "con_gone")
		})
	}
	if got, err := s.get(t, account, u.ID); err != nil || len(got.Identities) != 0 {
		t.Fatal(got, err)
	}
	if again, created := s.signIn(t, account, i, user.Profile{}); !created || again.ID == u.ID {
		t.Fatal("a new connection of that id inherits people")
	}
	if again, created := s.signIn(t, account, kept, user.Profile{}); created || again.ID != k.ID {
		t.Fatal("another connection lost people")
	}
}

func (s suite) list(t *testing.T) {
	const account ident.AccountID = "acc_list"
	for n := range 5 {
		s.signIn(t, account, user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: fmt.Sprint(n)},
			user.Profile{Name: fmt.Sprintf("Ädä %d%%", n), Email: fmt.Sprintf("a_%d@example.com", n)})
	}
	seen := map[ident.UserID]bool{}
	var last ident.UserID
	for q := (user.Query{Limit: 2}); ; {
		page, next, err := s.service.List(t.Context(), account, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			if seen[u.ID] || len(u.Identities) != 1 {
				t.Fatalf("%+v", u)
			}
			seen[u.ID], last = true, u.ID
		}
		if q.After = next; next == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Fatal(len(seen))
	}
	for filter, want := range map[string]int{"ÄDÄ 3": 1, "3%": 1, "%3": 0, "A_4@EXAMPLE": 1, "a%": 0, string(last): 1, strings.ToUpper(string(last)): 1, "none": 0} {
		if page, _, err := s.service.List(t.Context(), account, user.Query{Filter: filter}); err != nil || len(page) != want {
			t.Errorf("%q: %d (%v)", filter, len(page), err)
		}
	}
	if _, _, err := s.service.List(t.Context(), account, user.Query{Filter: "a\x00"}); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

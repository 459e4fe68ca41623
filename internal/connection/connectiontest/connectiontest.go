// Package connectiontest owns the suite that every store of connections must pass, and
// builders for tests.
package connectiontest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Account is the account of the suite.
const Account ident.AccountID = "acc_one"

// Build returns a connection with every member set.
func Build(account ident.AccountID, id ident.ConnectionID) connection.Connection {
	at := time.Date(2026, 3, 3, 12, 0, 0, 123456000, time.UTC)
	return connection.Connection{
		Account: account, ID: id, Active: true, CreatedAt: at, UpdatedAt: at, SealedSecret: []byte{1, 2, 3},
		Spec: connection.Spec{
			Type: connection.TypeOAuth2, Provider: "microsoft", Name: "Übung", IssuerURL: "https://idp.example.com/{tenantid}",
			Directories: []string{"*"}, AuthenticationURL: "https://idp.example.com/a", TokenURL: "https://idp.example.com/t",
			UserEndpointURL: "https://idp.example.com/u", ClientID: "client", SecretID: "key", DeveloperAccountID: "team",
			ContentType: connection.ContentJSON, UserIDExpression: "{tid}|{oid}", Scope: "openid",
			Properties: map[string]string{"prompt": "login"}, EmailDomains: []string{"example.com"}, UserDataLocation: "CHE",
			Leeway: 7 * time.Minute, Assignment: "DEFAULT", Linking: "EXPLICIT", Tags: map[string]string{"a": "b"},
		},
	}
}

// RunStore runs the suite. open returns an empty database and the store on it.
func RunStore(t *testing.T, open func(t *testing.T) (tx.Runner, connection.Store)) {
	for name, test := range map[string]func(*testing.T, tx.Runner, connection.Store){
		"keeps every member":           keepsEveryMember,
		"an id is never used twice":    neverTwice,
		"pages by id, byte for byte":   pages,
		"accounts do not see another":  accountsApart,
		"a deleted one leaves nothing": deleted,
		"changes wait for one another": together,
	} {
		t.Run(name, func(t *testing.T) {
			runner, store := open(t)
			test(t, runner, store)
		})
	}
}

func write(t *testing.T, r tx.Runner, account ident.AccountID, fn func(context.Context, tx.Tx)) {
	t.Helper()
	if err := r.Write(t.Context(), tx.In(account), func(ctx context.Context, u tx.Tx) error { fn(ctx, u); return nil }); err != nil {
		t.Fatal(err)
	}
}

func insert(t *testing.T, r tx.Runner, s connection.Store, c connection.Connection) (ok bool) {
	t.Helper()
	write(t, r, c.Account, func(ctx context.Context, u tx.Tx) {
		var err error
		if ok, err = s.Insert(ctx, u, c); err != nil {
			t.Error(err)
		}
	})
	return ok
}

func get(t *testing.T, r tx.Runner, s connection.Store, account ident.AccountID, id ident.ConnectionID) (connection.Connection, error) {
	t.Helper()
	var c connection.Connection
	err := r.Read(t.Context(), tx.In(account), func(ctx context.Context, u tx.Tx) (err error) {
		c, err = s.Get(ctx, u, account, id)
		return err
	})
	return c, err
}

func keepsEveryMember(t *testing.T, r tx.Runner, s connection.Store) {
	full := Build(Account, "con_full")
	bare := connection.Connection{Account: Account, ID: "con_bare", Spec: connection.Spec{Type: connection.TypeEmail}}
	for _, want := range []connection.Connection{full, bare} {
		insert(t, r, s, want)
		if got, err := get(t, r, s, Account, want.ID); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v, %s", err, cmp.Diff(want, got))
		}
	}
	changed := Build(Account, "con_bare")
	changed.CreatedAt, changed.UpdatedAt = time.Time{}, changed.UpdatedAt.Add(time.Second)
	write(t, r, Account, func(ctx context.Context, u tx.Tx) {
		if ok, err := s.Update(ctx, u, changed); !ok || err != nil {
			t.Error(ok, err)
		}
		if ok, err := s.Update(ctx, u, Build(Account, "con_none")); ok || err != nil {
			t.Error("a missing connection was updated:", ok, err)
		}
	})
	if got, err := get(t, r, s, Account, "con_bare"); err != nil || !cmp.Equal(got, changed) {
		t.Errorf("%v, %s", err, cmp.Diff(changed, got))
	}
}

// together changes one connection from many units of work; none undoes another.
func together(t *testing.T, r tx.Runner, s connection.Store) {
	insert(t, r, s, Build(Account, "con_a"))
	const changes = 8
	var wg sync.WaitGroup
	for n := range changes {
		wg.Go(func() {
			err := r.Write(t.Context(), tx.In(Account), func(ctx context.Context, u tx.Tx) error {
				c, err := s.Lock(ctx, u, Account, "con_a")
				if err != nil {
					return err
				}
				c.EmailDomains = append(c.EmailDomains, fmt.Sprintf("%d.example.com", n))
				_, err = s.Update(ctx, u, c)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c, err := get(t, r, s, Account, "con_a"); err != nil || len(c.EmailDomains) != changes+1 {
		t.Error(c.EmailDomains, err)
	}
}

func neverTwice(t *testing.T, r tx.Runner, s connection.Store) {
	c := Build(Account, "con_a")
	if !insert(t, r, s, c) || insert(t, r, s, c) {
		t.Error("inserting twice")
	}
	write(t, r, Account, func(ctx context.Context, u tx.Tx) {
		if ok, err := s.Delete(ctx, u, Account, "con_a"); !ok || err != nil {
			t.Error(ok, err)
		}
	})
	if insert(t, r, s, c) {
		t.Error("the id of a deleted connection was given again")
	}
	write(t, r, Account, func(ctx context.Context, u tx.Tx) {
		if ok, err := s.Update(ctx, u, c); ok || err != nil {
			t.Error("a deleted connection was revived:", ok, err)
		}
		if ok, err := s.Delete(ctx, u, Account, "con_a"); ok || err != nil {
			t.Error("deleted twice:", ok, err)
		}
	})
}

func pages(t *testing.T, r tx.Runner, s connection.Store) {
	for _, id := range []ident.ConnectionID{"con_b", "Con_z", "con_a", "con-c", "con_B"} {
		insert(t, r, s, Build(Account, id))
	}
	want := []ident.ConnectionID{"Con_z", "con-c", "con_B", "con_a", "con_b"}
	var got []ident.ConnectionID
	err := r.Read(t.Context(), tx.In(Account), func(ctx context.Context, u tx.Tx) error {
		after := ident.ConnectionID("")
		for range 10 {
			page, err := s.Page(ctx, u, Account, after, 2)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, c := range page {
				got = append(got, c.ID)
			}
			after = got[len(got)-1]
		}
		return errors.New("the pages do not end")
	})
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func accountsApart(t *testing.T, r tx.Runner, s connection.Store) {
	const other ident.AccountID = "acc_two"
	insert(t, r, s, Build(Account, "con_a"))
	mine := Build(other, "con_a")
	mine.Name = "mine"
	if !insert(t, r, s, mine) {
		t.Fatal("two accounts cannot use the same id")
	}
	write(t, r, other, func(ctx context.Context, u tx.Tx) {
		if _, err := s.Delete(ctx, u, other, "con_a"); err != nil {
			t.Error(err)
		}
	})
	if _, err := get(t, r, s, Account, "con_a"); err != nil {
		t.Error("deleting in one account reached another:", err)
	}
	if _, err := get(t, r, s, other, "con_a"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	err := r.Read(t.Context(), tx.In(other), func(ctx context.Context, u tx.Tx) error {
		page, err := s.Page(ctx, u, other, "", 10)
		if len(page) != 0 {
			t.Error("another account's connections are listed")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func deleted(t *testing.T, r tx.Runner, s connection.Store) {
	insert(t, r, s, Build(Account, "con_a"))
	insert(t, r, s, Build("acc_two", "con_b"))
	write(t, r, Account, func(ctx context.Context, u tx.Tx) {
		if _, err := s.Delete(ctx, u, Account, "con_a"); err != nil {
			t.Error(err)
		}
	})
	if _, err := get(t, r, s, Account, "con_a"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	err := r.Read(t.Context(), tx.System(), func(ctx context.Context, u tx.Tx) error {
		all, err := s.All(ctx, u)
		if len(all) != 1 || all[0].ID != "con_b" {
			t.Errorf("%+v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

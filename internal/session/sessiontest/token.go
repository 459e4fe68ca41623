package sessiontest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

func testDisabled(t *testing.T, open opener) {
	store, db, clk := open(t)
	tokens := store.(session.TokenStore)
	h := harness{t, db}
	disable := func(account ident.AccountID, user ident.UserID, id string) (added, full bool) {
		h.must(func(ctx context.Context, tt tx.Tx) (err error) {
			added, full, err = tokens.DisableToken(ctx, tt, session.DisabledToken{Account: account, User: user, ID: id, At: tt.Now()}, 3)
			return err
		})
		return added, full
	}
	read := func(q session.RevokedQuery) (out []string) {
		t.Helper()
		err := db.Read(t.Context(), tx.System(), func(ctx context.Context, tt tx.Tx) error {
			got, err := store.Revoked(ctx, tt, q)
			if len(got.Sessions)+len(got.Users) > 0 {
				t.Errorf("%+v", got)
			}
			for _, d := range got.Tokens {
				out = append(out, fmt.Sprint(d.Account, d.User, d.ID))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	began := clk.Now()
	for _, want := range []bool{true, false} {
		if added, full := disable("a", "u", "t1"); added != want || full {
			t.Fatal(added, full)
		}
	}
	disable("b", "u", "t1")
	disable("a", "v", "t1")
	clk.Advance(time.Hour)
	disable("a", "u", "t2")
	if got := read(session.RevokedQuery{Account: "a", User: "u", Token: "t1", Since: began}); !cmp.Equal(got, []string{"aut1"}) {
		t.Fatal(got)
	}
	for _, none := range []session.RevokedQuery{{Account: "a", User: "w", Token: "t1"}, {Account: "c", User: "u", Token: "t1"}, {Account: "a", User: "u", Token: "t3"},
		{Account: "a", User: "u", Token: "t1", Since: clk.Now()}} {
		if got := read(none); len(got) != 0 {
			t.Errorf("%+v: %v", none, got)
		}
	}
	if got := read(session.RevokedQuery{Since: clk.Now()}); !cmp.Equal(got, []string{"aut2"}) {
		t.Fatal(got)
	}
	if got := read(session.RevokedQuery{Since: began}); len(got) != 4 {
		t.Fatal(got)
	}
	disable("a", "u", "t3")
	if added, full := disable("a", "u", "t4"); added || !full {
		t.Fatal("more than the limit", added, full)
	}
	if added, full := disable("a", "u", "t1"); added || full {
		t.Fatal("one that is dead needs no room", added, full)
	}
	if added, full := disable("a", "v", "t4"); !added || full {
		t.Fatal("somebody else's limit", added, full)
	}
	var n int64
	h.must(func(ctx context.Context, tt tx.Tx) (err error) {
		n, err = store.Purge(ctx, tt, clk.Now(), 10)
		return err
	})
	if n != 3 {
		t.Fatalf("purged %d", n)
	}
	clk.Advance(2 * session.MaxTokenLife)
	if added, full := disable("a", "u", "t4"); !added || full {
		t.Fatal("what is long gone still counts", added, full)
	}
}

// testDisabledAtOnce lets many take the last places.
func testDisabledAtOnce(t *testing.T, open opener) {
	store, db, clk := open(t)
	tokens := store.(session.TokenStore)
	var all sync.WaitGroup
	var places atomic.Int32
	for i := range 12 {
		all.Go(func() {
			added := false
			err := db.Write(context.Background(), tx.System(), func(ctx context.Context, tt tx.Tx) (err error) {
				d := session.DisabledToken{Account: "race", User: "u", ID: fmt.Sprint("t", i), At: clk.Now()}
				added, _, err = tokens.DisableToken(ctx, tt, d, 3)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if added {
				places.Add(1)
			}
		})
	}
	all.Wait()
	if got := places.Load(); got != 3 {
		t.Errorf("%d of 3 places were taken", got)
	}
}

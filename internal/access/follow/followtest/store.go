// Package followtest owns the suite that every follow.Store passes.
package followtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// RunStore checks a store on an empty database.
func RunStore(t *testing.T, db tx.Runner, s follow.Store) {
	since := func(q follow.Query) (out string, w follow.Window) {
		t.Helper()
		err := db.Read(t.Context(), tx.In(q.Account), func(ctx context.Context, t tx.Tx) error {
			changes, window, err := s.Since(ctx, t, q)
			out, w = "", window
			for _, c := range changes {
				out += fmt.Sprintf("%d %s/%s/%s ", c.Rev, c.Account, c.Kind, c.Key)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out, w
	}
	change := func(account ident.AccountID, kind string, keys ...string) {
		t.Helper()
		err := db.Write(t.Context(), tx.In(account), func(_ context.Context, t tx.Tx) error {
			for _, key := range keys {
				t.Changed(kind, account, key)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, w := since(follow.Query{Account: "acc_a", Kinds: []string{"x"}, Limit: 10}); got != "" || w.Last != 0 || w.Oldest != 0 || !w.Reaches(0) {
		t.Errorf("an empty feed: %q, %+v", got, w)
	}
	change("acc_a", "x", "1", "2")
	change("acc_b", "x", "3")
	change("acc_a", "y", "4")
	change("acc_a", "z", "5")
	for _, test := range []struct {
		q    follow.Query
		want string
	}{
		{follow.Query{Account: "acc_a", Kinds: []string{"x", "y"}, Limit: 10}, "1 acc_a/x/1 2 acc_a/x/2 4 acc_a/y/4 "},
		{follow.Query{Account: "acc_a", Kinds: []string{"x", "y"}, Limit: 2}, "1 acc_a/x/1 2 acc_a/x/2 "},
		{follow.Query{Account: "acc_a", Kinds: []string{"x", "y"}, After: 2, Limit: 10}, "4 acc_a/y/4 "},
		{follow.Query{Account: "acc_b", Kinds: []string{"x", "y", "z"}, Limit: 10}, "3 acc_b/x/3 "},
		{follow.Query{Account: "acc_b", Kinds: []string{"y"}, Limit: 10}, ""},
		{follow.Query{Account: "acc_a", Limit: 10}, ""},
	} {
		if got, w := since(test.q); got != test.want || w.Last != 5 || w.Oldest != 1 {
			t.Errorf("%+v: %q, %+v; want %q", test.q, got, w, test.want)
		}
	}
}

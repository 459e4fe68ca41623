package usertest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

func (s suite) among(t *testing.T) {
	const account ident.AccountID = "acc_among"
	var everybody []ident.UserID
	for n := range 250 {
		id := ident.UserID(fmt.Sprintf("crm|%03d", n))
		s.write(t, account, func(ctx context.Context, x tx.Tx) error {
			free, err := s.store.Insert(ctx, x, user.User{Account: account, ID: id, Name: fmt.Sprint("Name ", n%10)})
			if !free {
				t.Error("not free")
			}
			return err
		})
		everybody = append(everybody, id)
	}
	some := append(slices.Clone(everybody[:230]), "zz_gone", "zz_gone2")
	asked := 0
	members := func(_ context.Context, after ident.UserID, limit int) ([]ident.UserID, error) {
		asked++
		i, found := slices.BinarySearch(some, after)
		if found {
			i++
		}
		return some[i:min(len(some), i+limit)], nil
	}
	read := func(account ident.AccountID, limit int, filter string) (all []ident.UserID) {
		for q := (user.Query{Limit: limit, Filter: filter}); ; {
			page, next, err := s.service.ListAmong(t.Context(), account, q, members)
			if err != nil || len(page) > limit {
				t.Fatal(len(page), err)
			}
			for _, u := range page {
				all = append(all, u.ID)
			}
			if q.After = next; next == "" {
				return all
			}
		}
	}
	for _, limit := range []int{1, 7, 99, 100} {
		if got := read(account, limit, ""); !slices.Equal(got, everybody[:230]) {
			t.Errorf("%d: %d people", limit, len(got))
		}
		if got := read(account, limit, "NAME 3"); len(got) != 23 || got[0] != "crm|003" {
			t.Errorf("%d: %v", limit, got)
		}
	}
	if got := read("acc_other", 100, ""); len(got) != 0 {
		t.Error("another account's people:", got)
	}
	some = nil
	if got := read(account, 100, ""); len(got) != 0 {
		t.Error(got)
	}
	for n := range 30 * user.MaxLimit {
		some = append(some, ident.UserID(fmt.Sprintf("x%06d", n)))
	}
	asked = 0
	if page, next, err := s.service.ListAmong(t.Context(), account, user.Query{}, members); err != nil || len(page) != 0 || next == "" || asked > 20 {
		t.Error("a page walks through a whole tenant", len(page), next, asked, err)
	}
}

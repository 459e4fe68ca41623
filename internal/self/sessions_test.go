package self_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/self"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

// What a person takes along has all their sessions, however many: half a truth is none.
func TestAboutHasEverySession(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		store := sessiondb.Store{}
		const n = 2*session.MaxListed + 3
		err = db.Write(t.Context(), tx.In("a"), func(ctx context.Context, x tx.Tx) error {
			for i := range n {
				s := sessiontest.Build(fmt.Sprintf("ses_%04d", i), "usr_1", clk.Now())
				s.CreatedAt = clk.Now().Add(-time.Duration(i/2) * time.Minute)
				if err := store.Insert(ctx, x, s); err != nil {
					return err
				}
			}
			return store.Insert(ctx, x, sessiontest.Build("ses_other", "usr_2", clk.Now()))
		})
		if err != nil {
			t.Fatal(err)
		}
		s := self.NewSessions(db, session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: keys}), nil)
		all, err := s.About(t.Context(), "a", "usr_1")
		seen := map[any]bool{}
		for _, one := range all {
			seen[one.ID] = true
		}
		if err != nil || len(all) != n || len(seen) != n {
			t.Errorf("%d of %d sessions, %d of them different: %v", len(all), n, len(seen), err)
		}
		clear(seen)
		before, pages := "", 0
		for ok := true; ok; ok = before != "" {
			page, next, err := s.List(t.Context(), "a", "usr_1", before)
			if err != nil || len(page) > session.MaxListed {
				t.Fatalf("%d sessions, %v", len(page), err)
			}
			for _, one := range page {
				seen[one.ID] = true
			}
			before, pages = next, pages+1
		}
		if len(seen) != n || pages != 3 {
			t.Errorf("%d sessions on %d pages", len(seen), pages)
		}
		for _, other := range []string{"x", "_", "x_ses_0001", "99999999999999999999_a", "' OR 1=1 --"} { // no place at all: the first page
			if page, _, err := s.List(t.Context(), "a", "usr_1", other); err != nil || len(page) != session.MaxListed {
				t.Errorf("%q: %d sessions, %v", other, len(page), err)
			}
		}
		if page, next, err := s.List(t.Context(), "b", "usr_1", ""); err != nil || len(page) != 0 || next != "" {
			t.Errorf("another account: %d %q %v", len(page), next, err)
		}
	})
}

package logout_test

import (
	"context"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/logout"
)

// crowd is an account with more sessions than end in one unit of work.
type crowd struct {
	logout.Store
	logout.Grants
	logout.Devices
	left  int
	steps []int // sessions that were left when the grants were ended
}

func (c *crowd) EndSome(_ context.Context, _ tx.Tx, _ ident.AccountID, limit int) (int, error) {
	n := min(limit, c.left)
	c.left -= n
	return n, nil
}

func (c *crowd) EndForAccount(context.Context, tx.Tx, actor.Actor) error {
	c.steps = append(c.steps, c.left)
	return nil
}

func (c *crowd) Leave(context.Context, tx.Tx, logout.Whose) (int64, error) { return 0, nil }

// EndClient is of the devices.
func (c *crowd) EndClient(context.Context, tx.Tx, ident.AccountID, string) error { return nil }

// A session that is yet to end may begin a grant after the first step, which must not outlive it.
func TestGrantsEndWithTheLastSession(t *testing.T) {
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		c := &crowd{left: 4500}
		s := logout.New(logout.Deps{DB: db, Store: c, Cuts: c, Grants: c, Devices: c})
		if err := s.EndAccount(t.Context(), actor.ForOperator("acc_a")); err != nil {
			t.Fatal(err)
		}
		if n := len(c.steps); n == 0 || c.steps[0] == 0 || c.steps[n-1] != 0 {
			t.Fatal("grants were ended when so many sessions were left:", c.steps)
		}
	})
}

package person

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Recoveries are what administrators do about people who lost every second factor: begin the wait, and no more. What
// gets the person in stays the person's, and everything tells them.
type Recoveries struct{ f *Features }

// Recoveries makes them.
func (f *Features) Recoveries() Recoveries { return Recoveries{f} }

// Pending returns the recovery of a person that waits or is ready. regain.ErrNone when there is none.
func (r Recoveries) Pending(ctx context.Context, account ident.AccountID, user ident.UserID) (found regain.Recovery, err error) {
	err = r.f.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		found, err = r.f.Regain.Pending(ctx, t, account, user)
		return err
	})
	return found, err
}

// Grant begins one, whatever the policy says of people who begin theirs; the policy's delay holds. Conflict when the
// person has no second factor to lose, Limited when it was begun too often.
func (r Recoveries) Grant(ctx context.Context, by actor.Actor, user ident.UserID) (begun regain.Recovery, err error) {
	var limited time.Duration
	err = r.f.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		limited = 0
		held, err := r.f.Held(ctx, t, by.Account, user)
		if err != nil {
			return err
		}
		if !held.Second() {
			return fault.New(fault.Conflict, fault.CodeConflict, "The user has no second factor that could be lost.")
		}
		p, err := r.f.demanded(ctx, t, by.Account, user)
		if err != nil {
			return err
		}
		var got factor.Result
		if begun, got, err = r.f.Regain.Grant(ctx, t, by, user, p.RecoveryDelay()); err == nil && got.Outcome == factor.Paused {
			limited = max(time.Duration(got.Retry)*time.Second, time.Second)
		}
		return err
	})
	if err == nil && limited > 0 {
		err = fault.New(fault.Limited, fault.CodeTooManyRequests, "Recoveries of this user were begun too often. Please wait.")
	}
	return begun, err
}

// Cancel ends one. regain.ErrNone when there is none.
func (r Recoveries) Cancel(ctx context.Context, by actor.Actor, user ident.UserID) error {
	return r.f.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return r.f.Regain.Cancel(ctx, t, by, user, regain.ByAdmin)
	})
}

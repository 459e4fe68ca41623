package person

import (
	"context"
	"log/slog"
	"time"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/passworddb"
	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/recovery/recoverydb"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/regain/regaindb"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/factor/totp/totpdb"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/user"
)

// factorBatch is how many rows are forgotten in one unit of work.
const factorBatch = 500

// Factors are the verbs of the factors besides passkeys.
type Factors struct {
	TOTP      *totp.Service
	Recovery  *recovery.Service
	Passwords *password.Service
	Regain    *regain.Service
	pool      *password.Pool
}

func buildFactors(d Deps) Factors {
	pool := password.NewPool(hashes.Params{Memory: uint32(d.Settings.PasswordMemory) << 10, Passes: uint32(d.Settings.PasswordPasses), Lanes: 1})
	return Factors{
		pool:     pool,
		TOTP:     &totp.Service{Store: totpdb.Store{}, Pending: totpdb.Pending{}, Keys: d.Keys},
		Recovery: &recovery.Service{Store: recoverydb.Store{}, Keys: d.Keys},
		Regain:   &regain.Service{Store: regaindb.Store{}, Keys: d.Keys},
		Passwords: password.New(password.Deps{
			DB: d.DB, Store: passworddb.Store{}, Keys: d.Keys, Breaches: StolenPasswords(d.Settings, d.Outbound), Pool: pool,
		}),
	}
}

// HashApart lets passwords be hashed in child processes: this program with the arguments.
func (f *Factors) HashApart(log *slog.Logger, args ...string) {
	program, err := worker.Self(args...)
	if err != nil {
		log.Warn("passwords are hashed inside the server's process", "error", err)
		return
	}
	f.pool.Apart(program, log)
}

func factorMigrations() []sqldb.Migration {
	var all []sqldb.Migration
	for _, m := range [][]sqldb.Migration{totpdb.Migrations(), recoverydb.Migrations(), passworddb.Migrations(), regaindb.Migrations()} {
		all = append(all, m...)
	}
	return all
}

func (f *Features) subscribeFactors(bus *tx.Bus) {
	bus.Subscribe(user.EventDeleted, f.TOTP.ForgetUser)
	bus.Subscribe(user.EventDeleted, f.Recovery.ForgetUser)
	bus.Subscribe(user.EventDeleted, f.Passwords.ForgetUser)
	bus.Subscribe(user.EventDeleted, f.Regain.ForgetUser)
	bus.Subscribe(regain.EventDone, f.forgetLost)
	bus.Subscribe(link.EventAddressRestored, f.forgetAdded)
	bus.Subscribe(password.EventSet, f.endOtherSessions)
	bus.Subscribe(passkey.EventRemoved, f.forgetShort)
	bus.Subscribe(totp.EventRemoved, f.forgetShort)
}

// forgetLost removes every second factor of a person whose delayed recovery is done, and ends every
// session: the login that finished it begins a new one.
func (f *Features) forgetLost(ctx context.Context, t tx.Tx, e event.Event) error {
	who := ident.UserID(e.Target)
	keys, err := f.Passkeys.List(ctx, t, e.Account, who)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := f.Passkeys.Remove(ctx, t, e.Actor, who, k.ID); err != nil {
			return err
		}
	}
	if err := f.TOTP.Lost(ctx, t, e.Actor, who); err != nil {
		return err
	}
	if err := f.Recovery.Lost(ctx, t, e.Actor, who); err != nil {
		return err
	}
	return f.d.Sessions.EndUser(ctx, t, e.Actor, who)
}

// forgetAdded removes what was registered since a person's address was changed by somebody who was not them:
// they have just taken the change back. What the person had before stays, as far as it is still there.
func (f *Features) forgetAdded(ctx context.Context, t tx.Tx, e event.Event) error {
	since, err := time.Parse(time.RFC3339Nano, e.Detail["since"])
	if err != nil {
		return fault.Wrap("person.forgetAdded", err)
	}
	by, who := e.Actor, ident.UserID(e.Target)
	by.Account = e.Account
	keys, err := f.Passkeys.List(ctx, t, e.Account, who)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.CreatedAt.Before(since) {
			continue
		}
		if err := f.Passkeys.Remove(ctx, t, by, who, k.ID); err != nil {
			return err
		}
	}
	apps, err := f.TOTP.List(ctx, t, e.Account, who)
	if err != nil {
		return err
	}
	for _, d := range apps {
		if d.CreatedAt.Before(since) {
			continue
		}
		if err := f.TOTP.Remove(ctx, t, by, who, d.ID); err != nil {
			return err
		}
	}
	if err := f.Recovery.LostSince(ctx, t, by, who, since); err != nil {
		return err
	}
	if err := f.Passwords.RemoveSince(ctx, t, by, who, since); err != nil {
		return err
	}
	if err := f.Regain.Cancel(ctx, t, by, who, regain.ByMail); !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// forgetShort removes a password that is good enough together with a second factor only, when the last of those
// is gone. A person who removes it themselves is told before: package holding.
func (f *Features) forgetShort(ctx context.Context, t tx.Tx, e event.Event) error {
	by, who := e.Actor, ident.UserID(e.Target)
	by.Account = e.Account
	if _, err := f.d.Users.Hold(ctx, t, e.Account, who); err != nil { // one who is gone has none
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	held, err := f.Held(ctx, t, e.Account, who)
	if err != nil || held.Second() {
		return err
	}
	short, err := f.Passwords.Short(ctx, t, e.Account, who)
	if err != nil || !short {
		return err
	}
	return f.Passwords.Remove(ctx, t, by, who)
}

// endOtherSessions ends the sessions that may be a stranger's who knew the password that was replaced.
// The first password replaces none.
func (f *Features) endOtherSessions(ctx context.Context, t tx.Tx, e event.Event) error {
	if e.Detail["first"] != "" {
		return nil
	}
	who := ident.UserID(e.Target)
	if e.Actor.Session != "" && e.Actor.ID == e.Target {
		keep, err := f.d.Sessions.ByID(ctx, t, e.Account, e.Actor.Session)
		if err == nil && keep.User == who {
			_, err = f.d.Sessions.EndOthers(ctx, t, e.Actor, keep)
			return err
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return f.d.Sessions.EndUser(ctx, t, e.Actor, who)
}

// forgetPending deletes registrations and recoveries that nobody finished.
func (f *Features) forgetPending(ctx context.Context) error {
	for _, purge := range []func(context.Context, tx.Tx, int) (int64, error){f.TOTP.Purge, f.Regain.Purge} {
		for {
			var n int64
			err := f.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
				n, err = purge(ctx, t, factorBatch)
				return err
			})
			if err != nil {
				return err
			}
			if n < factorBatch {
				break
			}
		}
	}
	return nil
}

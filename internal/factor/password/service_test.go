package password_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/passworddb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const mine, other = "rain on a tin roof at night", "snow on a tin roof at noon"

var by = actor.Actor{Kind: actor.User, Account: "a", ID: "u"}

type bench struct {
	t    *testing.T
	db   *sqldb.DB
	clk  *clock.Fake
	s    *password.Service
	keys *crypt.Keys
}

var pool = password.NewPool(hashes.Params{})

func each(t *testing.T, breaches password.Breaches, fn func(*bench)) {
	sqldbtest.Each(t, slices.Concat(passworddb.Migrations(), ratelimit.Migrations()), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		fn(&bench{t, db, clk, password.New(password.Deps{DB: db, Store: passworddb.Store{}, Keys: keys, Pool: pool, Breaches: breaches}), keys})
	})
}

func (b *bench) in(fn func(ctx context.Context, t tx.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), tx.In("a"), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) set(user ident.UserID, text string) {
	b.t.Helper()
	p, err := b.s.Prepare(context.Background(), password.Choice{Password: secret.New(text)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.in(func(ctx context.Context, t tx.Tx) error { return b.s.Put(ctx, t, by, user, p) })
}

func (b *bench) verify(a password.Attempt) factor.Result {
	b.t.Helper()
	r, err := b.s.Verify(context.Background(), by, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) try(user ident.UserID, text string) factor.Outcome {
	b.t.Helper()
	return b.verify(password.Attempt{User: user, Address: string(user) + "@x.example", Password: secret.New(text)}).Outcome
}

func (b *bench) kept(user ident.UserID) (k password.Kept) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		k, err = passworddb.Store{}.Get(ctx, t, "a", user)
		return err
	})
	return k
}

func (b *bench) opened(user ident.UserID) string {
	k := b.kept(user)
	plain, err := b.keys.Open("password/hash", k.Sealed, "a", "password", string(user), "hash", k.Version)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(plain)
}

func TestSetAndVerify(t *testing.T) {
	each(t, nil, func(b *bench) {
		if got := b.try("u", mine); got != factor.Wrong {
			t.Error("without a password:", got)
		}
		b.set("u", mine)
		b.clk.Advance(time.Minute)
		for text, want := range map[string]factor.Outcome{mine: factor.Right, other: factor.Wrong, "": factor.Wrong, mine + " ": factor.Wrong, mine + "\x00": factor.Wrong, strings.Repeat("x", 1<<20): factor.Wrong} {
			if got := b.try("u", text); got != want {
				t.Errorf("%.20q: %d", text, got)
			}
		}
		if k := b.kept("u"); !k.UsedAt.Equal(b.clk.Now()) || bytes.Contains(k.Sealed, []byte("argon2")) {
			t.Errorf("%+v", k)
		}
		if got := b.try("v", mine); got != factor.Wrong {
			t.Error("another person:", got)
		}
		if got := b.try("", mine); got != factor.Wrong {
			t.Error("nobody:", got)
		}
		b.set("u", other)
		if b.try("u", mine) != factor.Wrong || b.try("u", other) != factor.Right {
			t.Error("the new one does not hold")
		}
		b.in(func(ctx context.Context, t tx.Tx) error {
			return b.s.ForgetUser(ctx, t, event.New(by, "user.deleted", "u"))
		})
		if b.try("u", other) != factor.Wrong {
			t.Error("it outlives the person")
		}
	})
}

// DOS-08: wrong passwords are counted over all logins, hold back only passwords, and not the device that
// the person has used before.
func TestDOS08_WrongPasswordsAreCounted(t *testing.T) {
	each(t, nil, func(b *bench) {
		b.set("u", mine)
		b.set("v", mine)
		for range password.HourLimit.Count {
			if b.try("u", other) != factor.Wrong {
				t.Fatal()
			}
		}
		r := b.verify(password.Attempt{User: "u", Address: "u@x.example", Password: secret.New(mine)})
		if r.Outcome != factor.Paused || r.Retry < 1 || r.Retry > 3600 {
			t.Fatal(r)
		}
		if b.try("v", mine) != factor.Right {
			t.Error("another person is held back")
		}
		if got := b.verify(password.Attempt{User: "u", Address: "u@x.example", Password: secret.New(mine), Device: "known"}); got.Outcome != factor.Right {
			t.Error("the known device is held back", got)
		}
		b.clk.Advance(time.Duration(r.Retry) * time.Second)
		if b.try("u", mine) != factor.Right {
			t.Error("held back for longer than was said")
		}
		for range 3 * password.HourLimit.Count {
			if b.try("u", mine) != factor.Right {
				t.Fatal("right ones are counted")
			}
		}
	})
}

// I-23: people who are not there are held back alike.
func TestUnknownPeopleAreCountedAlike(t *testing.T) {
	each(t, nil, func(b *bench) {
		for range password.HourLimit.Count {
			if b.verify(password.Attempt{Address: "ann@x.example", Password: secret.New(mine)}).Outcome != factor.Wrong {
				t.Fatal()
			}
		}
		if b.verify(password.Attempt{Address: "ann@x.example", Password: secret.New(mine)}).Outcome != factor.Paused {
			t.Error("unknown people are never held back: that tells who is known")
		}
		if b.verify(password.Attempt{Address: "bob@x.example", Password: secret.New(mine)}).Outcome != factor.Wrong {
			t.Error("all unknown people share one limit")
		}
	})
}

// CRY-02: what comes in is hashed anew with the first login, even by several at once.
func TestCRY02_ImportedHashesAreHashedAnew(t *testing.T) {
	each(t, nil, func(b *bench) {
		bring := func(user ident.UserID, text string) (made bool, err error) {
			b.in(func(ctx context.Context, t tx.Tx) error {
				made, err = b.s.Import(ctx, t, by, user, secret.New(text))
				return nil
			})
			return made, err
		}
		const bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
		if made, err := bring("u", bcrypt); !made || err != nil {
			t.Fatal(made, err)
		}
		if made, err := bring("u", "{SSHA}Gc4/7jHPG8TGr/ec06YtzEmak48BAgME"); made || err != nil {
			t.Error("an import replaced a password", err)
		}
		if _, err := bring("v", "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"); !errors.Is(err, hashes.ErrFormat) {
			t.Error(err)
		}
		if b.try("u", other) != factor.Wrong || b.opened("u") != bcrypt {
			t.Error("a wrong password changed it")
		}
		var wg sync.WaitGroup
		var right atomic.Int32
		for range 4 {
			wg.Go(func() {
				r, err := b.s.Verify(context.Background(), by, password.Attempt{User: "u", Address: "u@x.example", Password: secret.New("U*U")})
				if err == nil && r.Outcome == factor.Right {
					right.Add(1)
				}
			})
		}
		wg.Wait()
		if right.Load() != 4 {
			t.Error("of 4 logins at once", right.Load())
		}
		if again := b.opened("u"); !strings.HasPrefix(again, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Error("not hashed anew")
		}
		if b.try("u", "U*U") != factor.Right {
			t.Error("the new hash does not hold")
		}
	})
}

// CRY-02: a hash that was tampered with lets nobody in and allocates nothing; one that was moved neither.
func TestCRY02_TamperedRows(t *testing.T) {
	each(t, nil, func(b *bench) {
		b.set("u", mine)
		b.set("v", other)
		k := b.kept("u")
		for _, costs := range []string{"m=19456,t=0,p=1", "m=8,t=2,p=1", "m=4194304,t=2,p=1"} {
			text := strings.Replace(b.opened("v"), "m=19456,t=2,p=1", costs, 1)
			next := k
			next.Sealed = b.keys.Seal("password/hash", []byte(text), "a", "password", "u", "hash", k.Version)
			b.in(func(ctx context.Context, t tx.Tx) error { return passworddb.Store{}.Put(ctx, t, next) })
			if r, err := b.s.Verify(context.Background(), by, password.Attempt{User: "u", Password: secret.New(other)}); !errors.Is(err, hashes.ErrFormat) || r.Outcome == factor.Right {
				t.Errorf("%s: %v", costs, err)
			}
		}
		b.in(func(ctx context.Context, t tx.Tx) error {
			_, err := sqldb.From(t).Exec(ctx, `UPDATE passwords SET hash = (SELECT hash FROM passwords WHERE user_id = 'v'), version = (SELECT version FROM passwords WHERE user_id = 'v') WHERE user_id = 'u'`)
			return err
		})
		if r, err := b.s.Verify(context.Background(), by, password.Attempt{User: "u", Password: secret.New(other)}); !errors.Is(err, crypt.ErrOpen) || r.Outcome == factor.Right {
			t.Error("another person's password was taken:", r, err)
		}
	})
}

// A password that is replaced while it is being compared is not right any more.
func TestReplacedMeanwhile(t *testing.T) {
	each(t, nil, func(b *bench) {
		b.set("u", mine)
		old := b.kept("u")
		b.set("u", other)
		b.in(func(ctx context.Context, t tx.Tx) error {
			if err := (passworddb.Store{}).Replace(ctx, t, old, old); !fault.Is(err, fault.NotFound) {
				b.t.Error(err)
			}
			return nil
		})
		if b.try("u", mine) != factor.Wrong {
			t.Error("the old one is back")
		}
	})
}

type list struct {
	found bool
	err   error
}

func (l list) Found(context.Context, string) (bool, error) { return l.found, l.err }

func TestENM08_StolenPasswords(t *testing.T) {
	prepare := func(b *bench) error {
		_, err := b.s.Prepare(context.Background(), password.Choice{Password: secret.New(mine)})
		return err
	}
	each(t, list{found: true}, func(b *bench) {
		var r *password.Refused
		if err := prepare(b); !errors.As(err, &r) || r.Reason != password.Breached {
			t.Error(err)
		}
	})
	each(t, list{err: errors.New("down")}, func(b *bench) {
		if err := prepare(b); !fault.Is(err, fault.Unavailable) {
			t.Error("what nobody could check was taken:", err)
		}
	})
	each(t, list{}, func(b *bench) {
		if err := prepare(b); err != nil {
			t.Error(err)
		}
		if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			return b.s.Put(ctx, t, by, "u", password.Prepared{})
		}); err == nil {
			t.Error("what was not prepared was kept")
		}
	})
}

// DOS-02: as many as fit are compared, the others are turned away at once.
func TestDOS02_TheQueueIsBounded(t *testing.T) {
	small := password.NewPool(hashes.Params{})
	var wg sync.WaitGroup
	var done, busy atomic.Int32
	var slowest atomic.Int64
	for range 500 {
		wg.Go(func() {
			begin := time.Now()
			_, err := small.Hash(context.Background(), mine)
			switch {
			case err == nil:
				done.Add(1)
			case fault.Is(err, fault.Limited):
				busy.Add(1)
				slowest.Store(max(slowest.Load(), int64(time.Since(begin))))
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 || busy.Load() == 0 || done.Load()+busy.Load() != 500 {
		t.Error(done.Load(), busy.Load())
	}
	t.Logf("%d done, %d turned away, the slowest of them after %v", done.Load(), busy.Load(), time.Duration(slowest.Load()))
	if small.Full() {
		t.Error("the queue did not empty")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := small.Compare(ctx, hashes.Least.Nobody(), mine); err == nil {
		t.Error("worked for somebody who has left")
	}
}

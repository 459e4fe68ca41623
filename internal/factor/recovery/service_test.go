package recovery_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/recovery/recoverydb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type bench struct {
	t   *testing.T
	db  *sqldb.DB
	clk *clock.Fake
	s   *recovery.Service
}

var by = actor.Actor{Kind: actor.User, Account: "a", ID: "u"}

func each(t *testing.T, fn func(*bench)) {
	sqldbtest.Each(t, slices.Concat(recoverydb.Migrations(), ratelimit.Migrations()), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		fn(&bench{t, db, clk, &recovery.Service{Store: recoverydb.Store{}, Keys: keys}})
	})
}

func (b *bench) in(fn func(ctx context.Context, t tx.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), tx.In("a"), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) create(user ident.UserID) (out []secret.Text) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		out, err = b.s.Create(ctx, t, by, user)
		return err
	})
	return out
}

func (b *bench) use(user ident.UserID, typed string) (r factor.Result) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		r, err = b.s.Use(ctx, t, by, user, typed)
		return err
	})
	return r
}

func (b *bench) want(r factor.Result, want factor.Outcome) {
	b.t.Helper()
	if r.Outcome != want {
		b.t.Fatalf("%+v; want %d", r, want)
	}
}

func (b *bench) left(user ident.UserID) (n int) {
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		n, err = b.s.Left(ctx, t, "a", user)
		return err
	})
	return n
}

func TestEachCodeIsGoodOnce(t *testing.T) {
	each(t, func(b *bench) {
		b.want(b.use("u", "0000-0000-0000-0000"), factor.Absent)
		codes, others := b.create("u"), b.create("v")
		form, seen := regexp.MustCompile(`^([0-9a-hj-kmnp-tv-z]{4}-){3}[0-9a-hj-kmnp-tv-z]{4}$`), map[string]bool{}
		for _, c := range codes {
			if seen[c.Reveal()] = true; !form.MatchString(c.Reveal()) {
				t.Error("another form")
			}
		}
		if len(seen) != recovery.Count || b.left("u") != recovery.Count {
			t.Fatal(len(seen))
		}
		b.want(b.use("u", others[0].Reveal()), factor.Wrong)
		b.want(b.use("u", codes[0].Reveal()[:15]), factor.Wrong)
		b.want(b.use("u", ""), factor.Wrong)
		b.want(b.use("u", codes[0].Reveal()), factor.Right)
		b.want(b.use("u", codes[0].Reveal()), factor.Wrong)
		b.want(b.use("u", " "+strings.ToUpper(strings.ReplaceAll(codes[1].Reveal(), "-", " "))), factor.Right)
		b.want(b.use("u", strings.NewReplacer("-", "", "0", "O", "1", "l").Replace(codes[2].Reveal())), factor.Right)
		if b.left("u") != 7 || b.left("v") != 10 {
			t.Error(b.left("u"), b.left("v"))
		}
		again := b.create("u")
		b.want(b.use("u", codes[3].Reveal()), factor.Wrong)
		b.want(b.use("u", again[0].Reveal()), factor.Right)
	})
}

func TestOneOfManyUsesACode(t *testing.T) {
	each(t, func(b *bench) {
		code := b.create("u")[4].Reveal()
		var wg sync.WaitGroup
		var right atomic.Int32
		for range 8 {
			wg.Go(func() {
				if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
					r, err := b.s.Use(ctx, t, by, "u", code)
					if err == nil && r.Outcome == factor.Right {
						right.Add(1)
					}
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if right.Load() != 1 {
			t.Errorf("%d of 8 used one code", right.Load())
		}
	})
}

// Of two sets that are made at once, one is left, and all of it.
func TestSetsThatAreMadeAtOnce(t *testing.T) {
	each(t, func(b *bench) {
		var wg sync.WaitGroup
		sets := make([][]secret.Text, 6)
		for i := range sets {
			wg.Go(func() {
				if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
					sets[i], err = b.s.Create(ctx, t, by, "u")
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if b.left("u") != recovery.Count {
			t.Fatal(b.left("u"))
		}
		whole := 0
		for _, set := range sets {
			good := 0
			for _, c := range set {
				b.clk.Advance(time.Hour)
				if b.use("u", c.Reveal()).Outcome == factor.Right {
					good++
				}
			}
			if good == recovery.Count {
				whole++
			} else if good != 0 {
				t.Error("a part of a set is left:", good)
			}
		}
		if whole != 1 {
			t.Error(whole, "sets are left")
		}
	})
}

func TestWrongCodesAreCounted(t *testing.T) {
	each(t, func(b *bench) {
		codes := b.create("u")
		for range recovery.Limit.Count {
			b.want(b.use("u", "0000-0000-0000-0000"), factor.Wrong)
		}
		r := b.use("u", codes[0].Reveal())
		b.want(r, factor.Paused)
		b.clk.Advance(time.Duration(r.Retry) * time.Second)
		b.want(b.use("u", codes[0].Reveal()), factor.Right)
	})
}

func TestForget(t *testing.T) {
	each(t, func(b *bench) {
		b.create("u")
		b.create("v")
		b.in(func(ctx context.Context, t tx.Tx) error {
			return b.s.ForgetUser(ctx, t, event.New(by, "user.deleted", "u"))
		})
		if b.left("u") != 0 || b.left("v") != 10 {
			t.Error(b.left("u"), b.left("v"))
		}
		b.in(func(ctx context.Context, t tx.Tx) error { return b.s.Lost(ctx, t, by, "v") })
		if b.left("v") != 0 {
			t.Error(b.left("v"))
		}
	})
}

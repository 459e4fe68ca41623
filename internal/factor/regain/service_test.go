package regain_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/regain/regaindb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type bench struct {
	t      *testing.T
	db     *sqldb.DB
	clk    *clock.Fake
	s      *regain.Service
	events []string
}

var by = actor.Actor{Kind: actor.Anonymous, Account: "a"}

const delay = 24 * time.Hour

func each(t *testing.T, fn func(*bench)) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			b, bus := &bench{t: t}, &tx.Bus{}
			var mu sync.Mutex
			bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
				mu.Lock()
				defer mu.Unlock()
				b.events = append(b.events, e.Type+" "+e.Target+" "+e.Detail["by"])
				return nil
			})
			migrations := slices.Concat(regaindb.Migrations(), ratelimit.Migrations())
			if kind == "sqlite" {
				b.db, b.clk = sqldbtest.SQLite(t, migrations, bus)
			} else {
				if os.Getenv(sqldbtest.PostgresEnv) == "" {
					t.Skip("no PostgreSQL")
				}
				b.db, b.clk = sqldbtest.Postgres(t, migrations, bus)
			}
			keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
			if err != nil {
				t.Fatal(err)
			}
			b.s = &regain.Service{Store: regaindb.Store{}, Keys: keys}
			fn(b)
		})
	}
}

// do runs a verb and returns its error; the unit of work commits nevertheless where it can.
func (b *bench) do(fn func(ctx context.Context, t tx.Tx) error) error {
	return b.db.Write(context.Background(), tx.In("a"), fn)
}

func (b *bench) request(d time.Duration) (r regain.Recovery, f factor.Result) {
	b.t.Helper()
	if err := b.do(func(ctx context.Context, t tx.Tx) (err error) {
		r, f, err = b.s.Request(ctx, t, by, "u", d)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return r, f
}

func (b *bench) finish(proved time.Time) error {
	return b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Finish(ctx, t, by, "u", proved) })
}

func (b *bench) none(what string, err error) {
	b.t.Helper()
	if !errors.Is(err, regain.ErrNone) {
		b.t.Errorf("%s: %v", what, err)
	}
}

func (b *bench) due() error {
	return b.do(func(ctx context.Context, t tx.Tx) error {
		_, err := b.s.Due(ctx, t, "a", "u")
		return err
	})
}

func TestRecoveryWaits(t *testing.T) {
	each(t, func(b *bench) {
		start := b.clk.Now()
		b.none("nothing was requested", b.finish(start))
		r, _ := b.request(delay)
		if again, _ := b.request(time.Minute); again != r {
			t.Errorf("%+v; was %+v", again, r)
		}
		b.none("at once", b.finish(start))
		b.clk.Advance(delay - time.Microsecond)
		b.none("too early", b.finish(b.clk.Now()))
		b.none("due too early", b.due())
		b.clk.Advance(time.Microsecond)
		if err := b.due(); err != nil {
			t.Error(err)
		}
		b.none("with the proof of before", b.finish(start))
		b.none("with a proof just before", b.finish(r.ReadyAt.Add(-time.Microsecond)))
		b.none("somebody else", b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Finish(ctx, t, by, "v", b.clk.Now()) }))
		b.none("another account", b.db.Write(context.Background(), tx.In("b"), func(ctx context.Context, t tx.Tx) error {
			return b.s.Finish(ctx, t, actor.Actor{Account: "b"}, "u", b.clk.Now())
		}))
		if err := b.finish(b.clk.Now()); err != nil {
			t.Fatal(err)
		}
		b.none("twice", b.finish(b.clk.Now()))
		if want := []string{"recovery.requested u ", "recovery.done u "}; !slices.Equal(b.events, want) {
			t.Error(b.events)
		}
	})
}

func TestReadyIsNotForever(t *testing.T) {
	each(t, func(b *bench) {
		b.request(delay)
		b.clk.Advance(delay + regain.ReadyLife)
		b.none("a week after", b.finish(b.clk.Now()))
		r, f := b.request(delay)
		if f.Outcome != factor.Right || !r.RequestedAt.Equal(b.clk.Now()) {
			t.Error(r, f)
		}
		b.none("the new one is not ready", b.finish(b.clk.Now()))
	})
}

func TestCancel(t *testing.T) {
	each(t, func(b *bench) {
		cancel := func(from regain.Cancelling) error {
			return b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Cancel(ctx, t, by, "u", from) })
		}
		b.none("nothing to cancel", cancel(regain.BySession))
		b.request(delay)
		if err := cancel(regain.BySession); err != nil {
			t.Fatal(err)
		}
		b.clk.Advance(delay)
		b.none("cancelled", b.finish(b.clk.Now()))
		r, _ := b.request(delay)
		b.clk.Advance(delay) // a ready one can be cancelled too
		link := b.s.Link("a", "u", r.ID)
		follow := func(l string) error {
			return b.do(func(ctx context.Context, t tx.Tx) error { return b.s.CancelLinked(ctx, t, by, secret.New(l)) })
		}
		for _, bad := range []string{"", ".", r.ID, r.ID + ".", link.Reveal() + "A", link.Reveal()[:len(link.Reveal())-1], b.s.Link("a", "v", r.ID).Reveal(), b.s.Link("b", "u", r.ID).Reveal(), "rec_x" + link.Reveal()[len(r.ID):]} {
			b.none("the link "+bad, follow(bad))
		}
		if err := b.do(func(ctx context.Context, t tx.Tx) error {
			got, err := b.s.Linked(ctx, t, "a", link)
			if got != r {
				b.t.Errorf("%+v", got)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if err := follow(link.Reveal()); err != nil {
			t.Fatal(err)
		}
		b.none("the link twice", follow(link.Reveal()))
		next, _ := b.request(delay)
		b.none("the link of the one before", follow(link.Reveal()))
		if next.ID == r.ID {
			t.Error("an id came twice")
		}
		if b.events[1] != "recovery.cancelled u session" || b.events[3] != "recovery.cancelled u mail" {
			t.Error(b.events)
		}
	})
}

// Whoever cancels is not worn down by requests.
func TestRequestsAreLimited(t *testing.T) {
	each(t, func(b *bench) {
		for i := 0; ; i++ {
			_, f := b.request(delay)
			if f.Outcome == factor.Paused {
				if i != regain.Limit.Count || f.Retry < 1 {
					t.Error(i, f)
				}
				return
			}
			if i > regain.Limit.Count {
				t.Fatal("no limit")
			}
			if err := b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Cancel(ctx, t, by, "u", regain.BySession) }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Of many who begin at once, one does, all get what it began, and it counts once.
func TestBegunOnce(t *testing.T) {
	each(t, func(b *bench) {
		admin := actor.ForOperator("a")
		begin := map[string]func(context.Context, tx.Tx) (regain.Recovery, factor.Result, error){
			"the person": func(ctx context.Context, t tx.Tx) (regain.Recovery, factor.Result, error) {
				return b.s.Request(ctx, t, by, "u", delay)
			},
			"an administrator": func(ctx context.Context, t tx.Tx) (regain.Recovery, factor.Result, error) {
				return b.s.Grant(ctx, t, admin, "u", delay)
			},
		}
		for _, who := range []string{"the person", "an administrator"} {
			for round := range regain.Limit.Count {
				var wg sync.WaitGroup
				var found sync.Map
				for range 4 * regain.Limit.Count {
					wg.Go(func() {
						err := b.do(func(ctx context.Context, t tx.Tx) error {
							r, f, err := begin[who](ctx, t)
							if err == nil && f.Outcome != factor.Right {
								err = fmt.Errorf("%+v", f)
							}
							found.Store(r.ID, true)
							return err
						})
						if err != nil {
							b.t.Errorf("%s, round %d: %v", who, round, err)
						}
					})
				}
				wg.Wait()
				var ids []any
				found.Range(func(id, _ any) bool { ids = append(ids, id); return true })
				if len(ids) != 1 {
					b.t.Errorf("%s, round %d: %v", who, round, ids)
				}
				if err := b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Cancel(ctx, t, by, "u", regain.BySession) }); err != nil {
					b.t.Fatal(err)
				}
			}
			if err := b.do(func(ctx context.Context, t tx.Tx) error {
				_, f, err := begin[who](ctx, t)
				if f.Outcome != factor.Paused {
					b.t.Errorf("%s: %v", who, f)
				}
				return err
			}); err != nil {
				b.t.Error(err)
			}
		}
	})
}

func TestFinishedOnce(t *testing.T) {
	each(t, func(b *bench) {
		r, _ := b.request(delay)
		b.clk.Advance(delay)
		var wg sync.WaitGroup
		var done atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				err := b.do(func(ctx context.Context, t tx.Tx) error {
					if i%2 == 0 {
						return b.s.Cancel(ctx, t, by, "u", regain.BySession)
					}
					return b.s.Finish(ctx, t, by, "u", r.ReadyAt)
				})
				if err == nil {
					done.Add(1)
				} else if !errors.Is(err, regain.ErrNone) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("%d of 8 ended it", done.Load())
		}
	})
}

func TestForgetAndPurge(t *testing.T) {
	each(t, func(b *bench) {
		b.request(delay)
		if err := b.do(func(ctx context.Context, t tx.Tx) error {
			return b.s.ForgetUser(ctx, t, event.New(by, "user.deleted", "u"))
		}); err != nil {
			t.Fatal(err)
		}
		b.clk.Advance(delay)
		b.none("forgotten", b.due())
		b.request(delay)
		b.clk.Advance(delay + regain.ReadyLife + time.Second)
		var n int64
		if err := b.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
			n, err = b.s.Purge(ctx, t, 10)
			return err
		}); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

// An administrator begins and ends the wait of others, never their own, and shortens nothing.
func TestGrant(t *testing.T) {
	each(t, func(b *bench) {
		admin := actor.Actor{Kind: actor.User, Account: "a", ID: "admin"}
		grant := func(by actor.Actor) (r regain.Recovery, f factor.Result, err error) {
			err = b.do(func(ctx context.Context, t tx.Tx) (err error) {
				r, f, err = b.s.Grant(ctx, t, by, "u", delay)
				return err
			})
			return r, f, err
		}
		for _, nobody := range []actor.Actor{by, {Kind: actor.User, Account: "a", ID: "u"}} {
			if _, _, err := grant(nobody); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%v: %v", nobody, err)
			}
		}
		own, _ := b.request(delay)
		b.clk.Advance(delay / 2)
		r, f, err := grant(admin)
		if err != nil || f.Outcome != factor.Right || !r.Granted || own.Granted || r.ID == own.ID || !r.ReadyAt.Equal(b.clk.Now().Add(delay)) {
			t.Fatalf("%+v %+v %v; was %+v", r, f, err, own)
		}
		b.clk.Advance(time.Hour)
		if again, _, err := grant(admin); err != nil || again != r {
			t.Errorf("%+v, %v; was %+v", again, err, r)
		}
		if person, _ := b.request(time.Minute); person != r {
			t.Errorf("the person's own request: %+v; was %+v", person, r)
		}
		b.clk.Advance(delay/2 + time.Minute)
		b.none("when the person's own would have been ready", b.finish(b.clk.Now()))
		b.clk.Advance(delay)
		if err := b.finish(b.clk.Now()); err != nil {
			t.Error(err)
		}
		want := []string{"recovery.requested u ", "recovery.cancelled u administrator", "recovery.requested u ", "recovery.done u "}
		if !slices.Equal(b.events, want) {
			t.Error(b.events)
		}
		cancel := func() error {
			return b.do(func(ctx context.Context, t tx.Tx) error { return b.s.Cancel(ctx, t, admin, "u", regain.ByAdmin) })
		}
		for range regain.Limit.Count {
			if _, f, err := grant(admin); err != nil || f.Outcome != factor.Right {
				t.Fatal(f, err)
			}
			if err := cancel(); err != nil {
				t.Fatal(err)
			}
		}
		if _, f, err := grant(admin); err != nil || f.Outcome != factor.Paused || f.Retry < 1 {
			t.Error("no limit:", f, err)
		}
		b.none("nothing to cancel", cancel())
		if _, f := b.request(delay); f.Outcome != factor.Right {
			t.Error("an administrator uses up what the person may do:", f)
		}
	})
}

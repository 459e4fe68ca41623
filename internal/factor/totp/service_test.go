package totp_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/factor/totp/totpdb"
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

type bench struct {
	t   *testing.T
	db  *sqldb.DB
	clk *clock.Fake
	s   *totp.Service
}

func each(t *testing.T, fn func(*bench)) {
	sqldbtest.Each(t, slices.Concat(totpdb.Migrations(), ratelimit.Migrations()), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		fn(&bench{t, db, clk, &totp.Service{Store: totpdb.Store{}, Pending: totpdb.Pending{}, Keys: keys}})
	})
}

var by = actor.Actor{Kind: actor.User, Account: "a", ID: "u"}

func (b *bench) in(fn func(ctx context.Context, t tx.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), tx.In("a"), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) begin(user ident.UserID, binding string) (e totp.Enrolment) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		e, err = b.s.Begin(ctx, t, totp.Starter{Account: "a", User: user, Binding: []byte(binding), Issuer: "Acme", Label: "ann@x.example"})
		return err
	})
	return e
}

func (b *bench) code(text secret.Text, after time.Duration) string {
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text.Reveal())
	if err != nil {
		b.t.Fatal(err)
	}
	return totp.Code(seed, totp.StepAt(b.clk.Now().Add(after)), totp.Digits)
}

// confirm returns the outcome, 0 with an error.
func (b *bench) confirm(user ident.UserID, binding, code string) (outcome factor.Outcome, err error) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) error {
		_, r, e := b.s.Confirm(ctx, t, by, user, []byte(binding), "  Phone\u202e\n ", code)
		outcome, err = r.Outcome, e
		return nil
	})
	return outcome, err
}

func (b *bench) register(user ident.UserID) secret.Text {
	b.t.Helper()
	e := b.begin(user, "session")
	if got, err := b.confirm(user, "session", b.code(e.Secret, 0)); got != factor.Right || err != nil {
		b.t.Fatal(got, err)
	}
	return e.Secret
}

func (b *bench) enter(user ident.UserID, code string) (r factor.Result) {
	b.t.Helper()
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		r, err = b.s.Enter(ctx, t, by, user, code)
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

func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func (b *bench) list(user ident.UserID) (out []totp.Device) {
	b.in(func(ctx context.Context, t tx.Tx) (err error) {
		out, err = b.s.List(ctx, t, "a", user)
		return err
	})
	return out
}

// MFA-10: a seed is for one person in one browser, until it is confirmed or ten minutes are over.
func TestMFA10_EnrolmentIsBound(t *testing.T) {
	each(t, func(b *bench) {
		e := b.begin("u", "session")
		if len(e.Secret.Reveal()) != 32 || e.ExpiresAt != b.clk.Now().Add(totp.PendingLife) {
			t.Fatal(len(e.Secret.Reveal()), e.ExpiresAt)
		}
		code := b.code(e.Secret, 0)
		for _, c := range [][2]string{{"u", "other session"}, {"v", "session"}, {"u", ""}} {
			if _, err := b.confirm(ident.UserID(c[0]), c[1], code); !errors.Is(err, totp.ErrGone) {
				t.Errorf("%v: %v", c, err)
			}
		}
		again := b.begin("u", "session")
		if again.Secret == e.Secret {
			t.Error("the seed was shown twice")
		}
		if got, _ := b.confirm("u", "session", code); got != factor.Wrong {
			t.Error("the replaced seed counts")
		}
		b.clk.Advance(totp.PendingLife)
		if _, err := b.confirm("u", "session", b.code(again.Secret, 0)); !errors.Is(err, totp.ErrGone) {
			t.Error("confirmed after its time:", err)
		}
		if len(b.list("u")) != 0 {
			t.Error("there is a device")
		}
	})
}

func TestMFA10_ShownOnlyUntilConfirmed(t *testing.T) {
	each(t, func(b *bench) {
		starter := totp.Starter{Account: "a", User: "u", Binding: []byte("session")}
		shown := func(s totp.Starter) (e totp.Enrolment, err error) {
			b.in(func(ctx context.Context, t tx.Tx) error {
				e, err = b.s.Shown(ctx, t, s)
				return nil
			})
			return e, err
		}
		e := b.begin("u", "session")
		if got, err := shown(starter); err != nil || got.Secret != e.Secret {
			t.Error(err)
		}
		other := starter
		other.Binding = []byte("another")
		if _, err := shown(other); !errors.Is(err, totp.ErrGone) {
			t.Error("shown in another browser:", err)
		}
		if got, err := b.confirm("u", "session", b.code(e.Secret, 0)); got != factor.Right || err != nil {
			t.Fatal(got, err)
		}
		if _, err := shown(starter); !errors.Is(err, totp.ErrGone) {
			t.Error("shown after it was confirmed:", err)
		}
		if d := b.list("u"); len(d) != 1 || d[0].Name != "Phone" || !d[0].LastUsedAt.IsZero() {
			t.Errorf("%+v", d)
		}
	})
}

func TestConfirmIsCounted(t *testing.T) {
	each(t, func(b *bench) {
		e := b.begin("u", "session")
		right := b.code(e.Secret, 0)
		for range totp.Attempts {
			if got, err := b.confirm("u", "session", wrong(right)); got != factor.Wrong || err != nil {
				t.Fatal(got, err)
			}
		}
		if _, err := b.confirm("u", "session", right); !errors.Is(err, totp.ErrGone) {
			t.Error("a sixth code was taken:", err)
		}
	})
}

func TestStepsAreUsedOnce(t *testing.T) {
	each(t, func(b *bench) {
		seed := b.register("u")
		b.want(b.enter("u", b.code(seed, 0)), factor.Wrong) // it confirmed the device
		next := b.code(seed, totp.Step)
		b.want(b.enter("u", next[:3]+" "+next[3:]), factor.Right) // an app whose clock is fast
		b.want(b.enter("u", next), factor.Wrong)
		b.clk.Advance(totp.Step)
		b.want(b.enter("u", next), factor.Wrong)
		b.clk.Advance(2 * totp.Step)
		current, before := b.code(seed, 0), b.code(seed, -totp.Step)
		b.want(b.enter("u", b.code(seed, -2*totp.Step)), factor.Wrong)
		b.want(b.enter("u", b.code(seed, 2*totp.Step)), factor.Wrong)
		b.want(b.enter("u", current), factor.Right)
		b.want(b.enter("u", before), factor.Wrong) // earlier than one that was used
		if d := b.list("u"); !d[0].LastUsedAt.Equal(b.clk.Now()) {
			t.Error(d[0].LastUsedAt)
		}
		b.want(b.enter("v", b.code(seed, totp.Step)), factor.Absent)
	})
}

func TestOneOfManyUsesACode(t *testing.T) {
	each(t, func(b *bench) {
		seed := b.register("u")
		b.clk.Advance(time.Minute)
		code := b.code(seed, 0)
		var wg sync.WaitGroup
		var right atomic.Int32
		for range 8 {
			wg.Go(func() {
				err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
					r, err := b.s.Enter(ctx, t, by, "u", code)
					if err == nil && r.Outcome == factor.Right {
						right.Add(1)
					}
					return err
				})
				if err != nil {
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

// Wrong codes are counted over all logins of a person, and hold back nobody else.
func TestWrongCodesAreCounted(t *testing.T) {
	each(t, func(b *bench) {
		seed, other := b.register("u"), b.register("v")
		b.clk.Advance(time.Minute)
		for range totp.HourLimit.Count {
			b.want(b.enter("u", wrong(b.code(seed, 0))), factor.Wrong)
		}
		r := b.enter("u", b.code(seed, 0))
		if b.want(r, factor.Paused); r.Retry < 1 || r.Retry > 3600 {
			t.Error(r.Retry)
		}
		b.want(b.enter("v", b.code(other, 0)), factor.Right)
		b.clk.Advance(time.Duration(r.Retry) * time.Second)
		b.want(b.enter("u", b.code(seed, 0)), factor.Right)
		tried := 0
		for range 48 {
			b.clk.Advance(30 * time.Minute)
			for b.enter("u", "").Outcome == factor.Wrong {
				tried++
			}
		}
		if tried > 2*totp.DayLimit.Count {
			t.Error("guesses in a day:", tried)
		}
	})
}

func TestRightCodesAreNotCounted(t *testing.T) {
	each(t, func(b *bench) {
		seed := b.register("u")
		for range 3 * totp.DayLimit.Count {
			b.clk.Advance(totp.Step)
			b.want(b.enter("u", b.code(seed, 0)), factor.Right)
		}
	})
}

func TestNoMoreThanFive(t *testing.T) {
	each(t, func(b *bench) {
		var begun []totp.Enrolment
		for i := range totp.MaxHeld + 2 {
			begun = append(begun, b.begin("u", fmt.Sprint(i)))
		}
		var wg sync.WaitGroup
		for i, e := range begun {
			code := b.code(e.Secret, 0)
			wg.Go(func() {
				_ = b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
					_, _, err := b.s.Confirm(ctx, t, by, "u", []byte(fmt.Sprint(i)), "", code)
					return err
				})
			})
		}
		wg.Wait()
		held := b.list("u")
		if len(held) != totp.MaxHeld {
			t.Fatal(len(held))
		}
		err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			_, err := b.s.Begin(ctx, t, totp.Starter{Account: "a", User: "u"})
			return err
		})
		if !errors.Is(err, totp.ErrMany) {
			t.Error(err)
		}
		b.in(func(ctx context.Context, t tx.Tx) error { return b.s.Remove(ctx, t, by, "u", held[2].ID) })
		b.in(func(ctx context.Context, t tx.Tx) error { return b.s.Rename(ctx, t, by, "u", held[0].ID, "Work") })
		if b.begin("u", "more"); len(b.list("u")) != 4 || b.list("u")[0].Name != "Work" {
			t.Errorf("%+v", b.list("u"))
		}
		for _, who := range []ident.UserID{"v", ""} { // others' devices
			err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
				return b.s.Remove(ctx, t, by, who, held[0].ID)
			})
			if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
	})
}

// CMP-09: the code that came with the seed is not good for the login after it.
func TestCMP09_SeedThatIsBrought(t *testing.T) {
	each(t, func(b *bench) {
		text := secret.New(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret.Bytes(20)))
		bring := func(user ident.UserID, code string) (r factor.Result, err error) {
			b.in(func(ctx context.Context, t tx.Tx) error {
				_, r, err = b.s.ImportSeed(ctx, t, by, user, "SDK", text, code)
				return nil
			})
			return r, err
		}
		code := b.code(text, 0)
		if r, err := bring("u", wrong(code)); err != nil || r.Outcome != factor.Wrong || len(b.list("u")) != 0 {
			t.Fatal(r, err)
		}
		if r, err := bring("u", code); err != nil || r.Outcome != factor.Right {
			t.Fatal(r, err)
		}
		b.want(b.enter("u", code), factor.Wrong)
		b.clk.Advance(totp.Step)
		if _, err := bring("u", b.code(text, 0)); !errors.Is(err, totp.ErrSame) {
			t.Error("the same seed twice:", err)
		}
		if r, err := bring("v", b.code(text, 0)); err != nil || r.Outcome != factor.Right {
			t.Error("somebody is told that another person has the seed:", r, err)
		}
		b.want(b.enter("u", b.code(text, 0)), factor.Right)
	})
}

// MFA-09: what cannot be opened lets nobody in; MFA-10: and is not readable where it is kept.
func TestSeedsAreSealedForTheirPlace(t *testing.T) {
	each(t, func(b *bench) {
		seed := b.register("u")
		b.clk.Advance(time.Minute)
		other := b.register("v")
		b.clk.Advance(time.Minute)
		raw, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed.Reveal())
		b.in(func(ctx context.Context, t tx.Tx) error {
			held, err := totpdb.Store{}.List(ctx, t, "a", "u")
			if err != nil || bytes.Contains(held[0].Sealed, raw) {
				b.t.Error("not sealed", err)
			}
			_, err = sqldb.From(t).Exec(ctx, `UPDATE totp_devices SET seed = (SELECT seed FROM totp_devices WHERE user_id = 'v') WHERE user_id = 'u'`)
			return err
		})
		err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			r, err := b.s.Enter(ctx, t, by, "u", b.code(other, 0))
			if r.Outcome == factor.Right {
				b.t.Error("signed in with another person's seed")
			}
			return err
		})
		if !errors.Is(err, crypt.ErrOpen) {
			t.Error(err)
		}
	})
}

func TestForgetUser(t *testing.T) {
	each(t, func(b *bench) {
		b.register("u")
		b.begin("u", "x")
		b.register("v")
		b.in(func(ctx context.Context, t tx.Tx) error {
			return b.s.ForgetUser(ctx, t, event.New(by, "user.deleted", "u"))
		})
		if len(b.list("u")) != 0 || len(b.list("v")) != 1 {
			t.Error(b.list("u"), b.list("v"))
		}
		b.begin("v", "y")
		b.clk.Advance(totp.PendingLife + time.Second)
		var n int64
		if err := b.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
			n, err = b.s.Purge(ctx, t, 10)
			return err
		}); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

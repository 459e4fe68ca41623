package session_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

// world is a service whose events are noted.
type world struct {
	t   *testing.T
	db  *sqldb.DB
	clk *clock.Fake
	s   *session.Service

	mu     sync.Mutex
	events []event.Event
}

func service(db tx.Runner) *session.Service {
	store := sessiondb.Store{}
	return session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()})
}

func each(t *testing.T, fn func(w *world)) {
	run := func(open func(testing.TB, []sqldb.Migration, *tx.Bus) (*sqldb.DB, *clock.Fake)) func(*testing.T) {
		return func(t *testing.T) {
			w, bus := &world{t: t}, &tx.Bus{}
			bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.events = append(w.events, e)
				return nil
			})
			w.db, w.clk = open(t, sessiondb.Migrations(), bus)
			w.s = service(w.db)
			fn(w)
		}
	}
	t.Run("sqlite", run(sqldbtest.SQLite))
	if os.Getenv(sqldbtest.PostgresEnv) != "" {
		t.Run("postgres", run(sqldbtest.Postgres))
	}
}

// heard returns how many events of a type there were, and the last one.
func (w *world) heard(kind string) (n int, last event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Type == kind {
			n, last = n+1, e
		}
	}
	return n, last
}

func (w *world) start(user ident.UserID, previous secret.Text, change ...func(*session.NewSession)) (got session.Session, cookie secret.Text) {
	w.t.Helper()
	n := session.NewSession{Actor: who, User: user, Previous: previous}
	for _, c := range change {
		c(&n)
	}
	w.write(func(ctx context.Context, t tx.Tx) (err error) {
		n.Evidence = session.Evidence{Method: "email", Connection: "con_email", Subject: string(user), At: t.Now()}
		got, cookie, err = w.s.Start(ctx, t, n)
		return err
	})
	return got, cookie
}

func (w *world) write(fn func(ctx context.Context, t tx.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), tx.In("a"), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) renew(cookie secret.Text) (session.Session, secret.Text, error) {
	return w.s.Renew(w.t.Context(), session.Use{Actor: who, Cookie: cookie, Application: "app_1"})
}

func (w *world) mustRenew(cookie secret.Text) secret.Text {
	w.t.Helper()
	_, next, err := w.renew(cookie)
	if err != nil {
		w.t.Fatal(err)
	}
	return next
}

// dead checks that nothing of a cookie works.
func (w *world) dead(what string, cookie secret.Text) {
	w.t.Helper()
	if _, err := w.s.Peek(w.t.Context(), "a", cookie); !errors.Is(err, session.ErrNone) {
		w.t.Errorf("%s: peek: %v", what, err)
	}
	if _, _, err := w.renew(cookie); !errors.Is(err, session.ErrNone) {
		w.t.Errorf("%s: renew: %v", what, err)
	}
}

func (w *world) lives(what string, cookie secret.Text) session.Session {
	w.t.Helper()
	found, err := w.s.Peek(w.t.Context(), "a", cookie)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	return found
}

// TestRotation: each renewal gives a new secret; a late one gets the same successor; and one that
// comes after its successor was in use ends the chain.
func TestRotation(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		began, first := w.start("u1", secret.Text{})
		other, kept := w.start("u1", secret.Text{})
		second := w.mustRenew(first)
		if second == first {
			t.Fatal("a renewal gave the same secret")
		}
		// The answer was lost, and the browser comes back after a week: nobody had the successor.
		w.clk.Advance(7 * 24 * time.Hour)
		for range 2 {
			if again := w.mustRenew(first); again != second {
				t.Fatal("a lost answer was not given again")
			}
		}
		if found := w.lives("the old one, while it is good", first); found.ID != began.ID {
			t.Fatal(found.ID)
		}
		third := w.mustRenew(second)
		w.clk.Advance(session.LateWindow)
		if w.mustRenew(second) != third {
			t.Fatal("a request in flight was not given the successor")
		}
		w.mustRenew(third)
		if n, _ := w.heard(session.EventTheft); n != 0 {
			t.Fatal("an alarm without a thief")
		}
		w.clk.Advance(session.LateWindow + time.Second)
		w.dead("two behind", second)
		if n, e := w.heard(session.EventTheft); n != 1 || e.Target != string(began.ID) || e.Detail["user"] != "u1" || e.Detail["root"] != string(began.Root) {
			t.Fatalf("%d alarms, %+v", n, e)
		}
		if n, e := w.heard(session.EventEnded); n != 1 || e.Detail["grants"] != "all" || e.Detail["root"] != string(began.Root) {
			t.Fatalf("%d ends, %+v", n, e)
		}
		w.dead("the newest of a stolen one", third)
		if found := w.lives("another session of the person", kept); found.ID != other.ID {
			t.Fatal(found.ID)
		}
	})
}

// TestConfirmed: a successor that was shown anywhere, not only to renew, makes the one before it stale.
func TestConfirmed(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		_, first := w.start("u1", secret.Text{})
		second := w.mustRenew(first)
		if _, err := w.s.Resume(t.Context(), "a", second); err != nil {
			t.Fatal(err)
		}
		w.clk.Advance(session.LateWindow + time.Second)
		if _, err := w.s.Resume(t.Context(), "a", second); err != nil {
			t.Fatal(err)
		}
		w.dead("the one before", first)
		w.dead("and after it", second)
		if n, _ := w.heard(session.EventTheft); n != 1 {
			t.Fatal(n)
		}
	})
}

// TestStolenIsNoticedByReads: pages that only look, and a logout, end a stolen session, too.
func TestStolenIsNoticedByReads(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		stolen := func(user ident.UserID) (old, now secret.Text) {
			_, first := w.start(user, secret.Text{})
			second := w.mustRenew(first)
			third := w.mustRenew(second)
			w.clk.Advance(session.LateWindow + time.Second)
			return first, third
		}
		old, now := stolen("u1")
		if _, err := w.s.Peek(t.Context(), "a", old); !errors.Is(err, session.ErrNone) {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if _, err := w.s.Peek(t.Context(), "a", now); errors.Is(err, session.ErrNone) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("a stolen session lives on")
			}
		}
		old, now = stolen("u2")
		if ended, err := w.s.EndCookie(t.Context(), who, old); ended || err != nil {
			t.Fatal(ended, err)
		}
		w.dead("after a logout with the old one", now)
		old, now = stolen("u3")
		next, _ := w.start("u3", old)
		w.dead("after a sign-in over the old one", now)
		if next.Root != next.ID || len(next.Evidence) != 1 {
			t.Fatalf("a stolen session was continued: %+v", next)
		}
		if n, _ := w.heard(session.EventTheft); n != 3 {
			t.Fatal(n)
		}
	})
}

// TestBusyPage: a page that renews all the time, from several tabs, never trips the alarm, and leaves no
// old secret alive for longer than two windows.
func TestBusyPage(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		_, cookie := w.start("u1", secret.Text{})
		var all []secret.Text
		for range 40 {
			all = append(all, cookie)
			cookie = w.mustRenew(cookie)
			w.clk.Advance(5 * time.Second)
			if tab := all[max(0, len(all)-11)]; w.mustRenew(tab) != cookie { // sent 55 seconds ago
				t.Fatal("a slow tab was given something else")
			}
		}
		if n, _ := w.heard(session.EventTheft); n != 0 {
			t.Fatal("an alarm without a thief")
		}
		w.dead("two windows old", all[len(all)-26])
		if n, _ := w.heard(session.EventTheft); n != 1 {
			t.Fatal(n)
		}
	})
}

// TestManyTabs: of a hundred renewals at once with one cookie one rotates, all get its successor, and nobody
// is logged out: on one node, and on two with one database.
func TestManyTabs(t *testing.T) {
	const rounds, tabs = 5, 100
	run := func(t *testing.T, nodes []*session.Service, w *world) {
		w.t = t
		_, cookie := w.start("u1", secret.Text{})
		for round := range rounds {
			var mu sync.Mutex
			got := map[secret.Text]int{}
			var group sync.WaitGroup
			for tab := range tabs {
				group.Go(func() {
					_, next, err := nodes[tab%len(nodes)].Renew(t.Context(), session.Use{Actor: who, Cookie: cookie})
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					got[next]++
				})
			}
			group.Wait()
			if len(got) != 1 {
				t.Fatalf("round %d: %d successors", round, len(got))
			}
			for next := range got {
				cookie = next
			}
			if v := w.lives("the successor", cookie).Rotation.Version; v != int64(round)+2 {
				t.Fatalf("round %d: version %d", round, v)
			}
			w.clk.Advance(time.Duration(round) * session.LateWindow)
		}
	}
	each(t, func(w *world) { run(w.t, []*session.Service{w.s, service(w.db)}, w) })
	if os.Getenv(sqldbtest.PostgresEnv) == "" {
		t.Skip("no PostgreSQL for two nodes")
	}
	t.Run("two nodes", func(t *testing.T) {
		clk, url := clock.NewFake(sqldbtest.Start), sqldbtest.PostgresURL(t)
		var dbs []*sqldb.DB
		for range 2 {
			db, err := sqldb.Open(t.Context(), sqldb.Options{URL: url, Clock: clk, Bus: &tx.Bus{}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			if err := db.Migrate(t.Context(), sessiondb.Migrations()); err != nil {
				t.Fatal(err)
			}
			dbs = append(dbs, db)
		}
		w := &world{t: t, db: dbs[0], clk: clk, s: service(dbs[0])}
		run(t, []*session.Service{w.s, service(dbs[1])}, w)
	})
}

// TestCookiesFromBefore: sessions of the release before keep their cookies, which become computed
// ones at the next renewal, whoever comes first.
func TestCookiesFromBefore(t *testing.T) {
	sqldbtest.Each(t, sessiondb.Migrations()[:3], func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		old := secret.Random("")
		now := clk.Now()
		err := db.Write(t.Context(), tx.In("a"), func(ctx context.Context, x tx.Tx) error {
			_, err := sqldb.From(x).Exec(ctx, `INSERT INTO sessions (account_id, id, root_id, cookie_hash, user_id, connection_id, evidence, created_at, last_seen, expires_at, absolute_expiry, replaced_at, ended_at)
VALUES ('a', 'ses_01234567890123456789012345', 'ses_01234567890123456789012345', $1, 'u1', 'con_email', '[{"method":"email","at":"2026-03-03T12:00:00Z"}]', $2, $2, $3, $3, 0, 0)`,
				secret.Hash("session/cookie", old.Reveal()), sqldb.Micros(now), sqldb.Micros(now.Add(30*24*time.Hour)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), sessiondb.Migrations()); err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, db: db, clk: clk, s: service(db)}
		clk.Advance(24 * time.Hour)
		if found := w.lives("the old cookie", old); found.ID != "ses_01234567890123456789012345" || found.ACR() != session.ACR1 {
			t.Fatalf("%+v", found)
		}
		if _, err := w.s.Resume(t.Context(), "a", old); err != nil {
			t.Fatal(err)
		}
		next := w.mustRenew(old)
		if next == old || w.mustRenew(old) != next {
			t.Fatal("an old cookie has no successor, or two")
		}
		w.s = service(db) // another start of the server
		next = w.mustRenew(next)
		clk.Advance(session.LateWindow + time.Second)
		w.dead("the old cookie after its successor", old)
		w.dead("and what was got for it", next)
		for _, text := range []string{"ses_01234567890123456789012345", string(secret.Hash("session/cookie", old.Reveal())), "", old.Reveal() + "x"} {
			w.dead(text, secret.New(text))
		}
	})
}

// TestForeignSecrets: what was never given out in the account is none, whatever it is put together from.
func TestForeignSecrets(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		_, cookie := w.start("u1", secret.Text{})
		second, other := w.start("u2", secret.Text{})
		next := w.mustRenew(cookie)
		raw := func(c secret.Text) []byte {
			b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(c.Reveal(), "ase_"))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		text := func(b []byte) secret.Text { return secret.New("ase_" + base64.RawURLEncoding.EncodeToString(b)) }
		a, b, n := raw(cookie), raw(other), raw(next)
		for i := range a {
			bent := slices.Clone(a)
			bent[i] ^= 1
			if _, err := w.s.Peek(t.Context(), "a", text(bent)); !errors.Is(err, session.ErrNone) {
				t.Fatalf("byte %d bent: %v", i, err)
			}
		}
		for name, mixed := range map[string][]byte{
			"another's session":     slices.Concat(b[:30], a[30:]),
			"its own next version":  slices.Concat(a[:30], n[30:38], a[38:]),
			"another's salt":        slices.Concat(a[:38], b[38:54], a[54:]),
			"another's MAC":         slices.Concat(a[:54], b[54:]),
			"cut short":             a[:len(a)-1],
			"too long":              append(slices.Clone(a), 0),
			"no MAC":                a[:54],
			"a version not reached": append(append(slices.Clone(n[:30]), 0, 0, 0, 0, 0, 0, 0, 9), n[38:]...),
		} {
			w.dead(name, text(mixed))
		}
		w.dead("the session's id", secret.New(string(second.ID)))
		if _, _, err := w.s.Renew(t.Context(), session.Use{Actor: actor.Actor{Account: "b"}, Cookie: next}); !errors.Is(err, session.ErrNone) {
			t.Errorf("in another account: %v", err)
		}
		if n, _ := w.heard(session.EventTheft); n != 0 {
			t.Fatal("strangers' texts raise an alarm")
		}
		w.lives("after all that", next)
	})
}

// TestRenewalHasLimits: renewing moves the idle limit and never the absolute one (SES-08).
func TestRenewalHasLimits(t *testing.T) {
	each(t, func(w *world) {
		_, cookie := w.start("u1", secret.Text{}, func(n *session.NewSession) { n.MaxLife = 12 * time.Hour })
		for range 11 {
			w.clk.Advance(time.Hour)
			cookie = w.mustRenew(cookie)
		}
		w.clk.Advance(time.Hour)
		w.dead("beyond the absolute limit", cookie)
		_, cookie = w.start("u1", secret.Text{})
		for range 3 {
			w.clk.Advance(29 * 24 * time.Hour)
			cookie = w.mustRenew(cookie)
		}
		w.clk.Advance(3*24*time.Hour + time.Second)
		w.dead("beyond ninety days", cookie)
		_, cookie = w.start("u1", secret.Text{})
		w.clk.Advance(20 * 24 * time.Hour)
		w.mustRenew(cookie)
		w.clk.Advance(30*24*time.Hour + time.Second)
		w.dead("beyond the idle limit", cookie)
	})
}

// TestLookUndoesARenewal: what the renewal's reader refuses changes nothing.
func TestLookUndoesARenewal(t *testing.T) {
	each(t, func(w *world) {
		t := w.t
		_, cookie := w.start("u1", secret.Text{})
		gone := errors.New("gone")
		_, _, err := w.s.Renew(t.Context(), session.Use{Actor: who, Cookie: cookie, Look: func(context.Context, tx.Tx, session.Session) error { return gone }})
		if !errors.Is(err, gone) || w.lives("the session", cookie).Rotation.Version != 1 {
			t.Fatal(err)
		}
	})
}

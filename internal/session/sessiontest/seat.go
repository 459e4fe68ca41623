package sessiontest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/seat"
)

// ended notes which tokens were ended.
type ended struct {
	mu  sync.Mutex
	all []string
}

func (e *ended) EndClient(_ context.Context, _ tx.Tx, _ ident.AccountID, client string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, client)
	return nil
}

func (e *ended) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	slices.Sort(all)
	return all
}

// RunSeats runs the suite on an empty database; insert adds a session.
func RunSeats(t *testing.T, db tx.Runner, store seat.Store, clk *clock.Fake, insert func(context.Context, tx.Tx, session.Session) error) {
	e := &ended{}
	s := seat.New(store, e, func(_ ident.AccountID, app ident.ApplicationID) bool { return app == "app_one" })
	h := harness{t, db}
	chain := func(root string, more ...string) (last session.Session) {
		for _, id := range append([]string{root}, more...) {
			last = Build(id, "u1", clk.Now())
			last.Root = ident.SessionID(root)
			h.must(func(ctx context.Context, x tx.Tx) error { return insert(ctx, x, last) })
		}
		return last
	}
	take := func(found session.Session, app ident.ApplicationID) {
		h.must(func(ctx context.Context, x tx.Tx) error {
			return s.Take(ctx, x, actor.ForSystem(found.Account), found, app)
		})
	}
	may := func(found session.Session, app ident.ApplicationID) (ok bool) {
		h.must(func(ctx context.Context, x tx.Tx) (err error) {
			ok, err = s.Renew(ctx, x, found, app)
			return err
		})
		return ok
	}
	a, b := chain("seat-a", "seat-a2"), chain("seat-b")
	if !may(a, "app_one") || !may(b, "app_one") {
		t.Error("a seat that nobody has is refused")
	}
	take(a, "app_one")
	take(a, "app_many")
	take(b, "app_many")
	if got := e.take(); len(got) != 0 || !may(a, "app_one") || may(b, "app_one") || !may(a, "app_many") {
		t.Fatal("after the first sign-in:", got)
	}
	clk.Advance(time.Minute)
	take(b, "app_one")
	if got, want := e.take(), []string{"app_one seat-a", "app_one seat-a2"}; !slices.Equal(got, want) || may(a, "app_one") || !may(b, "app_one") {
		t.Fatal("after the second sign-in:", got)
	}
	take(b, "app_one")
	if got := e.take(); len(got) != 0 {
		t.Fatal("signed in again in the same browser:", got)
	}
	t.Run("sign-ins at once leave one", func(t *testing.T) { seatRace(t, db, s, e, chain) })
	h.must(func(ctx context.Context, x tx.Tx) error {
		return s.ForgetUser(ctx, x, event.Event{Account: "a", Target: "u1"})
	})
	if !may(a, "app_one") {
		t.Error("a seat is there though its person is gone")
	}
	take(b, "app_one")
	h.must(func(ctx context.Context, x tx.Tx) error {
		return s.ForgetApplication(ctx, x, event.Event{Account: "a", Target: "app_one"})
	})
	if !may(a, "app_one") {
		t.Error("a seat is there though its application is gone")
	}
}

func seatRace(t *testing.T, db tx.Runner, s *seat.Service, e *ended, chain func(string, ...string) session.Session) {
	var many []session.Session
	for _, id := range []string{"race-1", "race-2", "race-3", "race-4", "race-5", "race-6"} {
		many = append(many, chain(id))
	}
	var all sync.WaitGroup
	for _, found := range many {
		all.Go(func() {
			err := db.Write(context.Background(), tx.System(), func(ctx context.Context, x tx.Tx) error {
				return s.Take(ctx, x, actor.ForSystem(found.Account), found, "app_one")
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := e.take(); len(got) != len(many) { // the one before the race, and all but the last of the race
		t.Error("ended:", got)
	}
}

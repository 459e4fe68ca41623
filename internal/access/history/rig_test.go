package history_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account ident.AccountID = "acc_1"

var (
	operator = actor.ForOperator(account)
	never    time.Time // asks about now
)

func person(id string) actor.Actor { return actor.Actor{Kind: actor.User, Account: account, ID: id} }

type noClients struct{}

func (noClients) MayReadPermissions(_ ident.AccountID, id ident.ServiceClientID) bool {
	return id == "sc_reader"
}

// rig is the service on a database, with an engine that follows it and the verbs that change it.
type rig struct {
	*history.Service
	verbs  *access.Service
	engine *access.Engine
	db     *sqldb.DB
	clock  *clock.Fake
}

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		fn(t, newRig(t, db, clk))
	})
}

func newRig(t testing.TB, db *sqldb.DB, clk *clock.Fake) *rig {
	follower := feed.NewFollower(db, db, time.Minute)
	r := &rig{db: db, clock: clk, engine: access.NewEngine(follower.Fresh, noClients{}, clk)}
	r.verbs = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: r.engine})
	r.Service = history.New(history.Deps{Runner: db, Store: accessdb.Versions{}, Engine: r.engine})
	follower.Subscribe(r.verbs, access.ChangeKinds()...)
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.Follow(follower.WaitFor)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return r
}

// put writes a world as it is, without judging it, and many records in several units of work: each has a time that a
// busy machine keeps.
func (r *rig) put(t testing.TB, account ident.AccountID, w *accesstest.World) {
	t.Helper()
	for records := range slices.Chunk(w.Records, 100) {
		if len(records) == 100 {
			r.putAtOnce(t, account, &accesstest.World{Records: records})
		}
	}
	some := *w
	some.Records = w.Records[len(w.Records)/100*100:]
	r.putAtOnce(t, account, &some)
}

func (r *rig) putAtOnce(t testing.TB, account ident.AccountID, w *accesstest.World) {
	t.Helper()
	err := r.db.Write(t.Context(), tx.In(account), func(ctx context.Context, tr tx.Tx) error {
		for _, role := range w.Roles {
			if _, err := (accessdb.Roles{}).Create(ctx, tr, account, role); err != nil {
				return err
			}
		}
		for _, g := range w.Groups {
			if _, err := (accessdb.Groups{}).Create(ctx, tr, account, g); err != nil {
				return err
			}
		}
		for _, record := range w.Records {
			if _, err := (accessdb.Records{}).Create(ctx, tr, account, record); err != nil {
				return err
			}
		}
		for _, text := range w.Public {
			resource, err := access.ParseResource(text)
			if err != nil {
				return err
			}
			if err := accessdb.PutResourceVersion(ctx, tr, account, access.ResourceConfig{Resource: resource.String(), Public: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// do fails the test when a change does.
func do[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

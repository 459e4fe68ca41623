package access_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

// serviceKeeping is a service on the database that follows no feed.
func serviceKeeping(keep int, db *sqldb.DB, clk clock.Clock) (*access.Service, *access.Engine) {
	e := access.NewEngine(always, noClients{}, clk)
	e.Keep(keep)
	return access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Facts: accessdb.Facts{}, Resources: openIn(db), Engine: e}), e
}

// TestTruthByNeed asks the truth of accounts that are held by need, with room for everybody and for nobody.
func TestTruthByNeed(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		var scenarios []accesstest.Scenario
		for _, s := range accesstest.Truth(t) {
			if len(s.World.Records) > 0 {
				scenarios = append(scenarios, s)
			}
		}
		name := func(i int) ident.AccountID { return ident.AccountID(fmt.Sprintf("acc_%d", i)) }
		for i, s := range scenarios {
			for _, resource := range s.World.Public {
				openIn(db).put(name(i), access.ResourceConfig{Resource: resource, Public: true})
			}
			if err := db.Write(t.Context(), tx.In(name(i)), func(ctx context.Context, tr tx.Tx) error {
				var all []error
				for k, r := range s.World.Records {
					if r.LastUpdated = sqldbtest.Start; r.ID == "" {
						r.ID = ident.RecordID(fmt.Sprint("rec_", k))
					}
					_, err := accessdb.Records{}.Create(ctx, tr, name(i), r)
					all = append(all, err)
				}
				for _, r := range s.World.Roles {
					_, err := accessdb.Roles{}.Create(ctx, tr, name(i), r)
					all = append(all, err)
				}
				for _, g := range s.World.Groups {
					_, err := accessdb.Groups{}.Create(ctx, tr, name(i), g)
					all = append(all, err)
				}
				return errors.Join(all...)
			}); err != nil {
				t.Fatal(s.Name, err)
			}
		}
		for _, keep := range []int{0, 3, access.DefaultMemory} {
			clk := clock.NewFake(accesstest.Base)
			service, e := serviceKeeping(keep, db, clk)
			if err := db.Read(t.Context(), tx.System().Long(), service.Load); err != nil {
				t.Fatal(err)
			}
			for i, s := range scenarios {
				for _, a := range s.Asks {
					clk.Advance(a.At.Sub(clk.Now()))
					for range 2 {
						if got, err := e.Check(name(i), a.User, a.Resource, a.Action); err != nil || got != a.Allowed {
							t.Errorf("%s, room for %d: %s = %v, %v", s.Name, keep, a, got, err)
						}
					}
					if got := e.CheckMany(name(i), batch(a)); got[1].Err != nil || got[1].Allowed != a.Allowed {
						t.Errorf("%s, batch: %s = %v", s.Name, a, got)
					}
				}
			}
			if m := e.Memory(); keep < 10 && (m.Grants > keep || m.Loads == 0 || m.Cost > max(keep, 1)) {
				t.Errorf("room for %d: %+v", keep, m)
			}
		}
	})
}

// TestByNeedFollows changes an account while questions come, and asks the oracle.
func TestByNeedFollows(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		for _, keep := range []int{0, 20, 200} {
			r := newRigKeeping(t, keep, db, clk)
			world := accesstest.World{Roles: []access.Role{{ID: access.ReadResource, Permissions: []access.Permission{{Action: "READ", Allow: true}}}}}
			users := []ident.UserID{"u1", "u2", "u3", "u4", "u5"}
			resources := []string{"a", "a/b", "a/*", "a/b/c", "d", "*"}
			pick := func(i int, all []ident.UserID) []ident.UserID { return all[i%3 : 1+i%3+i%2] }
			for i := range 120 {
				switch i % 4 {
				case 0, 1, 2:
					id := ident.RecordID(fmt.Sprintf("rec_%d_%d", keep, i*7%11))
					rec := record(id, access.ReadResource, resources[i%len(resources)], pick(i, users)...)
					if i%5 == 0 {
						rec.Users, rec.Groups = nil, []ident.GroupID{"grp_1"}
					}
					if i%7 == 0 {
						if err := r.DeleteRecord(t.Context(), operator, id); err == nil {
							world.Records = deleteRecord(world.Records, id)
						}
						break
					}
					if len(rec.Groups) > 0 && len(world.Groups) == 0 {
						continue
					}
					_, err := r.CreateRecord(t.Context(), operator, rec)
					if err != nil {
						_, err = r.ReplaceRecord(t.Context(), operator, rec, time.Time{})
					}
					ok(t, "record", err)
					world.Records = append(deleteRecord(world.Records, id), rec)
				case 3:
					g := access.Group{ID: "grp_1", Name: "g", Users: pick(i/4, users), Admins: []ident.UserID{"boss"}}
					_, err := r.CreateGroup(t.Context(), operator, g)
					if err != nil {
						_, err = r.ReplaceGroup(t.Context(), operator, g, time.Time{})
					}
					ok(t, "group", err)
					world.Groups = []access.Group{g}
				}
				for _, u := range append(users, "stranger") {
					for _, resource := range []string{"a", "a/b", "a/x", "d/e"} {
						a := accesstest.Ask{User: u, Action: "READ", Resource: resource, At: clk.Now()}
						if got, err := r.engine.Check(account, u, resource, "READ"); err != nil || got != world.Allowed(a) {
							t.Fatalf("room for %d, step %d: %s = %v, %v", keep, i, a, got, err)
						}
					}
				}
			}
			for _, rec := range world.Records {
				ok(t, "clean", r.DeleteRecord(t.Context(), operator, rec.ID))
			}
			if len(world.Groups) > 0 {
				ok(t, "clean", r.DeleteGroup(t.Context(), operator, "grp_1"))
			}
		}
	})
}

func deleteRecord(all []access.Record, id ident.RecordID) (out []access.Record) {
	for _, r := range all {
		if r.ID != id {
			out = append(out, r)
		}
	}
	return out
}

// TestRevokedStaysRevoked: under constant loading and leaving, no question that is asked after a
// revoke was acknowledged is answered with yes, and none after a grant with no.
func TestRevokedStaysRevoked(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		for _, keep := range []int{0, 5, 1000} {
			r := newRigKeeping(t, keep, db, clk)
			_, err := r.CreateRecord(t.Context(), operator, record(ident.RecordID(fmt.Sprint("rec_more_", keep)), access.ReadResource, "x", "m1", "m2", "m3"))
			ok(t, "record", err)
			const people = 6
			var stop atomic.Bool
			var state [people]atomic.Int64 // even: granted n/2 times and revoked; odd: granted; low bit of a pair of changes
			var all sync.WaitGroup
			var asked atomic.Int64
			for p := range people {
				user := ident.UserID(fmt.Sprint("p", p))
				all.Go(func() {
					id := ident.RecordID(fmt.Sprintf("rec_%d_%d", keep, p))
					for n := int64(1); n <= 12 && !t.Failed(); n++ {
						rec := record(id, access.ReadResource, "doc", user)
						state[p].Store(n*4 + 1) // a change to "granted" is under way
						if _, err := r.CreateRecord(context.Background(), operator, rec); err != nil {
							t.Error(err)
						}
						state[p].Store(n*4 + 2) // granted
						if yes, err := r.engine.Check(account, user, "doc", "READ"); err != nil || !yes {
							t.Errorf("granted, and %v, %v", yes, err)
						}
						time.Sleep(time.Millisecond)
						state[p].Store(n*4 + 3) // a revoke is under way
						if err := r.DeleteRecord(context.Background(), operator, id); err != nil {
							t.Error(err)
						}
						state[p].Store(n*4 + 4) // revoked
						time.Sleep(time.Millisecond)
					}
				})
			}
			var askers sync.WaitGroup
			for a := range 4 {
				askers.Go(func() {
					for i := a; !stop.Load(); i++ {
						p := i % people
						before := state[p].Load()
						yes, err := r.engine.Check(account, ident.UserID(fmt.Sprint("p", p)), "doc", "READ")
						after := state[p].Load()
						asked.Add(1)
						if before != after {
							continue
						}
						switch {
						case err != nil:
							t.Errorf("room for %d: %v", keep, err)
						case yes && before%4 == 0 || !yes && before%4 == 2:
							t.Errorf("room for %d: state %d and %v", keep, before, yes)
						}
						if i%3 == 0 {
							r.engine.Check(account, ident.UserID(fmt.Sprint("stranger", i)), "doc", "READ")
							time.Sleep(50 * time.Microsecond)
						}
					}
				})
			}
			all.Wait()
			stop.Store(true)
			askers.Wait()
			if m := r.engine.Memory(); asked.Load() < 100 || m.Loads == 0 && keep < 100 {
				t.Errorf("%d asked, %+v", asked.Load(), m)
			}
		}
	})
}

// TestStrangersStayFew: asking about people who do not exist neither fills memory nor pushes out others, and
// many who ask about the same person at once read them once.
func TestStrangersStayFew(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		const keep = 100
		r := newRigKeeping(t, keep, db, clk)
		resources := make([]string, 50)
		for i := range resources {
			resources[i] = fmt.Sprint("docs/", i)
		}
		for i := range 3 {
			rec := record(ident.RecordID(fmt.Sprint("rec_", i)), access.ReadResource, "x", ident.UserID(fmt.Sprint("u", i)))
			rec.Statements[0].Resources = resources
			_, err := r.CreateRecord(t.Context(), operator, rec)
			ok(t, "record", err)
		}
		before := r.engine.Memory().Loads
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if yes, err := r.engine.Check(account, "u1", "docs/7", "READ"); err != nil || !yes {
					t.Error(yes, err)
				}
			})
		}
		all.Wait()
		if n := r.engine.Memory().Loads - before; n != 1 {
			t.Errorf("read %d times", n)
		}
		for i := range 300 {
			if r.may(t, ident.UserID(fmt.Sprint("stranger", i)), "READ", "docs/7") {
				t.Fatal("a stranger may")
			}
		}
		m := r.engine.Memory()
		if m.People > 20 || m.Cost > keep {
			t.Errorf("%+v", m)
		}
		if !r.may(t, "u1", "READ", "docs/7") || r.engine.Memory().Loads != m.Loads {
			t.Errorf("pushed out by strangers: %+v", r.engine.Memory())
		}
		for i := range 300 {
			r.may(t, ident.UserID(fmt.Sprint("u", i%3)), "READ", "docs/7")
		}
		if m := r.engine.Memory(); m.Cost > keep || m.Evicted < 100 {
			t.Errorf("three people with room for one: %+v", m)
		}
		long := ident.UserID(make([]byte, 10_000))
		loads := r.engine.Memory().Loads
		if r.may(t, long, "READ", "docs/7") || r.engine.Memory().Loads != loads {
			t.Error("read for an id that nobody can have")
		}
	})
}

// TestByNeedWithoutDatabase: who is not in memory is not guessed at.
func TestByNeedWithoutDatabase(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, accessdb.Migrations(), nil)
	service, e := serviceKeeping(0, db, clk)
	_, err := service.CreateRecord(t.Context(), operator, record("rec_1", access.ReadResource, "doc", "ann"))
	ok(t, "record", err)
	ok(t, "load", db.Read(t.Context(), tx.System().Long(), service.Load))
	if yes, err := e.Check(account, "ann", "doc", "READ"); err != nil || !yes {
		t.Fatal(yes, err)
	}
	ok(t, "close", db.Close())
	if yes, err := e.Check(account, "ann", "doc", "READ"); yes || err == nil {
		t.Error(yes, err)
	} else {
		wantKind(t, "without the database", err, fault.Unavailable)
	}
}

// deaf is a store of facts that cannot be read any more.
type deaf struct {
	accessdb.Facts
	tried atomic.Int64
}

func (d *deaf) GroupsOf(context.Context, tx.Tx, ident.AccountID, ident.UserID) ([]ident.GroupID, error) {
	d.tried.Add(1)
	return nil, fault.New(fault.Unavailable, fault.CodeUnavailable, "The database is gone.")
}

// A batch about many people does not try the database for each of them when it is gone.
func TestABatchGivesUpWhenNobodyCanBeRead(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, accessdb.Migrations(), nil)
	facts := &deaf{}
	e := access.NewEngine(always, noClients{}, clk)
	e.Keep(0)
	s := access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Facts: facts, Resources: openIn(db), Engine: e})
	_, err := s.CreateRecord(t.Context(), operator, record("rec_1", access.Owner, "d", "u_0"))
	ok(t, "record", err)
	if err := db.Read(t.Context(), tx.System().Long(), s.Load); err != nil {
		t.Fatal(err)
	}
	questions := make([]access.Question, 100)
	for i := range questions {
		questions[i] = access.Question{User: ident.UserID(fmt.Sprint("u_", i)), Resource: "d", Action: "read"}
	}
	for i, got := range e.CheckMany(account, questions) {
		if got.Allowed || !fault.Is(got.Err, fault.Unavailable) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if n := facts.tried.Load(); n != 1 {
		t.Errorf("the database was tried %d times", n)
	}
}

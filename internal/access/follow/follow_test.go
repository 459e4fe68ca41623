package follow_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/access/follow/followdb"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account ident.AccountID = "acc_1"

var caller = actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_1"}

type guard struct{ refuse atomic.Pointer[string] }

func (g *guard) Allow(_ actor.Actor, action, resource string) error {
	if no := g.refuse.Load(); no != nil && *no == action+" "+resource {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "No.")
	}
	return nil
}

type rig struct {
	*follow.Service
	db    *sqldb.DB
	clock *clock.Fake
	guard guard
}

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		follower := feed.NewFollower(db, db, time.Minute)
		r := &rig{db: db, clock: clk}
		r.Service = follow.New(follow.Deps{Runner: db, Store: followdb.Store{}, Records: accessdb.Records{}, Roles: accessdb.Roles{},
			Groups: accessdb.Groups{}, Resources: accessdb.Resources{}, Guard: &r.guard, Feed: follower, PerAccount: 3, PerNode: 4})
		follower.Subscribe(r.Service, follow.Kinds()...)
		if err := follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.Follow(follower.WaitFor)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		fn(t, r)
	})
}

func (r *rig) write(fn func(ctx context.Context, t tx.Tx) error) error {
	return r.db.Write(context.Background(), tx.In(account), fn)
}

func putRecord(ctx context.Context, t tx.Tx, rec access.Record) error {
	t.Changed(access.ChangeRecord, account, string(rec.ID))
	old, err := accessdb.Records{}.Get(ctx, t, account, rec.ID)
	if fault.Is(err, fault.NotFound) {
		rec.LastUpdated = t.Now().Truncate(time.Second)
		_, err = accessdb.Records{}.Create(ctx, t, account, rec)
		return err
	}
	if err != nil {
		return err
	}
	rec.LastUpdated = old.LastUpdated.Add(time.Second)
	_, err = accessdb.Records{}.Replace(ctx, t, account, rec, old.LastUpdated)
	return err
}

func putRole(ctx context.Context, t tx.Tx, role access.Role) error {
	t.Changed(access.ChangeRole, account, string(role.ID))
	made, err := accessdb.Roles{}.Create(ctx, t, account, role)
	if err == nil && !made {
		_, err = accessdb.Roles{}.Replace(ctx, t, account, role)
	}
	return err
}

func putGroup(ctx context.Context, t tx.Tx, g access.Group) error {
	t.Changed(access.ChangeGroup, account, string(g.ID))
	old, err := accessdb.Groups{}.Get(ctx, t, account, g.ID)
	if fault.Is(err, fault.NotFound) {
		g.LastUpdated = t.Now().Truncate(time.Second)
		_, err = accessdb.Groups{}.Create(ctx, t, account, g)
		return err
	}
	if err != nil {
		return err
	}
	g.LastUpdated = old.LastUpdated.Add(time.Second)
	_, err = accessdb.Groups{}.Replace(ctx, t, account, g, old.LastUpdated)
	return err
}

// The names are few, so that grants, filters and questions meet.
var (
	segments = []string{"a", "b", "c", "n:a", "n:b"}
	patterns = []string{"a", "b", "c", "n:a", "*", "n:*", "*:b"}
	actions  = []string{"r", "r:x", "w", "w:y"}
	users    = []ident.UserID{"u1", "u2", "u3"}
	roles    = []ident.RoleID{"ro_1", "ro_2", "ro_3", "Authress:Owner", "Authress:ReadResource"}
	groups   = []ident.GroupID{"grp_1", "grp_2", "grp_3"}
)

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }

func path(rnd *rand.Rand, from []string, most int) string {
	out := pick(rnd, from)
	for range rnd.IntN(most) {
		out += "/" + pick(rnd, from)
	}
	return out
}

func someRecord(rnd *rand.Rand) access.Record {
	rec := access.Record{ID: ident.RecordID(fmt.Sprintf("rec_%d", rnd.IntN(150))), Name: "r", Status: access.Active}
	if rnd.IntN(5) == 0 {
		rec.Status = access.Deleted
	}
	if rnd.IntN(2) == 0 {
		rec.Groups = append(rec.Groups, pick(rnd, groups))
	} else {
		rec.Users = append(rec.Users, pick(rnd, users))
	}
	for range 1 + rnd.IntN(2) {
		rec.Statements = append(rec.Statements, access.Statement{Roles: []ident.RoleID{pick(rnd, roles)}, Resources: []string{path(rnd, patterns, 4)}})
	}
	return rec
}

func (r *rig) change(rnd *rand.Rand) error {
	return r.write(func(ctx context.Context, t tx.Tx) error {
		switch rnd.IntN(8) {
		case 0:
			role := access.Role{ID: roles[rnd.IntN(3)], Name: "r", Permissions: []access.Permission{{Action: pick(rnd, actions), Allow: true}}}
			if rnd.IntN(4) == 0 {
				t.Changed(access.ChangeRole, account, string(role.ID))
				_, err := accessdb.Roles{}.Delete(ctx, t, account, role.ID)
				return err
			}
			return putRole(ctx, t, role)
		case 1:
			g := access.Group{ID: pick(rnd, groups), Name: "g"}
			if rnd.IntN(4) == 0 {
				t.Changed(access.ChangeGroup, account, string(g.ID))
				_, err := accessdb.Groups{}.Delete(ctx, t, account, g.ID)
				return err
			}
			for range rnd.IntN(3) {
				g.Users = append(g.Users, pick(rnd, users))
			}
			return putGroup(ctx, t, g)
		}
		return putRecord(ctx, t, someRecord(rnd))
	})
}

// copied is what a follower makes of a stream.
type copied struct {
	index *index.Index
	fresh *index.Index
	edits []func(*index.Editor)
	rev   int64 // the last cursor
	begun bool
}

func (c *copied) add(i follow.Item) {
	if i.Rev > 0 {
		c.rev = i.Rev
	}
	c.edits = append(c.edits, func(e *index.Editor) {
		switch i.Kind {
		case access.ChangeRecord:
			rec := access.Record{Status: access.Deleted}
			if i.Record != nil {
				rec = *i.Record
			}
			e.SetRecord(ident.RecordID(i.Key), rec.Blocks())
		case access.ChangeRole:
			if i.Role == nil {
				e.SetRole(ident.RoleID(i.Key), nil)
				return
			}
			e.SetRole(ident.RoleID(i.Key), i.Role.Compiled())
		case access.ChangeGroup:
			g := access.Group{}
			if i.Group != nil {
				g = *i.Group
			}
			e.SetGroup(ident.GroupID(i.Key), g.Members())
		}
	})
}

func (c *copied) show(rev int64) {
	to := c.index
	if c.fresh != nil {
		to = c.fresh
	}
	to.Update("copy", func(e *index.Editor) {
		for _, edit := range c.edits {
			edit(e)
		}
	})
	if c.fresh != nil {
		c.index.Take(c.fresh)
	}
	c.fresh, c.edits, c.rev, c.begun = nil, nil, rev, true
}

// stay follows until the copy is whole at least at the revision, or until luck runs out.
func (c *copied) stay(ctx context.Context, r *rig, prefix string, until func() int64, unlucky func() bool) (bool, error) {
	st, err := r.Open(caller, prefix)
	if err != nil {
		return false, err
	}
	defer st.Close()
	errLuck := errors.New("cut")
	take := func(i follow.Item) error {
		if unlucky() {
			return errLuck
		}
		c.add(i)
		return nil
	}
	if c.begun {
		c.edits = nil
		err = st.Resume(ctx, c.rev)
	} else {
		c.fresh, c.edits = index.New(), nil
		err = st.Snapshot(ctx, take)
	}
	for err == nil {
		var items []follow.Item
		var more bool
		if items, more, err = st.Next(ctx); err != nil {
			break
		}
		for _, i := range items {
			if err = take(i); err != nil {
				break
			}
		}
		if w, ok := st.Whole(); err == nil && !more && ok {
			c.show(w.Rev)
			if w.Rev >= until() {
				return true, nil
			}
			err = st.Wait(ctx, 20*time.Millisecond)
		}
	}
	if errors.Is(err, errLuck) {
		if c.begun { // a line's own cursor counts as well, together with what came before it
			c.show(c.rev)
		}
		err = nil
	}
	return false, err
}

// TestACopyIsTheAccount lets followers with and without filters be cut off and come back while
// others write. In the end every copy answers like the database, inside its filter.
func TestACopyIsTheAccount(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		seed := uint64(time.Now().UnixNano())
		t.Log("seed", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		for range 200 {
			if err := r.change(rnd); err != nil {
				t.Fatal(err)
			}
		}
		var head atomic.Int64
		head.Store(1 << 60)
		var writers, followers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				mine := rand.New(rand.NewPCG(seed, uint64(w)+10))
				for range 150 {
					if err := r.change(mine); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		prefixes := []string{"", path(rnd, segments, 1), path(rnd, segments, 2)}
		copies := make([]*copied, len(prefixes))
		for n, prefix := range prefixes {
			copies[n] = &copied{index: index.New()}
			followers.Go(func() {
				mine := rand.New(rand.NewPCG(seed, uint64(n)+100))
				for {
					unlucky := func() bool { return head.Load() == 1<<60 && mine.IntN(400) == 0 }
					done, err := copies[n].stay(t.Context(), r, prefix, head.Load, unlucky)
					if err != nil {
						t.Errorf("%q: %v", prefix, err)
						return
					}
					if done {
						return
					}
				}
			})
		}
		writers.Wait()
		last, _, err := r.db.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head.Store(last)
		followers.Wait()
		for n, prefix := range prefixes {
			r.compare(t, rnd, prefix, copies[n].index)
		}
	})
}

// compare asks the copy and an index of the whole database the same questions.
func (r *rig) compare(t *testing.T, rnd *rand.Rand, prefix string, x *index.Index) {
	t.Helper()
	all := access.NewIndex()
	err := r.db.Read(t.Context(), tx.In(account), func(ctx context.Context, tr tx.Tx) error {
		page := access.Page{Limit: 10_000}
		recs, err := accessdb.Records{}.List(ctx, tr, account, access.Active, page)
		if err != nil {
			return err
		}
		ros, err := accessdb.Roles{}.List(ctx, tr, account, page)
		if err != nil {
			return err
		}
		grps, err := accessdb.Groups{}.List(ctx, tr, account, page)
		if err != nil {
			return err
		}
		all.Update(account, func(e *index.Editor) {
			for i := range ros {
				e.SetRole(ros[i].ID, ros[i].Compiled())
			}
			for i := range grps {
				e.SetGroup(grps[i].ID, grps[i].Members())
			}
			for i := range recs {
				e.SetRecord(recs[i].ID, recs[i].Blocks())
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	yes := 0
	for range 5000 {
		resource := path(rnd, patterns, 3)
		if prefix != "" {
			resource = prefix
			if rnd.IntN(4) > 0 {
				resource += "/" + path(rnd, patterns, 3)
			}
		}
		res, err := check.ParseResource(resource)
		if err != nil {
			t.Fatal(err)
		}
		act := check.MustAction(pick(rnd, actions))
		var q check.Question
		q.Ask(&res, &act, check.Allow)
		q.During = check.At(time.Unix(1_800_000_000, 0))
		user := string(pick(rnd, users))
		want, got := all.At(account).Check(user, &q), x.At("copy").Check(user, &q)
		if want != got {
			t.Fatalf("filter %q: %s %s %s: the copy says %v, the database %v", prefix, user, act.String(), resource, got, want)
		}
		if want {
			yes++
		}
	}
	if yes == 0 {
		t.Logf("filter %q: no question was answered with yes", prefix)
	}
}

func TestACursorThatIsTooOldIsGone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			if err := r.write(func(ctx context.Context, t tx.Tx) error { return putRecord(ctx, t, someRecord(rnd)) }); err != nil {
				t.Fatal(err)
			}
		}
		st, err := r.Open(caller, "")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := st.Resume(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(time.Hour)
		if err := r.db.TrimFeed(t.Context(), r.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := st.Next(t.Context()); !fault.Is(err, fault.Gone) {
			t.Errorf("a stream that was overtaken: %v", err)
		}
		for rev, gone := range map[int64]bool{0: true, 3: true, 18: true, 19: false, 20: false, 21: true, -1: true} {
			if err := st.Resume(t.Context(), rev); fault.Is(err, fault.Gone) != gone {
				t.Errorf("resume after %d: %v", rev, err)
			}
		}
	})
}

// A grant that moves from one record to another in one unit of work is never in both and never in none.
func TestAUnitOfWorkIsSeenWhole(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		move := func(n int) error {
			return r.write(func(ctx context.Context, t tx.Tx) error {
				for i := range 2 {
					rec := access.Record{ID: ident.RecordID(fmt.Sprintf("rec_%d", i)), Name: "r", Status: access.Active, Users: users[:1],
						Statements: []access.Statement{{Roles: roles[3:4], Resources: []string{fmt.Sprintf("x%d", (i+n)%2)}}}}
					if err := putRecord(ctx, t, rec); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := move(0); err != nil {
			t.Fatal(err)
		}
		c := &copied{index: index.New()}
		var wrong, looks atomic.Int64
		var over atomic.Bool
		var all sync.WaitGroup
		all.Go(func() {
			defer over.Store(true)
			for n := 0; n < 200 || n < 10_000 && looks.Load() < 10 && !t.Failed(); n++ {
				if err := move(n); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for !over.Load() {
				until := func() int64 {
					s := c.index.At("copy")
					yes := 0
					for _, text := range []string{"x0", "x1"} {
						act := check.MustAction("r")
						res, err := check.ParseResource(text)
						if err != nil {
							t.Error(err)
						}
						var q check.Question
						q.Ask(&res, &act, check.Allow)
						q.During = check.At(time.Unix(1_800_000_000, 0))
						if s.Check("u1", &q) {
							yes++
						}
					}
					looks.Add(1)
					if yes != 2 {
						wrong.Add(1)
					}
					if over.Load() {
						return 0
					}
					return 1 << 60
				}
				if _, err := c.stay(t.Context(), r, "", until, func() bool { return false }); err != nil {
					t.Error(err)
					return
				}
			}
		})
		all.Wait()
		if wrong.Load() > 0 || looks.Load() < 10 {
			t.Errorf("%d of %d looks saw half a unit of work", wrong.Load(), looks.Load())
		}
	})
}

func TestWhoMayFollowAndHowMany(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for _, right := range []string{"READ Authress:AccessRecords/*", "READ Authress:Roles/*", "READ Authress:Groups/*", "READ Authress:ResourcePermissions/*"} {
			r.guard.refuse.Store(&right)
			for _, prefix := range []string{"", "a"} {
				if _, err := r.Open(caller, prefix); !fault.Is(err, fault.Forbidden) {
					t.Errorf("without %s: %v", right, err)
				}
			}
		}
		r.guard.refuse.Store(nil)
		if _, err := r.Open(caller, "a//b"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a resource that is none: %v", err)
		}
		other := caller
		other.Account = "acc_2"
		var open []*follow.Stream
		for range 3 {
			st, err := r.Open(caller, "")
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, st)
		}
		if _, err := r.Open(caller, ""); !fault.Is(err, fault.Limited) {
			t.Errorf("the fourth of an account: %v", err)
		}
		st, err := r.Open(other, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Open(other, ""); !fault.Is(err, fault.Limited) {
			t.Errorf("the fifth of a node: %v", err)
		}
		if n := r.Streams(); n != 4 {
			t.Errorf("%d streams", n)
		}
		for _, st := range append(open, st) {
			st.Close()
			st.Close()
		}
		if n := r.Streams(); n != 0 {
			t.Errorf("%d streams are left", n)
		}
	})
}

// What one account changes is nothing to a follower of another.
func TestAnotherAccountIsNotSeen(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		rnd := rand.New(rand.NewPCG(3, 4))
		for range 30 {
			if err := r.change(rnd); err != nil {
				t.Fatal(err)
			}
		}
		other := caller
		other.Account = "acc_2"
		st, err := r.Open(other, "")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		err = st.Snapshot(t.Context(), func(i follow.Item) error {
			if !access.Builtin(ident.RoleID(i.Key)) {
				return fmt.Errorf("%s %s", i.Kind, i.Key)
			}
			return nil
		})
		if err != nil {
			t.Errorf("the snapshot: %v", err)
		}
		if err := r.change(rnd); err != nil {
			t.Fatal(err)
		}
		if items, more, err := st.Next(t.Context()); len(items) > 0 || more || err != nil {
			t.Errorf("changes: %v, %v, %v", items, more, err)
		}
		if w, ok := st.Whole(); !ok || w.Rev == 0 {
			t.Errorf("whole: %+v, %v", w, ok)
		}
	})
}

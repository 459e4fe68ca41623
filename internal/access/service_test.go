package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

// rig is the service on a database, with the engine that follows it.
type rig struct {
	*access.Service
	engine *access.Engine
	db     *sqldb.DB
	clock  *clock.Fake
}

// each runs fn on every database, with everything in memory and with nothing that stays there.
func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	for name, keep := range map[string]int{"whole": access.DefaultMemory, "by need": 0} {
		t.Run(name, func(t *testing.T) {
			sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
				fn(t, newRigKeeping(t, keep, db, clk))
			})
		})
	}
}

type oneClient struct{}

func (oneClient) MayReadPermissions(_ ident.AccountID, id ident.ServiceClientID) bool {
	return id == "sc_reader"
}

func newRig(t testing.TB, db *sqldb.DB, clk *clock.Fake) *rig {
	return newRigKeeping(t, access.DefaultMemory, db, clk)
}

func newRigKeeping(t testing.TB, keep int, db *sqldb.DB, clk *clock.Fake) *rig {
	follower := feed.NewFollower(db, db, time.Minute)
	r := &rig{db: db, clock: clk, engine: access.NewEngine(follower.Fresh, oneClient{}, clk)}
	r.engine.Keep(keep)
	r.Service = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{}, Engine: r.engine, Resources: openIn(db)})
	follower.Subscribe(r.Service, access.ChangeKinds()...)
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

var operator = actor.ForOperator(account)

func person(id string) actor.Actor { return actor.Actor{Kind: actor.User, Account: account, ID: id} }

func record(id ident.RecordID, role ident.RoleID, resource string, users ...ident.UserID) access.Record {
	return access.Record{ID: id, Name: "r", Users: users,
		Statements: []access.Statement{{Roles: []ident.RoleID{role}, Resources: []string{resource}}}}
}

func (r *rig) may(t *testing.T, user ident.UserID, action, resource string) bool {
	t.Helper()
	ok, err := r.engine.Check(account, user, resource, action)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v; want kind %d", what, err, kind)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// TestTheNextCheckSees is the waiting-list story: grant, check, remove, check.
func TestTheNextCheckSees(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.CreateRole(ctx, operator, access.Role{ID: "ro_account", Name: "Account", Permissions: []access.Permission{{Action: "Accounts:Create", Allow: true}}})
		ok(t, "create the role", err)
		if r.may(t, "ann", "accounts:create", "accounts/*") {
			t.Fatal("before the grant")
		}
		created, err := r.CreateRecord(ctx, operator, record("rec_1", "ro_account", "accounts/*", "ann"))
		ok(t, "create the record", err)
		if !r.may(t, "ann", "accounts:create", "accounts/*") {
			t.Fatal("after the grant")
		}
		ok(t, "delete the record", r.DeleteRecord(ctx, operator, created.ID))
		if r.may(t, "ann", "accounts:create", "accounts/*") {
			t.Fatal("after the removal")
		}
		ok(t, "delete it again", r.DeleteRecord(ctx, operator, created.ID))
		gone, err := r.GetRecord(ctx, operator, created.ID)
		if err != nil || gone.Status != access.Deleted {
			t.Fatalf("the deleted record: %+v, %v", gone, err)
		}
		_, err = r.ReplaceRecord(ctx, operator, record("rec_1", "ro_account", "accounts/*", "ann"), time.Time{})
		wantKind(t, "replacing a deleted record", err, fault.NotFound)
		again, err := r.CreateRecord(ctx, operator, record("rec_1", "ro_account", "accounts/*", "bob"))
		ok(t, "create over the deleted one", err)
		if !again.LastUpdated.After(gone.LastUpdated) {
			t.Errorf("lastUpdated %v, then %v", gone.LastUpdated, again.LastUpdated)
		}
		if r.may(t, "ann", "accounts:create", "accounts/*") || !r.may(t, "bob", "accounts:create", "accounts/*") {
			t.Error("something of the deleted record came back")
		}
		_, err = r.CreateRecord(ctx, operator, record("rec_1", "ro_account", "accounts/*", "bob"))
		wantKind(t, "create twice", err, fault.Conflict)
		if codeOf(err) != "AccessRecordAlreadyExists" {
			t.Errorf("code %q", codeOf(err))
		}
	})
}

// TestTruthThroughTheStore writes every scenario through the service and asks the engine that followed.
func TestTruthThroughTheStore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for i, s := range accesstest.Truth(t) {
			by := actor.ForOperator(ident.AccountID(fmt.Sprintf("acc_%d", i)))
			world := s.World.Accepted()
			for _, role := range world.Roles {
				_, err := r.CreateRole(t.Context(), by, role)
				ok(t, s.Name, err)
			}
			for _, g := range world.Groups {
				_, err := r.CreateGroup(t.Context(), by, g)
				ok(t, s.Name, err)
			}
			for _, rec := range world.Records {
				_, err := r.CreateRecord(t.Context(), by, rec)
				ok(t, s.Name, err)
				if rec.Status == access.Deleted {
					ok(t, s.Name, r.DeleteRecord(t.Context(), by, rec.ID))
				}
			}
			for _, resource := range world.Public {
				ok(t, s.Name, r.open(t, by.Account, resource))
			}
			for _, a := range s.Asks {
				r.clock.Advance(a.At.Sub(r.clock.Now()))
				got, err := r.engine.Check(by.Account, a.User, a.Resource, a.Action)
				if err != nil || got != a.Allowed {
					t.Errorf("%s: %s = %v, %v", s.Name, a, got, err)
				}
			}
			r.clock.Advance(accesstest.Base.Sub(r.clock.Now()))
		}
		// A node that starts now knows the same.
		other := newRig(t, r.db, r.clock)
		for i, s := range accesstest.Truth(t) {
			for _, a := range s.Asks {
				id := ident.AccountID(fmt.Sprintf("acc_%d", i))
				r.clock.Advance(a.At.Sub(r.clock.Now()))
				want, _ := r.engine.Check(id, a.User, a.Resource, a.Action)
				if got, err := other.engine.Check(id, a.User, a.Resource, a.Action); err != nil || got != want {
					t.Errorf("loaded: %s: %s = %v, %v", s.Name, a, got, err)
				}
			}
		}
	})
}

// TestNobodyGivesMoreThanTheyHold is I-14.
func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		roles := []access.Role{
			{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}},
			{ID: "ro_write", Name: "w", Permissions: []access.Permission{{Action: "docs:write", Allow: true}}},
			{ID: "ro_give", Name: "g", Permissions: []access.Permission{{Action: "docs:read", Grant: true}}},
			{ID: "ro_lead", Name: "l", Permissions: []access.Permission{{Action: "docs", Grant: true, Delegate: true}}},
			{ID: "ro_none", Name: "n"},
			{ID: "ro_admin", Name: "a", Permissions: []access.Permission{{Action: "UPDATE", Allow: true}, {Action: "CREATE", Allow: true}, {Action: "READ", Allow: true}}},
		}
		for _, role := range roles {
			_, err := r.CreateRole(ctx, operator, role)
			ok(t, "role", err)
		}
		_, err := r.CreateGroup(ctx, operator, access.Group{ID: "grp_strong", Name: "g", Admins: []ident.UserID{"giver"}})
		ok(t, "group", err)
		for _, rec := range []access.Record{
			record("rec_giver", "ro_give", "d/1", "giver"),
			record("rec_lead", "ro_lead", "d", "lead"),
			record("rec_owner", access.Owner, "d/2", "owner"),
			record("rec_reader", "ro_read", "d", "reader"),
			record("rec_admin", "ro_admin", "Authress:*", "admin"),
			{ID: "rec_group", Name: "g", Groups: []ident.GroupID{"grp_strong"}, Admins: []ident.UserID{"giver"}, Statements: record("", "ro_write", "d/1").Statements},
			{ID: "rec_managed", Name: "m", Users: []ident.UserID{"x"}, Admins: []ident.UserID{"giver"}, Statements: record("", "ro_write", "d/1").Statements},
		} {
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, string(rec.ID), err)
		}
		tests := []struct {
			who, role, resource string
			allowed             bool
		}{
			{"giver", "ro_read", "d/1", true}, {"giver", "ro_read", "d/1/deep", true}, {"giver", "ro_read", "d/1/*", true},
			{"giver", "ro_read", "d/*", false}, {"giver", "ro_read", "d", false}, {"giver", "ro_read", "*", false},
			{"giver", "ro_write", "d/1", false}, {"giver", "ro_give", "d/1", false}, {"giver", "Authress:Owner", "d/1", false},
			{"lead", "ro_read", "d/7", true}, {"lead", "ro_give", "d/7", true}, {"lead", "ro_lead", "d", true},
			{"lead", "Authress:Owner", "d/7", false}, {"lead", "ro_read", "e", false},
			{"owner", "Authress:Owner", "d/2", true}, {"owner", "Authress:Owner", "d/2/x", true}, {"owner", "Authress:Owner", "d/3", false},
			{"reader", "ro_read", "d/1", false}, {"reader", "ro_none", "d/1", false}, {"nobody", "ro_none", "x", false},
			{"admin", "ro_read", "d/1", false}, {"admin", "ro_none", "d/1", true},
		}
		for i, test := range tests {
			id := ident.RecordID(fmt.Sprintf("rec_try_%d", i))
			_, err := r.CreateRecord(ctx, person(test.who), record(id, ident.RoleID(test.role), test.resource, "friend"))
			if test.allowed && err != nil || !test.allowed && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s gives %s on %s: %v", test.who, test.role, test.resource, err)
			}
		}
		t.Run("what was there may stay, nothing may be added", func(t *testing.T) {
			managed, err := r.GetRecord(ctx, person("giver"), "rec_managed")
			ok(t, "its admin reads it", err)
			managed.Name = "renamed"
			_, err = r.ReplaceRecord(ctx, person("giver"), managed, time.Time{})
			ok(t, "its admin renames it", err)
			more := managed
			more.Users = []ident.UserID{"x", "giver"}
			_, err = r.ReplaceRecord(ctx, person("giver"), more, time.Time{})
			wantKind(t, "a person is added", err, fault.Forbidden)
			wider := managed
			wider.Statements = append(wider.Statements, record("", "ro_write", "d/9").Statements...)
			_, err = r.ReplaceRecord(ctx, person("giver"), wider, time.Time{})
			wantKind(t, "a resource is added", err, fault.Forbidden)
			swapped := managed
			swapped.Users, swapped.Groups = nil, []ident.GroupID{"grp_strong"}
			_, err = r.ReplaceRecord(ctx, person("giver"), swapped, time.Time{})
			wantKind(t, "a group instead of a person", err, fault.Forbidden)
			less := managed
			less.Users = nil
			_, err = r.ReplaceRecord(ctx, person("giver"), less, time.Time{})
			ok(t, "a person is removed", err)
			_, err = r.ReplaceRecord(ctx, person("stranger"), less, time.Time{})
			wantKind(t, "a stranger", err, fault.Forbidden)
		})
		t.Run("joining a group gives what it has", func(t *testing.T) {
			_, err := r.ReplaceGroup(ctx, person("giver"), access.Group{ID: "grp_strong", Name: "g", Users: []ident.UserID{"giver"}}, time.Time{})
			wantKind(t, "its admin joins", err, fault.Forbidden)
			_, err = r.ReplaceGroup(ctx, person("lead"), access.Group{ID: "grp_strong", Name: "g", Users: []ident.UserID{"lead"}}, time.Time{})
			wantKind(t, "no admin", err, fault.Forbidden)
			_, err = r.ReplaceGroup(ctx, person("giver"), access.Group{ID: "grp_strong", Name: "g", Admins: []ident.UserID{"giver", "lead"}}, time.Time{})
			ok(t, "an admin more", err)
			_, err = r.ReplaceGroup(ctx, person("lead"), access.Group{ID: "grp_strong", Name: "g", Users: []ident.UserID{"ann"}}, time.Time{})
			ok(t, "who may give it adds somebody", err)
			if !r.may(t, "ann", "docs:write", "d/1") {
				t.Error("the member has nothing")
			}
		})
		t.Run("a role that grows gives to all who have it", func(t *testing.T) {
			grown := roles[0]
			grown.Permissions = append([]access.Permission{{Action: "docs:delete", Allow: true}}, grown.Permissions...)
			_, err := r.ReplaceRole(ctx, person("admin"), grown)
			wantKind(t, "grow", err, fault.Forbidden)
			shrunk := roles[0]
			shrunk.Permissions = []access.Permission{{Action: "docs:read:some", Allow: true}}
			_, err = r.ReplaceRole(ctx, person("admin"), shrunk)
			ok(t, "shrink", err)
			unused := access.Role{ID: "ro_unused", Name: "u", Permissions: []access.Permission{{Action: "*", Allow: true, Grant: true, Delegate: true}}}
			_, err = r.CreateRole(ctx, person("admin"), unused)
			ok(t, "a role that nobody has", err)
			ok(t, "delete a role", r.DeleteRole(ctx, operator, "ro_write"))
			if r.may(t, "ann", "docs:write", "d/1") {
				t.Error("a deleted role gives")
			}
			_, err = r.CreateRole(ctx, person("admin"), access.Role{ID: "ro_write", Name: "w", Permissions: unused.Permissions})
			wantKind(t, "make a role that records still name", err, fault.Forbidden)
		})
	})
}

func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		rec, err := r.CreateRecord(ctx, operator, record("rec_1", access.Owner, "a", "ann"))
		ok(t, "create", err)
		first := rec.LastUpdated
		seen := map[int64]bool{first.Unix(): true}
		for i := range 3 { // the clock stands still
			rec.Name = fmt.Sprint(i)
			if rec, err = r.ReplaceRecord(ctx, operator, rec, rec.LastUpdated); err != nil {
				t.Fatal(err)
			}
			if seen[rec.LastUpdated.Unix()] {
				t.Errorf("two versions in second %v", rec.LastUpdated)
			}
			seen[rec.LastUpdated.Unix()] = true
		}
		_, err = r.ReplaceRecord(ctx, operator, rec, first)
		wantKind(t, "an old version", err, fault.Precondition)
		_, err = r.ReplaceRecord(ctx, operator, rec, rec.LastUpdated.Add(-time.Second))
		wantKind(t, "the version before", err, fault.Precondition)
		_, err = r.ReplaceRecord(ctx, operator, rec, rec.LastUpdated.Truncate(time.Second))
		ok(t, "the current version in whole seconds", err)
		_, err = r.ReplaceRecord(ctx, operator, record("rec_none", access.Owner, "a", "ann"), time.Time{})
		wantKind(t, "no such record", err, fault.NotFound)
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		big := record("rec_big", access.Owner, "a", "ann")
		for i := range 40 {
			st := access.Statement{Roles: []ident.RoleID{access.Owner}}
			for k := range 100 {
				st.Resources = append(st.Resources, fmt.Sprintf("some/rather/long/resource/%d/%d", i, k))
			}
			big.Statements = append(big.Statements, st)
		}
		many := record("rec_many", access.Owner, "a")
		for i := range 1001 {
			many.Users = append(many.Users, ident.UserID(fmt.Sprint("u", i)))
		}
		both := record("rec_both", access.Owner, "a", "ann")
		both.Statements[0].Users = []ident.UserID{"bob"}
		for what, test := range map[string]struct {
			r    access.Record
			kind fault.Kind
		}{
			"100 KiB":         {big, fault.TooLarge},
			"1001 users":      {many, fault.Unprocessable},
			"users twice":     {both, fault.Unprocessable},
			"no name":         {access.Record{ID: "rec_1", Statements: both.Statements}, fault.Invalid},
			"no statement":    {access.Record{ID: "rec_1", Name: "n"}, fault.Invalid},
			"bad id":          {record("rec/1", access.Owner, "a"), fault.Invalid},
			"bad resource":    {record("rec_1", access.Owner, "a//b"), fault.Invalid},
			"bad user":        {record("rec_1", access.Owner, "a", "u\x00"), fault.Invalid},
			"unknown role":    {record("rec_1", "ro_unknown", "a", "u"), fault.Invalid},
			"control in name": {access.Record{ID: "rec_1", Name: "a\x00b", Statements: record("", access.Owner, "a").Statements}, fault.Invalid},
		} {
			_, err := r.CreateRecord(t.Context(), operator, test.r)
			wantKind(t, what, err, test.kind)
		}
		rec, err := r.CreateRecord(t.Context(), operator, record("", access.Owner, "a", "ann"))
		if err != nil || rec.Capacity <= 0 || rec.Capacity > 0.02 || !strings.HasPrefix(string(rec.ID), "rec_") {
			t.Errorf("%+v, %v", rec, err)
		}
	})
}

func TestListsShowWhatTheCallerMayRead(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for i := range 5 {
			rec := record(ident.RecordID(fmt.Sprintf("rec_%d", i)), access.Owner, fmt.Sprint("a/", i), "ann")
			if i%2 == 1 {
				rec.Admins = []ident.UserID{"adm"}
			}
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "create", err)
		}
		_, err := r.CreateRecord(ctx, operator, record("rec_given", access.ReadResource, "Authress:AccessRecords/rec_4", "adm", "one"))
		ok(t, "create", err)
		list := func(a actor.Actor, p access.Page) string {
			var ids []string
			for {
				page, more, err := r.ListRecords(ctx, a, access.Active, p)
				if err != nil {
					return fmt.Sprint(fault.KindOf(err) == fault.Forbidden)
				}
				for _, rec := range page {
					ids = append(ids, strings.TrimPrefix(string(rec.ID), "rec_"))
				}
				if !more {
					return strings.Join(ids, " ")
				}
				p.After = string(page[len(page)-1].ID)
			}
		}
		for what, test := range map[string][2]string{
			"operator": {list(operator, access.Page{Limit: 2}), "0 1 2 3 4 given"},
			"filtered": {list(operator, access.Page{Limit: 2, Filter: "A/3"}), "3"},
			"admin":    {list(person("adm"), access.Page{Limit: 2}), "1 3 4"},
			"one":      {list(person("one"), access.Page{Limit: 2}), "4"},
			"nobody":   {list(person("nobody"), access.Page{Limit: 2}), "true"},
		} {
			if test[0] != test[1] {
				t.Errorf("%s: %q; want %q", what, test[0], test[1])
			}
		}
	})
}

func TestAForgottenUserHasNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.CreateGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"ann", "bob"}})
		ok(t, "group", err)
		for _, rec := range []access.Record{
			record("rec_1", access.Owner, "a", "ann", "bob"),
			{ID: "rec_2", Name: "r", Statements: []access.Statement{
				{Roles: []ident.RoleID{access.Owner}, Resources: []string{"b"}, Users: []ident.UserID{"ann"}},
				{Roles: []ident.RoleID{access.Owner}, Resources: []string{"c"}, Groups: []ident.GroupID{"grp_1"}},
			}},
		} {
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		err = r.db.Write(ctx, tx.In(account), func(ctx context.Context, tr tx.Tx) error {
			return r.ForgetUser(ctx, tr, event.New(operator, "user.deleted", "ann"))
		})
		ok(t, "forget", err)
		for _, resource := range []string{"a", "b", "c"} {
			if r.may(t, "ann", "read", resource) {
				t.Error("ann still has", resource)
			}
		}
		if !r.may(t, "bob", "read", "a") || !r.may(t, "bob", "read", "c") || r.may(t, "bob", "read", "b") {
			t.Error("bob has something else than before")
		}
	})
}

// Who is named as an admin alone is found as well, and what was deleted is none of theirs either.
func TestAForgottenUserIsNoAdmin(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.CreateGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"bob"}, Admins: []ident.UserID{"ann", "bob"}})
		ok(t, "group", err)
		for _, id := range []ident.RecordID{"rec_1", "rec_2"} {
			rec := record(id, access.Owner, "a", "bob")
			rec.Admins = []ident.UserID{"ann", "bob"}
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		ok(t, "delete", r.DeleteRecord(ctx, operator, "rec_2"))
		err = r.db.Write(ctx, tx.In(account), func(ctx context.Context, tr tx.Tx) error {
			return r.ForgetUser(ctx, tr, event.New(operator, "user.deleted", "ann"))
		})
		ok(t, "forget", err)
		g, err := r.GetGroup(ctx, operator, "grp_1")
		ok(t, "group", err)
		if !slices.Equal(g.Admins, []ident.UserID{"bob"}) || !slices.Equal(g.Users, []ident.UserID{"bob"}) {
			t.Errorf("%+v", g)
		}
		for id, status := range map[ident.RecordID]access.Status{"rec_1": access.Active, "rec_2": access.Deleted} {
			rec, err := r.GetRecord(ctx, operator, id)
			ok(t, "record", err)
			if !slices.Equal(rec.Admins, []ident.UserID{"bob"}) || rec.Status != status || len(rec.Statements) != 1 {
				t.Errorf("%+v", rec)
			}
			_, err = r.GetRecord(ctx, person("ann"), id)
			wantKind(t, "read by the forgotten", err, fault.Forbidden)
		}
	})
}

func TestWhoMayAsk(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, err := r.CreateRecord(t.Context(), operator, record("rec_1", access.ReadResource, "Authress:UserPermissions/ann", "sue"))
		ok(t, "record", err)
		client := func(id string) actor.Actor { return actor.Actor{Kind: actor.ServiceClient, Account: account, ID: id} }
		elsewhere := person("sue")
		elsewhere.Account = "acc_2"
		for _, test := range []struct {
			a    actor.Actor
			user ident.UserID
			kind fault.Kind
		}{
			{person("ann"), "ann", 0}, {person("ann"), "bob", fault.Forbidden}, {person("sue"), "ann", 0}, {person("sue"), "bob", fault.Forbidden},
			{client("sc_reader"), "anybody", 0}, {client("sc_other"), "ann", fault.Forbidden}, {client("sc_other"), "sc_other", 0},
			{operator, "ann", 0}, {actor.Actor{Account: account}, "ann", fault.Unauthenticated}, {elsewhere, "ann", fault.Forbidden},
			{person("ann"), "ann/x", fault.Forbidden}, {person("sue"), "ann/x", fault.Forbidden},
		} {
			err := r.engine.AllowAsking(test.a, test.user)
			if test.kind == 0 && err != nil || test.kind != 0 && !fault.Is(err, test.kind) {
				t.Errorf("%v asks about %s: %v", test.a, test.user, err)
			}
		}
	})
}

// Who may ask about everybody may until the very change that ends it, and until the second that does.
func TestWhoMayAskAboutEverybody(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		backend := actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_backend"}
		twin, elsewhere := backend, backend
		twin.ID, elsewhere.Account = "sc_xackend", "acc_2" // the twin has the same place in memory
		asks := func(what string, a actor.Actor, user ident.UserID, may bool) {
			t.Helper()
			for range 2 {
				if err := r.engine.AllowAsking(a, user); may && err != nil || !may && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		asks("before", backend, "ann", false)
		_, err := r.CreateRecord(t.Context(), operator, record("rec_1", access.ReadResource, "Authress:UserPermissions/*", ident.UserID(backend.ID)))
		ok(t, "record", err)
		asks("granted", backend, "ann", true)
		asks("granted, about somebody whose id has a slash", backend, "ann/x", true)
		asks("the same id in another account", elsewhere, "ann", false)
		asks("granted, once more", backend, "ann", true)
		asks("another client", twin, "ann", false)
		asks("a user", person("bob"), "ann", false)
		asks("granted, again", backend, "bob", true)
		ok(t, "revoke", r.DeleteRecord(t.Context(), operator, "rec_1"))
		asks("revoked", backend, "ann", false)

		brief := record("rec_2", access.ReadResource, "Authress:UserPermissions/*", ident.UserID(backend.ID))
		brief.Statements[0].ExpiresAt = r.clock.Now().Add(time.Minute)
		_, err = r.CreateRecord(t.Context(), operator, brief)
		ok(t, "record for a minute", err)
		asks("for a minute", backend, "ann", true)
		r.clock.Advance(time.Minute)
		asks("a minute later", backend, "ann", false)
	})
}

func TestAStaleNodeAnswersNothing(t *testing.T) {
	e := access.NewEngine(func() bool { return false }, noClients{}, atBase)
	_, err := e.Check(account, "ann", "a", "read")
	wantKind(t, "Check", err, fault.Unavailable)
	_, err = e.Permissions(account, "ann", "a")
	wantKind(t, "Permissions", err, fault.Unavailable)
	_, err = e.Roles(account, "ann", "a")
	wantKind(t, "Roles", err, fault.Unavailable)
	_, _, err = e.Resources(account, "ann", access.Listing{Limit: 1})
	wantKind(t, "Resources", err, fault.Unavailable)
	wantKind(t, "Allow", e.Allow(person("ann"), "READ", access.System("Roles")), fault.Unavailable)
	wantKind(t, "AllowAsking", e.AllowAsking(person("ann"), "bob"), fault.Unavailable)
}

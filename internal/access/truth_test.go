package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

const account ident.AccountID = "acc_1"

type noClients struct{}

func (noClients) MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool { return false }

func always() bool { return true }

// atBase stands still at the time that the truth takes for now.
var atBase = clock.NewFake(accesstest.Base)

func engineOf(w *accesstest.World) *access.Engine { return engineAt(w, atBase) }

func engineAt(w *accesstest.World, c clock.Clock) *access.Engine {
	e := access.NewEngine(always, noClients{}, c)
	if w == nil {
		return e
	}
	for _, resource := range w.Public {
		e.PutResource(account, access.ResourceConfig{Resource: resource, Public: true})
	}
	for _, r := range w.Records {
		e.PutRecord(account, r)
	}
	for _, g := range w.Groups {
		e.PutGroup(account, g)
	}
	for _, r := range w.Roles {
		e.PutRole(account, r)
	}
	return e
}

// TestTruth asks every case of the oracle, of the check and of the list.
func TestTruth(t *testing.T) {
	asked := 0
	for _, s := range accesstest.Truth(t) {
		t.Run(s.Name, func(t *testing.T) {
			clk := clock.NewFake(accesstest.Base)
			e := engineAt(&s.World, clk)
			for _, a := range s.Asks {
				asked++
				clk.Advance(a.At.Sub(clk.Now()))
				if got := s.World.Allowed(a); got != a.Allowed {
					t.Errorf("oracle: %s = %v", a, got)
				}
				got, err := e.Check(account, a.User, a.Resource, a.Action)
				if err != nil || got != a.Allowed {
					t.Errorf("check: %s = %v, %v", a, got, err)
				}
				if got := e.CheckMany(account, batch(a)); got[0].Err == nil || got[1].Err != nil || got[1].Allowed != a.Allowed || got[2] != got[1] {
					t.Errorf("batch: %s = %v", a, got)
				}
				if got := listed(t, e, a); got != a.Allowed {
					t.Errorf("list: %s = %v", a, got)
				}
			}
		})
	}
	if asked < 330 {
		t.Errorf("only %d cases", asked)
	}
}

// batch asks the question twice, after one that is wrong.
func batch(a accesstest.Ask) []access.Question {
	q := access.Question{User: a.User, Resource: a.Resource, Action: a.Action}
	return []access.Question{{User: a.User, Resource: "a//b", Action: a.Action}, q, q}
}

// listed tells whether the list of what is below the resource's parent holds something that
// covers it.
func listed(t testing.TB, e *access.Engine, a accesstest.Ask) bool {
	resource := strings.Trim(a.Resource, "/")
	parent := "*"
	if i := strings.LastIndexByte(resource, '/'); i >= 0 {
		parent = resource[:i]
	}
	all, more, err := e.Resources(account, a.User, access.Listing{Collection: parent, Action: a.Action, Nested: true, Limit: 10_000})
	if err != nil || more {
		t.Fatalf("list %s: %v, %v", a, more, err)
	}
	return slices.ContainsFunc(all, func(text string) bool { return accesstest.PathCovers(text, resource, "/") })
}

func TestResources(t *testing.T) {
	reader := access.Role{ID: "ro_reader", Permissions: []access.Permission{{Action: "read", Allow: true}}}
	writer := access.Role{ID: "ro_writer", Permissions: []access.Permission{{Action: "write", Allow: true}}}
	record := func(id ident.RecordID, role ident.RoleID, user ident.UserID, resources ...string) access.Record {
		return access.Record{ID: id, Users: []ident.UserID{user},
			Statements: []access.Statement{{Roles: []ident.RoleID{role}, Resources: resources}}}
	}
	e := engineOf(&accesstest.World{
		Roles: []access.Role{reader, writer},
		Records: []access.Record{
			record("rec_1", "ro_reader", "ann", "/resources/001", "resources/002/sub-resource/*", "resources/003/sub-resource/003", "resources/004/*", "other/1", "resourcesx/1"),
			record("rec_2", "ro_writer", "ann", "resources/001", "resources/005"),
			record("rec_3", "ro_reader", "root", "*"),
			record("rec_4", "ro_reader", "org", "organizations/*/documents/*", "organizations/o1"),
			record("rec_5", "ro_reader", "col", "resources"),
			record("rec_6", "ro_reader", "ns", "ns:*/items/1", "*:b/items/2"),
		},
	})
	tests := []struct {
		user       ident.UserID
		collection string
		action     string
		nested     bool
		want       string
	}{
		{"ann", "resources", "read", false, "resources/001"},
		{"ann", "resources/*", "read", false, "resources/001"},
		{"ann", "/resources/", "READ", true, "resources/001 resources/002/sub-resource/* resources/003/sub-resource/003 resources/004/*"},
		{"ann", "resources", "", false, "resources/001 resources/005"},
		{"ann", "resources/004", "read", false, "resources/004/*"},
		{"ann", "resources/001/x", "read", false, "resources/001/x/*"},
		{"ann", "resources/*/sub-resource/*", "read", false, "resources/001/sub-resource/* resources/002/sub-resource/* resources/003/sub-resource/003 resources/004/sub-resource/*"},
		{"ann", "resource", "read", true, ""},
		{"ann", "*", "read", false, ""},
		{"ann", "", "write", true, "resources/001 resources/005"},
		{"ann", "resources", "delete", true, ""},
		{"root", "/resources/*", "read", false, "resources/*"},
		{"root", "*", "read", false, "*"},
		{"root", "*", "write", false, ""},
		{"org", "organizations", "read", false, "organizations/o1"},
		{"org", "organizations", "read", true, "organizations/*/documents/* organizations/o1"},
		{"org", "organizations/o2/documents", "read", false, "organizations/o2/documents/*"},
		{"org", "organizations/o1/documents", "read", false, "organizations/o1/documents/*"},
		{"org", "organizations/o2", "read", true, "organizations/o2/documents/*"},
		{"org", "organizations/o2", "read", false, ""},
		{"col", "resources", "read", false, "resources/*"},
		{"ns", "ns:b/items", "read", false, "ns:b/items/1 ns:b/items/2"},
		{"ns", "*:b/items", "read", false, "*:b/items/2 ns:b/items/1"},
		{"nobody", "*", "", true, ""},
	}
	for _, test := range tests {
		name := fmt.Sprintf("%s %s %s %v", test.user, test.collection, test.action, test.nested)
		got, more, err := e.Resources(account, test.user, access.Listing{
			Collection: test.collection, Action: test.action, Nested: test.nested, Limit: 100})
		if err != nil || more || strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, %v, %v; want %q", name, got, more, err, test.want)
		}
		paged := pages(t, e, test.user, access.Listing{Collection: test.collection, Action: test.action, Nested: test.nested, Limit: 1})
		if strings.Join(paged, " ") != test.want {
			t.Errorf("%s, page by page: %q; want %q", name, paged, test.want)
		}
	}
}

func pages(t interface{ Fatal(...any) }, e *access.Engine, user ident.UserID, l access.Listing) (all []string) {
	for {
		page, more, err := e.Resources(account, user, l)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if !more {
			return all
		}
		l.After = page[len(page)-1]
	}
}

func TestPermissionsAndRoles(t *testing.T) {
	e := engineOf(&accesstest.World{
		Roles: []access.Role{
			{ID: "ro_a", Permissions: []access.Permission{{Action: "documents:read", Allow: true}, {Action: "documents:write", Grant: true}}},
			{ID: "ro_b", Permissions: []access.Permission{{Action: "documents:read", Grant: true}, {Action: "*", Delegate: true}}},
		},
		Groups: []access.Group{{ID: "grp_1", Users: []ident.UserID{"ann"}}},
		Records: []access.Record{
			{ID: "rec_1", Users: []ident.UserID{"ann"}, Statements: []access.Statement{{Roles: []ident.RoleID{"ro_a"}, Resources: []string{"d/1"}}}},
			{ID: "rec_2", Groups: []ident.GroupID{"grp_1"}, Statements: []access.Statement{{Roles: []ident.RoleID{"ro_b", "ro_a"}, Resources: []string{"d", "d/1"}}}},
		},
	})
	got, err := e.Permissions(account, "ann", "/d/1")
	if err != nil {
		t.Fatal(err)
	}
	want := "[{* false false true} {documents:read true true false} {documents:write false true false}]"
	if fmt.Sprint(got) != want {
		t.Errorf("Permissions = %v; want %s", got, want)
	}
	roles, err := e.Roles(account, "ann", "d/1")
	if err != nil || fmt.Sprint(roles) != "[ro_a ro_b]" {
		t.Errorf("Roles = %v, %v", roles, err)
	}
	if roles, err := e.Roles(account, "ann", "d/1/x"); err != nil || len(roles) != 0 {
		t.Errorf("Roles below = %v, %v", roles, err)
	}
	if got, err := e.Permissions(account, "ann", "e"); err != nil || len(got) != 0 {
		t.Errorf("Permissions elsewhere = %v, %v", got, err)
	}
	for _, bad := range []string{"", "//", "a//b", "a/../b", "a/%2F", "a b", "a/b*", "./a", ":a", "a/\x00", "é", strings.Repeat("a/", 300)} {
		if _, err := e.Permissions(account, "ann", bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestTimeInPermissionsAndRoles: what is not in force now is in no answer.
func TestTimeInPermissionsAndRoles(t *testing.T) {
	clk := clock.NewFake(accesstest.Base)
	e := engineAt(&accesstest.World{Records: []access.Record{{ID: "rec_1", Users: []ident.UserID{"ann"}, Statements: []access.Statement{
		{Roles: []ident.RoleID{access.ReadResource}, Resources: []string{"x"}, ExpiresAt: accesstest.Base.Add(time.Hour)},
		{Roles: []ident.RoleID{access.Owner}, Resources: []string{"x"}, StartsAt: accesstest.Base.Add(time.Minute)},
	}}}}, clk)
	for _, step := range []struct {
		move time.Duration
		want string
	}{
		{0, "[{read true false false}] [Authress:ReadResource]"},
		{time.Minute, "[{* true true true} {read true false false}] [Authress:Owner Authress:ReadResource]"},
		{time.Hour - time.Minute, "[{* true true true}] [Authress:Owner]"},
	} {
		clk.Advance(step.move)
		permissions, err := e.Permissions(account, "ann", "x")
		if err != nil {
			t.Fatal(err)
		}
		roles, err := e.Roles(account, "ann", "x")
		if got := fmt.Sprint(permissions, roles); err != nil || got != step.want {
			t.Errorf("after %v: %s, %v; want %s", step.move, got, err, step.want)
		}
	}
}

// TestCheckAllocatesNothing asks through the Engine, with time and public resources about.
func TestCheckAllocatesNothing(t *testing.T) {
	e := engineOf(&accesstest.World{Public: []string{"site"}, Records: []access.Record{{ID: "rec_1", Users: []ident.UserID{"ann"}, Statements: []access.Statement{
		{Roles: []ident.RoleID{access.ReadResource}, Resources: []string{"a/b"}, StartsAt: accesstest.Base, ExpiresAt: accesstest.Base.Add(time.Hour)},
	}}}})
	for resource, want := range map[string]bool{"a/b/c": true, "a/c": false, "site/x": true, "else": false} {
		if n := testing.AllocsPerRun(100, func() {
			if got, err := e.Check(account, "ann", resource, "READ:all"); err != nil || got != want {
				t.Fatal(resource, got, err)
			}
		}); n > 1 { // one to fold the action
			t.Errorf("%s: %v allocations", resource, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = e.Check(account, "ann", resource, "read") }); n != 0 {
			t.Errorf("%s: %v allocations", resource, n)
		}
	}
}

package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

func statement(role ident.RoleID, resources ...string) access.Statement {
	return access.Statement{Roles: []ident.RoleID{role}, Resources: resources}
}

func record(id ident.RecordID, users []ident.UserID, groups []ident.GroupID, s ...access.Statement) access.Record {
	return access.Record{ID: id, Name: "name of " + string(id), Users: users, Groups: groups, Admins: []ident.UserID{"boss"}, Statements: s}
}

var ann = []ident.UserID{"ann"}

func role(id ident.RoleID, permissions ...access.Permission) access.Role {
	return access.Role{ID: id, Name: string(id), Permissions: permissions}
}

// small is the world of most tests.
func (r *rig) small(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	do[access.Role](t)(r.verbs.CreateRole(ctx, operator, role("ro_reader", access.Permission{Action: "docs:read", Allow: true},
		access.Permission{Action: "docs", Grant: true})))
	do[access.Role](t)(r.verbs.CreateRole(ctx, operator, role("ro_giver", access.Permission{Action: "docs:write", Grant: true})))
	do[access.Group](t)(r.verbs.CreateGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"ann", "bob"}}))
}

func (r *rig) explain(t testing.TB, a actor.Actor, user ident.UserID, action, resource string, at time.Time) history.Explanation {
	t.Helper()
	return do[history.Explanation](t)(r.Explain(t.Context(), a, history.Question{User: user, Resource: resource, Action: action}, at))
}

// told is an explanation in short.
func told(e history.Explanation) string {
	var out []string
	grant := func(g history.Grant) string {
		s := fmt.Sprintf("%s %s#%d %s %s %s", g.Covers, g.Record, g.Statement, g.Role, g.Resource, g.Group)
		if g.Hidden {
			s += " hidden"
		}
		return s
	}
	for _, b := range e.Because {
		out = append(out, grant(b.Grant)+" by "+b.Permission.Action)
	}
	for _, n := range e.Nearest {
		s := fmt.Sprintf("%s: %s", n.Why, grant(n.Grant))
		if n.Permission.Action != "" {
			s += " by " + n.Permission.Action
		}
		if n.Actions != nil {
			s += fmt.Sprint(" ", n.Actions)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func expect(t testing.TB, what, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, strings.Join(want, "\n"))
	}
}

func TestBecause(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		from, until := r.clock.Now().Add(-time.Hour), r.clock.Now().Add(time.Hour)
		bound := statement("ro_reader", "a/*/c")
		bound.StartsAt, bound.ExpiresAt = from, until
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_1", ann, []ident.GroupID{"grp_1"},
			statement("ro_giver", "a"), statement(access.Owner, "*"), statement("ro_reader", "a", "/a/b/c", "a/b/*", "x"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_2", ann, nil, bound)))
		r.put(t, account, &accesstest.World{Public: []string{"a"}})
		got := r.explain(t, operator, "ann", "DOCS:read", "/a/b/c", never)
		expect(t, "why", told(got),
			"itself rec_1#2 ro_reader a/b/c  by docs:read", "itself rec_1#2 ro_reader a/b/c grp_1 by docs:read",
			"wildcard rec_1#2 ro_reader a/b/*  by docs:read", "wildcard rec_1#2 ro_reader a/b/* grp_1 by docs:read",
			"wildcard rec_2#0 ro_reader a/*/c  by docs:read",
			"parent rec_1#2 ro_reader a  by docs:read", "parent rec_1#2 ro_reader a grp_1 by docs:read",
			"everything rec_1#1 Authress:Owner *  by *", "everything rec_1#1 Authress:Owner * grp_1 by *",
			"public #0  a  by *")
		if got.Question.Action != "docs:read" || got.Question.Resource != "a/b/c" || !got.At.Equal(r.clock.Now()) || got.Revision == 0 || got.More {
			t.Errorf("%+v", got)
		}
		if b := got.Because[4]; !b.StartsAt.Equal(from) || !b.ExpiresAt.Equal(until) || b.RecordName != "name of rec_2" {
			t.Errorf("%+v", b)
		}
		// Bob has no more than the group.
		expect(t, "why bob", told(r.explain(t, operator, "bob", "docs:read", "a/b", never)),
			"parent rec_1#2 ro_reader a grp_1 by docs:read", "everything rec_1#1 Authress:Owner * grp_1 by *", "public #0  a  by *")
		// A question with stars.
		expect(t, "why *", told(r.explain(t, operator, "ann", "docs:*", "a/b/*", never)),
			"everything rec_1#1 Authress:Owner *  by *", "everything rec_1#1 Authress:Owner * grp_1 by *", "public #0  a  by *")
	})
}

func TestNearest(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		soon, over, old := statement("ro_reader", "d/soon"), statement("ro_reader", "d/over"), statement("ro_reader", "d/old/*")
		soon.StartsAt, over.ExpiresAt = r.clock.Now().Add(time.Hour), r.clock.Now().Add(time.Minute)
		do[access.Role](t)(r.verbs.CreateRole(ctx, operator, role("ro_gone")))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_1", ann, nil, soon, over,
			statement("ro_gone", "d/gone"), statement("ro_reader", "d/1/x", "d/2", "e"), statement("ro_giver", "d/given"))))
		rec2 := do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_2", ann, nil, old)))
		rec3 := do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_3", nil, []ident.GroupID{"grp_1"}, statement("ro_reader", "d/team"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_4", []ident.UserID{"cid"}, nil, statement(access.ReadResource, "d"))))
		r.clock.Advance(time.Minute)
		before := r.clock.Now()
		r.clock.Advance(time.Second)
		if err := r.verbs.DeleteRole(ctx, operator, "ro_gone"); err != nil {
			t.Fatal(err)
		}
		rec2.Statements = []access.Statement{statement("ro_reader", "elsewhere")}
		do[access.Record](t)(r.verbs.ReplaceRecord(ctx, operator, rec2, time.Time{}))
		do[access.Group](t)(r.verbs.ReplaceGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"bob"}}, time.Time{}))
		changed := r.clock.Now()
		r.clock.Advance(time.Hour - 62*time.Second)

		ask := func(resource string) history.Explanation {
			return r.explain(t, operator, "ann", "docs:read", resource, never)
		}
		others := []string{"otherResource: elsewhere rec_1#3 ro_reader d/1/x ", "otherResource: elsewhere rec_1#3 ro_reader d/2 "}
		rest := []string{"otherResource: elsewhere rec_1#3 ro_reader e ", "otherResource: elsewhere rec_2#0 ro_reader elsewhere "}
		all := func(first ...string) []string { return slices.Concat(first, others, rest) }
		expect(t, "soon", told(ask("d/soon")), all("notYet: itself rec_1#0 ro_reader d/soon ")...)
		expect(t, "over", told(ask("d/over/x")), all("expired: parent rec_1#1 ro_reader d/over ")...)
		expect(t, "revoked", told(ask("d/old/y")), all("revoked: wildcard rec_2#0 ro_reader d/old/* ")...)
		expect(t, "left", told(ask("d/team")), all("leftGroup: itself rec_3#0 ro_reader d/team grp_1")...)
		expect(t, "gone", told(ask("d/gone")), all("roleMissing: itself rec_1#2 ro_gone d/gone ")...)
		expect(t, "parent", told(ask("d")), all()...)
		for _, resource := range []string{"d/old/y", "d/team"} {
			if got := ask(resource).Nearest[0]; !got.Since.Equal(changed) {
				t.Errorf("%s: since %s; want %s", resource, got.Since, changed)
			}
		}
		write := r.explain(t, operator, "ann", "docs:write", "d/given", never)
		expect(t, "given", told(write), "notAllowed: itself rec_1#4 ro_giver d/given  by docs:write")
		expect(t, "other", told(r.explain(t, operator, "cid", "docs:read", "d/1", never)), "otherAction: parent rec_4#0 Authress:ReadResource d  [read]")
		expect(t, "nobody", told(r.explain(t, operator, "nobody", "docs:read", "d", never)), "unknown:  #0   ")
		expect(t, "nothing", told(r.explain(t, operator, "cid", "docs:read", "e", never)), "nothing:  #0   ")

		// The past was another one.
		for _, resource := range []string{"d/old/y", "d/team"} {
			if got := r.explain(t, operator, "ann", "docs:read", resource, before); !got.Allowed || !got.At.Equal(before) {
				t.Errorf("%s before: %s", resource, told(got))
			}
		}
		expect(t, "gone before", strings.SplitN(told(r.explain(t, operator, "ann", "docs:read", "d/gone", before)), "\n", 2)[0],
			"otherAction: itself rec_1#2 ro_gone d/gone ")
		// And so is the future: what starts later has started, by the clock alone.
		r.clock.Advance(time.Minute)
		expect(t, "started", told(ask("d/soon")), "itself rec_1#0 ro_reader d/soon  by docs:read")
		// A deleted record; and after a month nobody looks back.
		rec3.Users = ann
		rec3 = do[access.Record](t)(r.verbs.ReplaceRecord(ctx, operator, rec3, time.Time{}))
		if !ask("d/team").Allowed {
			t.Error("not given back")
		}
		r.clock.Advance(time.Second)
		if err := r.verbs.DeleteRecord(ctx, operator, rec3.ID); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(time.Second)
		others = slices.Insert(others, 1, "otherResource: elsewhere rec_1#0 ro_reader d/soon ")
		rest = rest[:1]
		expect(t, "deleted", told(ask("d/team")), all("revoked: itself rec_3#0 ro_reader d/team ")...)
		r.clock.Advance(31 * 24 * time.Hour)
		expect(t, "long ago", told(ask("d/team")), all()...)
	})
}

// TestHidden tells each caller no more than they may read.
func TestHidden(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_1", ann, []ident.GroupID{"grp_1"},
			statement("ro_giver", "a"), statement("ro_reader", "a"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_2", ann, nil, statement("ro_reader", "a"))))
		given := func(id ident.RecordID, user ident.UserID, resource string) {
			do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record(id, []ident.UserID{user}, nil, statement(access.ReadResource, resource))))
		}
		given("rec_helper", "helper", "Authress:UserPermissions/ann")
		given("rec_knows", "knows", "Authress:UserPermissions")
		given("rec_knows2", "knows", "Authress:AccessRecords/rec_1")
		given("rec_boss", "boss", "Authress:UserPermissions")
		given("rec_group", "grouped", "Authress:UserPermissions")
		given("rec_group2", "grouped", "Authress:Groups/grp_1")
		hidden := "parent #0 ro_reader a  hidden by docs:read"
		for caller, want := range map[string][]string{
			"ann":     {hidden, "parent #0 ro_reader a  hidden by docs:read"}, // by name and through a group
			"helper":  {hidden, hidden},
			"knows":   {"parent rec_1#1 ro_reader a  by docs:read", "parent rec_1#1 ro_reader a  hidden by docs:read", hidden},
			"boss":    {"parent rec_1#1 ro_reader a  by docs:read", "parent rec_1#1 ro_reader a  hidden by docs:read", "parent rec_2#0 ro_reader a  by docs:read"},
			"grouped": {hidden, "parent #0 ro_reader a grp_1 hidden by docs:read", hidden},
		} {
			got := r.explain(t, person(caller), "ann", "docs:read", "a/b", never)
			text := told(got)
			if caller == "ann" || caller == "helper" {
				if strings.Contains(text, "rec_") || strings.Contains(text, "grp_") || strings.Contains(fmt.Sprint(got.Because), "name of") {
					t.Errorf("%s is told %s", caller, text)
				}
				continue
			}
			expect(t, caller, text, want...)
		}
		miss := r.explain(t, person("ann"), "ann", "docs:write", "a/b", never)
		if text := fmt.Sprint(miss); strings.Contains(text, "rec_") || strings.Contains(text, "grp_") || strings.Contains(text, "name of") || len(miss.Nearest) == 0 {
			t.Errorf("ann is told %s", text)
		}
		// And who may not ask is told nothing.
		q := history.Question{User: "ann", Resource: "a", Action: "docs:read"}
		for _, a := range []actor.Actor{person("bob"), {Account: account}, {Kind: actor.ServiceClient, Account: account, ID: "sc_other"},
			{Kind: actor.User, Account: "acc_2", ID: "boss"}} {
			_, err := r.Explain(ctx, a, q, never)
			_, err2 := r.Check(ctx, a, q, never)
			if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) || !fault.Is(err2, fault.KindOf(err)) {
				t.Errorf("%s: %v, %v", a, err, err2)
			}
			for _, resource := range []string{"a", "*", "a/*"} {
				_, err := r.Subjects(ctx, a, resource, "docs:read", never, access.Page{})
				_, _, err2 := r.ResourceUsers(ctx, a, resource, access.Page{})
				if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) || !fault.Is(err2, fault.KindOf(err)) {
					t.Errorf("subjects for %s: %v, %v", a, err, err2)
				}
			}
		}
		if _, err := r.Check(ctx, actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_reader"}, q, never); err != nil {
			t.Error(err)
		}
	})
}

func TestTimesThatCannotBeAsked(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.clock.Advance(time.Hour)
		now := r.clock.Now()
		q := history.Question{User: "ann", Resource: "a", Action: "read"}
		for at, ok := range map[time.Time]bool{
			now: true, now.Add(history.Ahead): true, now.Add(history.Ahead + time.Millisecond): false, now.Add(100 * 365 * 24 * time.Hour): false,
			now.Add(-time.Hour): true, now.Add(-time.Hour - time.Microsecond): false, time.Unix(0, 0): false, time.Unix(-1<<40, 0): false,
		} {
			_, err := r.Check(t.Context(), operator, q, at)
			_, err2 := r.Explain(t.Context(), operator, q, at)
			_, err3 := r.Subjects(t.Context(), operator, "a", "read", at, access.Page{})
			for _, err := range []error{err, err2, err3} {
				if (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", at, err)
				}
			}
		}
		for _, bad := range []history.Question{{User: "ann", Resource: "a//b", Action: "read"}, {User: "ann", Resource: "a", Action: "r r"}} {
			_, err := r.Check(t.Context(), operator, bad, never)
			_, err2 := r.Explain(t.Context(), operator, bad, never)
			_, err3 := r.Subjects(t.Context(), operator, bad.Resource, bad.Action, never, access.Page{})
			for _, err := range []error{err, err2, err3} {
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%v: %v", bad, err)
				}
			}
		}
	})
}

// Who has left a group is told what they lost by it, and nothing of what the group was given since.
func TestALeftGroupTellsNoNews(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		group := []ident.GroupID{"grp_1"}
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_old", nil, group, statement("ro_reader", "old"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_grows", nil, group, statement("ro_reader", "old"))))
		r.clock.Advance(time.Minute)
		do[access.Group](t)(r.verbs.ReplaceGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"bob"}}, time.Time{}))
		r.clock.Advance(time.Minute)
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_news", nil, group, statement(access.Owner, "secret"))))
		do[access.Record](t)(r.verbs.ReplaceRecord(ctx, operator, record("rec_grows", nil, group, statement(access.Owner, "secret", "old")), time.Time{}))
		expect(t, "lost", told(r.explain(t, person("ann"), "ann", "docs:read", "old", never)),
			"leftGroup: itself #0 ro_reader old  hidden")
		expect(t, "news", told(r.explain(t, person("ann"), "ann", "docs:read", "secret", never)), "unknown:  #0   ")
		if !r.explain(t, person("bob"), "bob", "docs:read", "secret", never).Allowed {
			t.Error("who stayed has it not")
		}
	})
}

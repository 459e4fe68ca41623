package access_test

import (
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// bounded is a record of one statement with bounds; zero durations are none.
func (r *rig) bounded(id ident.RecordID, role ident.RoleID, resource string, starts, expires time.Duration, users ...ident.UserID) access.Record {
	rec := record(id, role, resource, users...)
	if starts != 0 {
		rec.Statements[0].StartsAt = r.clock.Now().Add(starts)
	}
	if expires != 0 {
		rec.Statements[0].ExpiresAt = r.clock.Now().Add(expires)
	}
	return rec
}

// TestNothingOutlivesItsGiver: whose right is bound in time gives nothing beyond (I-14).
func TestNothingOutlivesItsGiver(t *testing.T) {
	const h = time.Hour
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		create := func(by actor.Actor, rec access.Record) error {
			_, err := r.CreateRecord(ctx, by, rec)
			return err
		}
		ok(t, "bound owner", create(operator, r.bounded("rec_bound", access.Owner, "a", -h, 10*h, "ann")))
		ok(t, "later owner", create(operator, r.bounded("rec_later", access.Owner, "a", 5*h, 20*h, "lee")))
		ok(t, "owner for ever", create(operator, r.bounded("rec_ever", access.Owner, "a", 0, 0, "eve")))
		ok(t, "two spans", create(operator, r.bounded("rec_span1", access.Owner, "a", 0, 5*h, "two")))
		ok(t, "two spans", create(operator, r.bounded("rec_span2", access.Owner, "a", 5*h, 0, "two")))
		for i, test := range []struct {
			by              actor.Actor
			starts, expires time.Duration
			allowed         bool
		}{
			{person("ann"), 0, 0, false},
			{person("ann"), h, 0, false},
			{person("ann"), 0, 10 * h, true},
			{person("ann"), 0, 10*h + time.Second, false},
			{person("ann"), 0, 10*h + 900*time.Millisecond, true}, // rounds down
			{person("ann"), 0, 9 * h, true},
			{person("ann"), -9 * h, 9 * h, true}, // it began before ann's, but is only given now
			{person("ann"), 2 * h, 3 * h, true},
			{person("ann"), 9 * h, 11 * h, false},
			{person("ann"), 12 * h, 13 * h, false},
			{person("ann"), -9 * h, -8 * h, true}, // over already
			{person("lee"), 6 * h, 7 * h, true},   // holds it then
			{person("lee"), 0, 7 * h, false},
			{person("lee"), 4 * h, 7 * h, false},
			{person("lee"), 6 * h, 21 * h, false},
			{person("lee"), -9 * h, -8 * h, false}, // holds nothing now
			{person("eve"), 0, 0, true},
			{person("eve"), h, 2 * h, true},
			{person("two"), 0, h, true},
			{person("two"), 6 * h, 0, true},
			{person("two"), 0, 0, false}, // no single grant lasts that long
		} {
			err := create(test.by, r.bounded(ident.RecordID("rec_"+string(rune('a'+i))), access.ReadResource, "a/1", test.starts, test.expires, "bob"))
			if (err == nil) != test.allowed || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%d: %s gives from %v to %v: %v", i, test.by.ID, test.starts, test.expires, err)
			}
		}
	})
}

// TestLongerIsMore: an update that makes a grant last longer gives.
func TestLongerIsMore(t *testing.T) {
	const h = time.Hour
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		_, err := r.CreateRecord(ctx, operator, r.bounded("rec_ann", access.Owner, "a", 0, 10*h, "ann"))
		ok(t, "ann", err)
		made := r.bounded("rec_1", access.ReadResource, "a/1", 0, 20*h, "bob")
		made.Admins = []ident.UserID{"ann", "adm"}
		_, err = r.CreateRecord(ctx, operator, made)
		ok(t, "rec_1", err)
		for i, test := range []struct {
			by              string
			starts, expires time.Duration
			user            ident.UserID
			allowed         bool
		}{
			{"ann", 0, 20 * h, "bob", true},   // as it is
			{"adm", 0, 20 * h, "bob", true},   // as it is, by somebody who holds nothing
			{"ann", 0, 21 * h, "bob", false},  // longer
			{"ann", 0, 0, "bob", false},       // without end
			{"ann", 0, 20 * h, "cleo", false}, // as long, but for somebody else
			{"ann", 0, 9 * h, "cleo", true},
			{"ann", 0, 9 * h, "bob", true},
			{"adm", 0, 9 * h, "bob", true},
			{"adm", h, 9 * h, "bob", true}, // shorter
			{"adm", 0, 9 * h, "bob", false},
			{"adm", h, 10 * h, "bob", false},
			{"adm", 2 * h, 3 * h, "bob", true},
			{"ann", 0, 10 * h, "bob", true},
			{"ann", 0, 10*h + time.Second, "bob", false},
		} {
			rec := r.bounded("rec_1", access.ReadResource, "a/1", test.starts, test.expires, test.user)
			rec.Admins = made.Admins
			if _, err := r.ReplaceRecord(ctx, person(test.by), rec, time.Time{}); (err == nil) != test.allowed || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%d: %s makes it %v to %v for %s: %v", i, test.by, test.starts, test.expires, test.user, err)
			}
		}
		// What is over stays as it was said, and comes back by nobody who may not give it.
		r.clock.Advance(30 * h)
		rec := r.bounded("rec_1", access.ReadResource, "a/1", 0, -20*h, "bob")
		rec.Admins = made.Admins
		_, err = r.ReplaceRecord(ctx, person("adm"), rec, time.Time{})
		ok(t, "as it was", err)
		rec = r.bounded("rec_1", access.ReadResource, "a/1", 0, h, "bob")
		for _, by := range []string{"ann", "adm"} {
			_, err = r.ReplaceRecord(ctx, person(by), rec, time.Time{})
			wantKind(t, by+" revives it", err, fault.Forbidden)
		}
		_, err = r.CreateRecord(ctx, person("ann"), r.bounded("rec_2", access.ReadResource, "a/1", 0, h, "bob"))
		wantKind(t, "ann gives when her own is over", err, fault.Forbidden)
	})
}

// TestRolesAndGroupsOutliveNobody: the same by changing a role, joining a group, or making a key.
func TestRolesAndGroupsOutliveNobody(t *testing.T) {
	const h = time.Hour
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		do := func(what string, err error) {
			t.Helper()
			ok(t, what, err)
		}
		_, err := r.CreateRole(ctx, operator, access.Role{ID: "ro_doc", Name: "d", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}})
		do("role", err)
		_, err = r.CreateRole(ctx, operator, access.Role{ID: "ro_roles", Name: "r", Permissions: []access.Permission{{Action: "*", Allow: true}}})
		do("role", err)
		for _, who := range []ident.UserID{"ann", "eve"} {
			_, err = r.CreateRecord(ctx, operator, record(ident.RecordID("rec_api_"+who), "ro_roles", "Authress:*", who))
			do("may call the API", err)
		}
		_, err = r.CreateRecord(ctx, operator, r.bounded("rec_ann", access.Owner, "a", 0, 10*h, "ann"))
		do("ann", err)
		_, err = r.CreateRecord(ctx, operator, r.bounded("rec_eve", access.Owner, "a", 0, 0, "eve"))
		do("eve", err)
		for i, use := range []struct {
			expires time.Duration
			allowed bool
		}{{9 * h, true}, {10 * h, true}, {11 * h, false}, {0, false}} {
			for _, by := range []string{"ann", "eve"} {
				allowed := use.allowed || by == "eve"
				group := ident.GroupID("grp_" + by + string(rune('0'+i)))
				client := "sc_" + by + string(rune('0'+i))
				_, err = r.CreateGroup(ctx, operator, access.Group{ID: group, Name: "g"})
				do("group", err)
				use1 := r.bounded(ident.RecordID("rec_use_"+string(group)), "ro_doc", "a/1", 0, use.expires, ident.UserID(client))
				use1.Groups = []ident.GroupID{group}
				_, err = r.CreateRecord(ctx, operator, use1)
				do("use", err)
				g, err := r.GetGroup(ctx, operator, group)
				do("group", err)
				g.Users = []ident.UserID{"mal"}
				_, err = r.ReplaceGroup(ctx, person(by), g, time.Time{})
				if (err == nil) != allowed {
					t.Errorf("%s adds to a group with a grant for %v: %v", by, use.expires, err)
				}
				if err := r.engine.AllowActing(person(by), client); (err == nil) != allowed {
					t.Errorf("%s makes a key with a grant for %v: %v", by, use.expires, err)
				}
				_, err = r.ReplaceRole(ctx, person(by), access.Role{ID: "ro_doc", Name: "d", Permissions: []access.Permission{
					{Action: "docs:read", Allow: true}, {Action: "docs:" + string(group[4:]), Allow: true}}})
				if longest := i >= 2; (err == nil) != (by == "eve" || !longest) {
					t.Errorf("%s widens a role in use for %v: %v", by, use.expires, err)
				}
			}
		}
		_, err = r.CreateRecord(ctx, operator, r.bounded("rec_all", access.Owner, "*", 0, 10*h, "tmp"))
		do("owner of everything for a time", err)
		if err := r.engine.AllowActingAsAnyone(person("tmp")); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an owner for a time acts as anyone: %v", err)
		}
	})
}

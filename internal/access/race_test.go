package access_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// TestTwoGiversAtOnce: one gives a harmless role, the other makes the role mighty while nobody
// has it. Each alone may do so. Together they must not: one of the two is refused.
func TestTwoGiversAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for _, role := range []access.Role{
			{ID: "ro_give", Name: "g", Permissions: []access.Permission{{Action: "docs:read", Grant: true}}},
			{ID: "ro_admin", Name: "a", Permissions: []access.Permission{{Action: "UPDATE", Allow: true}}},
		} {
			_, err := r.CreateRole(ctx, operator, role)
			ok(t, "role", err)
		}
		_, err := r.CreateRecord(ctx, operator, record("rec_giver", "ro_give", "d", "giver"))
		ok(t, "record", err)
		_, err = r.CreateRecord(ctx, operator, record("rec_admin", "ro_admin", "Authress:Roles", "admin"))
		ok(t, "record", err)
		for i := range 15 {
			id := ident.RoleID(fmt.Sprintf("ro_%d", i))
			weak := access.Role{ID: id, Name: "w", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}}
			_, err := r.CreateRole(ctx, operator, weak)
			ok(t, "role", err)
			mighty := weak
			mighty.Permissions = []access.Permission{{Action: "*", Allow: true}}
			var gave, grew error
			var both sync.WaitGroup
			both.Go(func() {
				_, gave = r.CreateRecord(ctx, person("giver"), record(ident.RecordID(fmt.Sprint("rec_", i)), id, fmt.Sprint("d/", i), "friend"))
			})
			both.Go(func() { _, grew = r.ReplaceRole(ctx, person("admin"), mighty) })
			both.Wait()
			if r.may(t, "friend", "docs:delete", fmt.Sprint("d/", i)) || gave == nil && grew == nil {
				t.Errorf("%d: gave %v, grew %v", i, gave, grew)
			}
		}
	})
}

// TestNobodyWidensARoleThatIsNotThere: one who may make roles lets a record name a role on more
// while the role is gone, and at the same moment makes it again, mightier. Whoever makes a role is judged
// for the places that it has, so it must not get new ones meanwhile.
func TestNobodyWidensARoleThatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, mallory := t.Context(), person("mallory")
		for _, rec := range []access.Record{
			record("rec_own", access.Owner, "d", "mallory"), record("rec_roles", access.Owner, "Authress:Roles", "mallory"),
		} {
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		for i := range 10 {
			id, rec := ident.RoleID(fmt.Sprint("ro_", i)), ident.RecordID(fmt.Sprint("rec_", i))
			_, err := r.CreateRole(ctx, mallory, access.Role{ID: id, Name: "w", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}})
			ok(t, "role", err)
			kept, err := r.CreateRecord(ctx, mallory, record(rec, id, "d/1", "mallory"))
			ok(t, "record", err)
			ok(t, "delete", r.DeleteRole(ctx, mallory, id))
			wide := kept
			wide.Statements = []access.Statement{{Roles: []ident.RoleID{id}, Resources: []string{"d/1", "vault"}}}
			if i == 0 {
				_, err := r.ReplaceRecord(ctx, mallory, wide, time.Time{})
				wantKind(t, "a new place for a role that is not there", err, fault.Invalid)
				wide.Statements[0].Resources = []string{"d/1", "d/2"} // where she may give everything
				_, err = r.ReplaceRecord(ctx, mallory, wide, time.Time{})
				ok(t, "a place of her own", err)
				_, err = r.ReplaceRecord(ctx, mallory, kept, time.Time{})
				ok(t, "less", err)
				continue
			}
			var both sync.WaitGroup
			both.Go(func() { r.ReplaceRecord(ctx, mallory, wide, time.Time{}) })
			both.Go(func() {
				r.CreateRole(ctx, mallory, access.Role{ID: id, Name: "m", Permissions: []access.Permission{{Action: "*", Allow: true, Grant: true, Delegate: true}}})
			})
			both.Wait()
			if r.may(t, "mallory", "open", "vault") {
				t.Fatalf("%d: she has what she could not give", i)
			}
		}
	})
}

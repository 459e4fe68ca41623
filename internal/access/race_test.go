package access_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/access"
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

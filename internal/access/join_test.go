package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
)

// late is a second node that hears nothing of the first until it is told to follow.
func late(t *testing.T, r *rig, keep int) (node *access.Service, follow func()) {
	t.Helper()
	follower := feed.NewFollower(r.db, r.db, time.Minute)
	engine := access.NewEngine(follower.Fresh, oneClient{}, r.clock)
	engine.Keep(keep)
	node = access.New(access.Deps{Runner: r.db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{}, Engine: engine, Resources: openIn(r.db)})
	follower.Subscribe(node, access.ChangeKinds()...)
	ok(t, "start", follower.Start(t.Context()))
	return node, func() {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
	}
}

// TestJoinOnANodeThatIsBehind: what a group was given on one node counts for who adds people on another,
// although that one has not heard of it.
func TestJoinOnANodeThatIsBehind(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, mallory := t.Context(), person("mallory")
		for _, role := range []access.Role{
			{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}},
			{ID: "ro_give", Name: "g", Permissions: []access.Permission{{Action: "docs:read", Grant: true}}},
		} {
			_, err := r.CreateRole(ctx, operator, role)
			ok(t, "role", err)
		}
		_, err := r.CreateRecord(ctx, operator, record("rec_giver", "ro_give", "d", "mallory"))
		ok(t, "record", err)
		for _, id := range []ident.GroupID{"grp_record", "grp_role", "grp_calm"} {
			_, err := r.CreateGroup(ctx, operator, access.Group{ID: id, Name: "g", Admins: []ident.UserID{"mallory"}})
			ok(t, "group", err)
		}
		gives := func(id ident.RecordID, group ident.GroupID, role ident.RoleID, resource string) {
			t.Helper()
			rec := record(id, role, resource)
			rec.Groups = []ident.GroupID{group}
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		gives("rec_role", "grp_role", "ro_read", "d/1")
		for _, keep := range []int{access.DefaultMemory, 0} {
			join := func(node *access.Service, group ident.GroupID) error {
				_, err := node.ReplaceGroup(ctx, mallory, access.Group{ID: group, Name: "g", Users: []ident.UserID{"friend"}, Admins: []ident.UserID{"mallory"}}, time.Time{})
				return err
			}
			node, follow := late(t, r, keep)
			gives(ident.RecordID(ident.New("rec_")), "grp_record", access.Owner, "vault")
			wantKind(t, "while it hears nothing", join(node, "grp_record"), fault.Unavailable)
			follow()
			wantKind(t, "a record", join(node, "grp_record"), fault.Forbidden)

			node, follow = late(t, r, keep)
			_, err = r.ReplaceRole(ctx, operator, access.Role{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "*", Allow: true}}})
			ok(t, "role", err)
			follow()
			wantKind(t, "a role", join(node, "grp_role"), fault.Forbidden)
			_, err = r.ReplaceRole(ctx, operator, access.Role{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}})
			ok(t, "role", err)
			ok(t, "nothing that is too much", join(node, "grp_calm"))
		}
	})
}

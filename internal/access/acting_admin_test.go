package access_test

import (
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// TestActingAsAdmin holds that who takes somebody's place must have a say in what they administer.
func TestActingAsAdmin(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for _, rec := range []access.Record{
			record("holds_all", access.Owner, "*", "root"),
			record("holds_records", access.Owner, "Authress:AccessRecords", "clerk"),
			record("holds_groups", access.Owner, "Authress:Groups", "usher"),
		} {
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		administer := func(id ident.RecordID, admins ...ident.UserID) {
			rec := record(id, access.Owner, "a", "bob")
			rec.Admins = admins
			_, err := r.CreateRecord(ctx, operator, rec)
			ok(t, "record", err)
		}
		administer("rec_1", "of_record", "peer")
		administer("rec_2", "of_deleted")
		ok(t, "delete", r.DeleteRecord(ctx, operator, "rec_2"))
		_, err := r.CreateGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"bob"}, Admins: []ident.UserID{"of_group", "peer"}})
		ok(t, "group", err)
		for _, c := range []struct {
			by      actor.Actor
			subject string
			allowed bool
		}{
			{person("eve"), "of_nothing", true}, {person("eve"), "of_record", false}, {person("eve"), "of_group", false}, {person("eve"), "of_deleted", false},
			{person("peer"), "of_record", true}, {person("peer"), "of_group", true}, {person("peer"), "of_deleted", false},
			{person("clerk"), "of_record", true}, {person("clerk"), "of_deleted", true}, {person("clerk"), "of_group", false},
			{person("usher"), "of_group", true}, {person("usher"), "of_record", false}, {person("of_record"), "of_record", true},
			{person("root"), "of_record", true}, {person("root"), "of_group", true}, {operator, "of_group", true},
			{actor.Actor{Kind: actor.User, Account: "acc_2", ID: "eve"}, "of_record", true}, // nothing of that name there
		} {
			if err := r.engine.AllowActing(c.by, c.subject); (err == nil) != c.allowed || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s as %s: %v", c.by.ID, c.subject, err)
			}
		}
	})
}

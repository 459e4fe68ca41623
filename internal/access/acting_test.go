package access_test

import (
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// TestActing holds that a key for a client gives nobody more than they may give.
func TestActing(t *testing.T) {
	e := access.NewEngine(always, noClients{}, atBase)
	e.PutRole(account, access.Role{ID: "ro_keys", Name: "Keys", Permissions: []access.Permission{{Action: "update", Allow: true}}})
	e.PutRole(account, access.Role{ID: "ro_giver", Name: "Giver", Permissions: []access.Permission{{Action: "docs:read", Allow: true, Grant: true}}})
	e.PutRole(account, access.Role{ID: "ro_reader", Name: "Reader", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}})
	give := func(record, user, role, resource string) {
		e.PutRecord(account, access.Record{ID: ident.RecordID(record), Name: record, Users: []ident.UserID{ident.UserID(user)},
			Statements: []access.Statement{{Roles: []ident.RoleID{ident.RoleID(role)}, Resources: []string{resource}}}})
	}
	give("r1", "sc_owner", "Authress:Owner", "*")
	give("r2", "usr_owner", "Authress:Owner", "*")
	give("r3", "usr_keys", "ro_keys", "Authress:ServiceClients/*")
	give("r4", "sc_reader", "ro_reader", "docs")
	give("r5", "usr_giver", "ro_giver", "docs")
	user := func(id string) actor.Actor { return actor.Actor{Kind: actor.User, Account: account, ID: id} }
	for _, c := range []struct {
		name    string
		by      actor.Actor
		subject string
		allowed bool
	}{
		{"the owner acts as the owner's client", user("usr_owner"), "sc_owner", true},
		{"who manages clients does not become owner", user("usr_keys"), "sc_owner", false},
		{"who manages clients gets a client without rights", user("usr_keys"), "sc_new", true},
		{"who manages clients does not get what they may not give", user("usr_keys"), "sc_reader", false},
		{"who may give it may act", user("usr_giver"), "sc_reader", true},
		{"but not as more", user("usr_giver"), "sc_owner", false},
		{"a client makes keys for itself", actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_owner"}, "sc_owner", true},
		{"the owner of another account", actor.Actor{Kind: actor.User, Account: "acc_2", ID: "usr_owner"}, "sc_new", true}, // nothing to give there
		{"the command line", actor.ForOperator(account), "sc_owner", true},
		{"nobody", actor.Actor{Account: account}, "sc_new", false},
	} {
		if err := e.AllowActing(c.by, c.subject); (err == nil) != c.allowed {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := e.AllowActingAsAnyone(user("usr_owner")); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"usr_keys", "usr_giver", "usr_none"} {
		if err := e.AllowActingAsAnyone(user(id)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", id, err)
		}
	}
	stale := access.NewEngine(func() bool { return false }, noClients{}, atBase)
	if err := stale.AllowActing(user("usr_owner"), "sc_new"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a stale node decides: %v", err)
	}
}

// TestLasting holds that a power without an end takes a right without an end.
func TestLasting(t *testing.T) {
	e := access.NewEngine(always, noClients{}, atBase)
	give := func(record, user string, until time.Time) {
		e.PutRecord(account, access.Record{ID: ident.RecordID(record), Name: record, Users: []ident.UserID{ident.UserID(user)},
			Statements: []access.Statement{{Roles: []ident.RoleID{access.ReadResource}, Resources: []string{"Authress:UserPermissions"}, ExpiresAt: until}}})
	}
	give("r1", "usr_always", time.Time{})
	give("r2", "usr_friday", atBase.Now().Add(time.Hour))
	for id, allowed := range map[string]bool{"usr_always": true, "usr_friday": false, "usr_none": false} {
		if err := e.AllowLasting(person(id), "READ", "Authress:UserPermissions/*"); (err == nil) != allowed || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", id, err)
		}
		if err := e.Allow(person(id), "READ", "Authress:UserPermissions/*"); (err == nil) != (id != "usr_none") {
			t.Errorf("%s now: %v", id, err)
		}
	}
	if err := e.AllowLasting(actor.ForOperator(account), "READ", "Authress:UserPermissions/*"); err != nil {
		t.Error(err)
	}
}

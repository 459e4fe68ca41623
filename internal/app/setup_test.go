package app

import (
	"context"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Names of clients and ids of records are chosen by whoever may make them, so neither decides
// whom the command line makes an owner.
func TestOwnersAreNotFoundByWhatOthersChoose(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, migrations(), nil)
	a := &App{db: db, chosen: ident.DefaultAccount, f: features{engine: access.NewEngine(func() bool { return true }, nil, clock.NewSystem())}}
	ctx, clients, records := t.Context(), newClients(db), newAccess(db, a.f.engine)
	other := actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: "usr_other"}
	planted, err := clients.Create(ctx, other, serviceclient.Client{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CreateKey(ctx, other, planted.ID); err != nil {
		t.Fatal(err)
	}
	owner := func(id string) bool {
		t.Helper()
		is, err := isOwner(ctx, records, ident.DefaultAccount, id)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	key := func(admin bool) string {
		t.Helper()
		key, err := a.CreateAccessKey(ctx, "ci", admin)
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(key.Reveal(), ".")
		return id
	}
	first := key(true)
	if first == string(planted.ID) || owner(string(planted.ID)) || !owner(first) {
		t.Errorf("the key is for %s; the planted client is %s", first, planted.ID)
	}
	if again := key(true); again != first {
		t.Errorf("the second key is for %s, the first was for %s", again, first)
	}
	// A record that has the owner's id, and gives nothing.
	if err := records.DeleteRecord(ctx, actor.ForSystem(ident.DefaultAccount), ident.RecordID(ownerRecord+first)); err != nil {
		t.Fatal(err)
	}
	_, err = records.CreateRecord(ctx, actor.ForOperator(ident.DefaultAccount), access.Record{
		ID: ident.RecordID(ownerRecord + first), Name: "mine", Users: []ident.UserID{"usr_other"}, Admins: []ident.UserID{"usr_other"},
		Statements: []access.Statement{{Roles: []ident.RoleID{"Authress:ReadResource"}, Resources: []string{"mine"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) error {
		return makeOwner(ctx, newAccess(tx.Join(x), a.f.engine), ident.DefaultAccount, first, "first")
	})
	if err != nil || !owner(first) {
		t.Errorf("not an owner: %v", err)
	}
}

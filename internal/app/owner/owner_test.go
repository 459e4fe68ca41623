package owner

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
)

// Names of clients and ids of records are chosen by whoever may make them, so neither decides
// whom the command line makes an owner.
func TestOwnersAreNotFoundByWhatOthersChoose(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, slices.Concat(serviceclientdb.Migrations(), accessdb.Migrations()), nil)
	engine := access.NewEngine(func() bool { return true }, nil, clock.NewSystem())
	s := Service{
		DB: db,
		Clients: func(in tx.Runner) *serviceclient.Service {
			return serviceclient.New(in, serviceclientdb.Store{}, serviceclientdb.Store{})
		},
		Records: func(in tx.Runner) *access.Service {
			return access.New(access.Deps{
				Runner: in, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: engine,
			})
		},
	}
	ctx, clients, records := t.Context(), s.Clients(db), s.Records(db)
	other := actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: "usr_other"}
	planted, err := clients.Create(ctx, other, serviceclient.Client{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clients.CreateKey(ctx, other, planted.ID); err != nil {
		t.Fatal(err)
	}
	owner := func(id string) (is bool) {
		t.Helper()
		err := db.Read(ctx, tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) (err error) {
			is, err = s.is(ctx, x, ident.DefaultAccount, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	key := func(admin bool) string {
		t.Helper()
		key, err := s.Key(ctx, actor.ForOperator(ident.DefaultAccount), "ci", admin)
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
	if err := records.DeleteRecord(ctx, actor.ForSystem(ident.DefaultAccount), ident.RecordID(record+first)); err != nil {
		t.Fatal(err)
	}
	_, err = records.CreateRecord(ctx, actor.ForOperator(ident.DefaultAccount), access.Record{
		ID: ident.RecordID(record + first), Name: "mine", Users: []ident.UserID{"usr_other"}, Admins: []ident.UserID{"usr_other"},
		Statements: []access.Statement{{Roles: []ident.RoleID{"Authress:ReadResource"}, Resources: []string{"mine"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) error {
		return s.make(ctx, x, ident.DefaultAccount, first, "first")
	})
	if err != nil || !owner(first) {
		t.Errorf("not an owner: %v", err)
	}
	if any, err := s.Any(ctx); any || err != nil {
		t.Error("a service client is taken for an administrator:", err)
	}
	err = db.Write(ctx, tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) error {
		_, err := s.First(ctx, x, actor.ForSystem(ident.DefaultAccount), "usr_1")
		return err
	})
	if any, found := s.Any(ctx); err != nil || !any || found != nil || !owner("usr_1") {
		t.Error("no administrator:", err, found)
	}
}

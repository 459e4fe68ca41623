package invite_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/invite/invitedb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

const (
	acc   ident.AccountID = "acc_a"
	other ident.AccountID = "acc_b"
)

var operator = actor.ForOperator(acc)

func person(id string) actor.Actor { return actor.Actor{Kind: actor.User, Account: acc, ID: id} }

type noClients struct{}

func (noClients) MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool { return false }

type people struct{}

func (people) Find(_ context.Context, _ tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error) {
	if account != acc || !slices.Contains([]ident.UserID{"u1", "u2", "boss", "ann"}, id) {
		return user.User{}, fault.New(fault.NotFound, fault.CodeNotFound, "nobody")
	}
	return user.User{ID: id}, nil
}

type world struct {
	*invite.Service
	t       *testing.T
	db      *sqldb.DB
	clk     *clock.Fake
	records *access.Service
	engine  *access.Engine
}

func each(t *testing.T, fn func(w *world)) {
	sqldbtest.Each(t, slices.Concat(accessdb.Migrations(), invitedb.Migrations()), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		follower := feed.NewFollower(db, db, time.Minute)
		w := &world{t: t, db: db, clk: clk, engine: access.NewEngine(follower.Fresh, noClients{}, clk)}
		w.records = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{}, Engine: w.engine})
		follower.Subscribe(w.records, access.ChangeKinds()...)
		if err := follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.Follow(follower.WaitFor)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		w.Service = invite.New(invite.Deps{DB: db, Store: invitedb.Store{}, Engine: w.engine, Access: w.records, Users: people{},
			Tenant: func(_ ident.AccountID, id ident.TenantID) bool { return id == "ten_a" }})
		for _, r := range []access.Role{
			{ID: "ro_read", Name: "Read", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}},
			{ID: "ro_giver", Name: "Giver", Permissions: []access.Permission{{Action: "docs", Allow: true, Grant: true}}},
		} {
			if _, err := w.records.CreateRole(t.Context(), operator, r); err != nil {
				t.Fatal(err)
			}
		}
		w.record("givers", "boss", access.Statement{Roles: []ident.RoleID{"ro_giver"}, Resources: []string{"docs"}})
		w.record("owners", "root", access.Statement{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}})
		fn(w)
	})
}

func (w *world) record(id ident.RecordID, who ident.UserID, st ...access.Statement) {
	w.t.Helper()
	if _, err := w.records.CreateRecord(w.t.Context(), operator, access.Record{ID: id, Name: string(id), Users: []ident.UserID{who}, Statements: st}); err != nil {
		w.t.Fatal(err)
	}
}

func read(resources ...string) []access.Statement {
	return []access.Statement{{Roles: []ident.RoleID{"ro_read"}, Resources: resources}}
}

func (w *world) make(a actor.Actor, i invite.Invite) secret.Text {
	w.t.Helper()
	_, id, err := w.Create(w.t.Context(), a, i)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) may(who ident.UserID, resource string) bool {
	w.t.Helper()
	ok, err := w.engine.Check(acc, who, resource, "docs:read")
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

func (w *world) is(what string, err error, kind fault.Kind) {
	w.t.Helper()
	if !fault.Is(err, kind) {
		w.t.Errorf("%s: %v", what, err)
	}
}

func TestLife(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		id := w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		if len(id.Reveal()) < 40 {
			t.Error("a short id")
		}
		if got, err := w.Get(ctx, person("boss"), id); err != nil || len(got.Statements) != 1 || got.ExpiresAt.Sub(got.CreatedAt) != invite.DefaultLife {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := w.Get(ctx, person("root"), id); err != nil {
			t.Error("who may read all invites:", err)
		}
		_, err := w.Get(ctx, person("u1"), id)
		w.is("read by the invited", err, fault.Forbidden)
		_, err = w.Get(ctx, actor.Actor{Kind: actor.ServiceClient, Account: acc, ID: "boss"}, id)
		w.is("read by another with the same id", err, fault.Forbidden)
		w.is("taken back by another", w.Delete(ctx, person("u1"), id), fault.Forbidden)
		w.is("accepted by a client", w.Accept(ctx, actor.Actor{Kind: actor.ServiceClient, Account: acc, ID: "sc_1"}, id), fault.Forbidden)
		w.is("accepted by the operator", w.Accept(ctx, operator, id), fault.Forbidden)
		w.is("accepted in another account", w.Accept(ctx, actor.Actor{Kind: actor.User, Account: other, ID: "u1"}, id), fault.NotFound)
		w.is("accepted by somebody who is gone", w.Accept(ctx, person("ghost"), id), fault.NotFound)
		w.is("another id", w.Accept(ctx, person("u1"), secret.New(id.Reveal()+"x")), fault.NotFound)
		if w.may("u1", "docs/1") {
			t.Error("given before it was accepted")
		}
		for range 2 {
			if err := w.Accept(ctx, person("u1"), id); err != nil {
				t.Fatal(err)
			}
		}
		w.is("accepted by another", w.Accept(ctx, person("u2"), id), fault.NotFound)
		if !w.may("u1", "docs/1") || w.may("u2", "docs/1") {
			t.Error("who may now")
		}
		list, _, err := w.records.ListRecords(ctx, operator, access.Active, access.Page{Limit: 20, Filter: "Invite"})
		if err != nil || len(list) != 1 || !slices.Equal(list[0].Admins, []ident.UserID{"boss"}) {
			t.Errorf("records: %+v, %v", list, err)
		}
		_, err = w.Get(ctx, person("boss"), id)
		w.is("read after it was accepted", err, fault.NotFound)
		gone := w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		if err := w.Delete(ctx, person("boss"), gone); err != nil {
			t.Error(err)
		}
		w.is("accepted after it was taken back", w.Accept(ctx, person("u2"), gone), fault.NotFound)
		late := w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		w.clk.Advance(invite.DefaultLife)
		w.is("accepted too late", w.Accept(ctx, person("u2"), late), fault.NotFound)
	})
}

func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		refuse := func(what string, a actor.Actor, i invite.Invite, kind fault.Kind) {
			t.Helper()
			_, _, err := w.Create(ctx, a, i)
			w.is(what, err, kind)
		}
		boss := person("boss")
		refuse("another resource", boss, invite.Invite{Statements: read("docs/1", "secret")}, fault.Forbidden)
		refuse("grant itself", boss, invite.Invite{Statements: []access.Statement{{Roles: []ident.RoleID{"ro_giver"}, Resources: []string{"docs"}}}}, fault.Forbidden)
		refuse("a role that will be", boss, invite.Invite{Statements: []access.Statement{{Roles: []ident.RoleID{"ro_later"}, Resources: []string{"docs"}}}}, fault.Forbidden)
		refuse("by nobody", person("u1"), invite.Invite{Statements: read("docs/1")}, fault.Forbidden)
		refuse("nothing", boss, invite.Invite{}, fault.Forbidden)
		refuse("another expiry", boss, invite.Invite{Statements: read("docs/1"), ExpiresAt: w.clk.Now().Add(time.Hour)}, fault.Forbidden)
		refuse("a user id", boss, invite.Invite{Statements: read("docs/1"), LinkedUser: "root"}, fault.Forbidden)
		refuse("to others", boss, invite.Invite{Statements: []access.Statement{{Roles: []ident.RoleID{"ro_read"}, Resources: []string{"docs"}, Users: []ident.UserID{"u2"}}}}, fault.Invalid)
		refuse("a strategy", boss, invite.Invite{Statements: read("docs/1"), Strategy: "X"}, fault.Invalid)
		refuse("no such tenant", boss, invite.Invite{Statements: read("docs/1"), Tenant: "ten_x"}, fault.Invalid)
		root := person("root")
		refuse("too short", root, invite.Invite{ExpiresAt: w.clk.Now().Add(4 * time.Minute)}, fault.Invalid)
		refuse("too long", root, invite.Invite{ExpiresAt: w.clk.Now().Add(31 * 24 * time.Hour)}, fault.Invalid)
		refuse("somebody's id", root, invite.Invite{LinkedUser: "u1"}, fault.Conflict)
		for _, id := range []ident.UserID{"sc_x", "SC_x", "ext_1", "usr_x", "a b", "a/b", "012345678901234567890123456789012"} {
			refuse(string(id), root, invite.Invite{LinkedUser: id}, fault.Invalid)
		}
		w.make(root, invite.Invite{Tenant: "ten_a", ExpiresAt: w.clk.Now().Add(time.Hour)})

		// Whoever makes invites, but holds nothing, does not name an id that records already name.
		w.record("inviters", "boss", access.Statement{Roles: []ident.RoleID{access.Owner}, Resources: []string{"Authress:Invites"}})
		w.record("waiting", "newcomer", access.Statement{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}})
		refuse("the id of a future owner", boss, invite.Invite{LinkedUser: "newcomer"}, fault.Forbidden)
		w.make(boss, invite.Invite{LinkedUser: "somebody"})
		if _, err := w.records.CreateGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g", Admins: []ident.UserID{"admin2be"}}); err != nil {
			t.Fatal(err)
		}
		refuse("the id of an admin", boss, invite.Invite{LinkedUser: "admin2be"}, fault.Forbidden)
	})
}

func TestInviterLostTheRight(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		id := w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		if err := w.records.DeleteRecord(ctx, operator, "givers"); err != nil {
			t.Fatal(err)
		}
		w.is("accepted", w.Accept(ctx, person("u1"), id), fault.Forbidden)
		if w.may("u1", "docs/1") {
			t.Error("it gave what its inviter lost")
		}
		w.record("givers", "boss", access.Statement{Roles: []ident.RoleID{"ro_giver"}, Resources: []string{"docs"}})
		if err := w.Accept(ctx, person("u1"), id); err != nil || !w.may("u1", "docs/1") {
			t.Error("the refusal used it up:", err)
		}
		// A role that grew since is judged as it is now.
		id = w.make(person("boss"), invite.Invite{Statements: read("docs/2")})
		if _, err := w.records.ReplaceRole(ctx, operator, access.Role{ID: "ro_read", Name: "Read", Permissions: []access.Permission{{Action: "*", Allow: true}}}); err != nil {
			t.Fatal(err)
		}
		w.is("a role that grew", w.Accept(ctx, person("u1"), id), fault.Forbidden)
	})
}

func TestStrategies(t *testing.T) {
	each(t, func(w *world) {
		ctx, boss := t.Context(), person("boss")
		give := func(s invite.Strategy, resource string) {
			t.Helper()
			if err := w.Accept(ctx, person("u1"), w.make(boss, invite.Invite{Statements: read(resource), Strategy: s})); err != nil {
				t.Fatal(err)
			}
		}
		check := func(what string, want ...bool) {
			t.Helper()
			for i, resource := range []string{"docs/1", "docs/2", "docs/3", "docs/4"} {
				if got := w.may("u1", resource); got != want[i] {
					t.Errorf("%s: %s is %v", what, resource, got)
				}
			}
		}
		give(invite.Skip, "docs/1")
		check("skip makes the first", true, false, false, false)
		give(invite.Skip, "docs/2")
		check("skip", true, false, false, false)
		give(invite.Merge, "docs/2")
		give(invite.Merge, "docs/2")
		check("merge", true, true, false, false)
		give(invite.Replace, "docs/3")
		check("replace", false, false, true, false)
		give(invite.NewRecord, "docs/4")
		check("a new one", false, false, true, true)
		give(invite.Replace, "docs/1")
		check("replace again", true, false, false, true)
	})
}

// A record that somebody else has put where the invite's would be gets nothing of it.
func TestAPlantedRecord(t *testing.T) {
	each(t, func(w *world) {
		ctx, boss := t.Context(), person("boss")
		if err := w.Accept(ctx, person("u1"), w.make(boss, invite.Invite{Statements: read("docs/1"), Strategy: invite.Merge})); err != nil {
			t.Fatal(err)
		}
		list, _, err := w.records.ListRecords(ctx, operator, access.Active, access.Page{Limit: 20, Filter: "invited_"})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		planted := list[0]
		planted.Users = append(planted.Users, "thief")
		if _, err := w.records.ReplaceRecord(ctx, operator, planted, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for _, s := range []invite.Strategy{invite.Merge, invite.Replace, invite.Skip} {
			if err := w.Accept(ctx, person("u1"), w.make(boss, invite.Invite{Statements: read("docs/2"), Strategy: s})); err != nil {
				t.Fatal(err)
			}
			if !w.may("u1", "docs/2") || w.may("thief", "docs/2") {
				t.Errorf("%s: u1 %v, thief %v", s, w.may("u1", "docs/2"), w.may("thief", "docs/2"))
			}
		}
	})
}

func TestOneAccepts(t *testing.T) {
	each(t, func(w *world) {
		id := w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		var won atomic.Int32
		var all sync.WaitGroup
		for _, who := range []string{"u1", "u2", "ann", "u1", "u2", "ann"} {
			all.Go(func() {
				if err := w.Accept(t.Context(), person(who), id); err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.NotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		have := 0
		for _, who := range []ident.UserID{"u1", "u2", "ann"} {
			if w.may(who, "docs/1") {
				have++
			}
		}
		if have != 1 || won.Load() != 2 {
			t.Errorf("%d have it, %d were told so", have, won.Load())
		}
	})
}

func TestLogin(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		id := w.make(person("root"), invite.Invite{LinkedUser: "newcomer", Tenant: "ten_a"})
		do := func(fn func(context.Context, tx.Tx) error) {
			t.Helper()
			if err := w.db.Write(ctx, tx.In(acc), fn); err != nil {
				t.Fatal(err)
			}
		}
		var key string
		preset := func(want ident.UserID) {
			t.Helper()
			do(func(ctx context.Context, x tx.Tx) error {
				got, err := w.Preset(ctx, x, acc, key)
				if got != want {
					t.Errorf("preset %q, want %q", got, want)
				}
				return err
			})
		}
		do(func(ctx context.Context, x tx.Tx) error {
			found, err := w.Look(ctx, x, acc, id)
			key = found.Key()
			if _, err := w.Look(ctx, x, other, id); !fault.Is(err, fault.NotFound) {
				t.Error("seen from another account:", err)
			}
			return err
		})
		preset("newcomer")
		// Records that name the id since count, and so does what the inviter has lost.
		if err := w.records.DeleteRecord(ctx, operator, "owners"); err != nil {
			t.Fatal(err)
		}
		preset("")
		w.record("owners", "root", access.Statement{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}})
		preset("newcomer")
		do(func(ctx context.Context, x tx.Tx) error {
			for _, want := range []bool{true, false} {
				if ok, err := w.Reserve(ctx, x, acc, key, "newcomer"); ok != want || err != nil {
					t.Error(ok, err)
				}
			}
			return nil
		})
		preset("")
		w.is("accepted by another than who signed up", w.Accept(ctx, person("u1"), id), fault.NotFound)
	})
}

// TestOpenInvitesAreBounded: who needs no permission to invite has so many open ones, and more with it.
func TestOpenInvitesAreBounded(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		mint := func(a actor.Actor) error {
			_, _, err := w.Create(ctx, a, invite.Invite{Statements: read("docs/1")})
			return err
		}
		var last secret.Text
		for range invite.MaxOpen {
			last = w.make(person("boss"), invite.Invite{Statements: read("docs/1")})
		}
		w.is("one too many", mint(person("boss")), fault.Unprocessable)
		w.record("inviter", "boss", access.Statement{Roles: []ident.RoleID{access.Owner}, Resources: []string{"Authress:Invites"}})
		if err := mint(person("boss")); err != nil {
			t.Error("an administrator:", err)
		}
		for range invite.MaxOpen + 1 {
			w.make(operator, invite.Invite{Statements: read("docs/1")})
		}
		if err := w.Accept(ctx, person("u1"), last); err != nil {
			t.Error(err)
		}
	})
}

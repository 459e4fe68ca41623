package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/transfer"
	"github.com/admit-id/admit/internal/access/transfer/apply"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

type noClients struct{}

func (noClients) MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool { return false }

type rig struct {
	*apply.Service
	access *access.Service
	engine *access.Engine
}

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		follower := feed.NewFollower(db, db, time.Minute)
		engine := access.NewEngine(follower.Fresh, noClients{}, clk)
		verbs := access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
			Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: engine})
		claims := claim.New(claim.Deps{Runner: db, Store: accessdb.Resources{}, Engine: engine, Access: verbs})
		follower.Subscribe(verbs, access.ChangeKinds()...)
		if err := follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.Follow(follower.WaitFor)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		fn(t, &rig{apply.New(apply.Deps{Runner: db, Access: verbs, Claims: claims}), verbs, engine})
	})
}

var (
	one = actor.ForOperator("acc_1")
	two = actor.ForOperator("acc_2")
)

const model = `model
  schema 1.1
type user
type folder
  relations
    define viewer: [user, user:*]
`

func source(t *testing.T, people int) transfer.Plan {
	t.Helper()
	var b strings.Builder
	for i := range people {
		fmt.Fprintf(&b, "{\"user\":\"user:u%d\",\"relation\":\"viewer\",\"object\":\"folder:%d\"}\n", i, i%7)
	}
	b.WriteString(`{"user":"user:*","relation":"viewer","object":"folder:open"}`)
	p, err := transfer.OpenFGA("old", transfer.Source{Name: "m", Data: []byte(model)}, transfer.Source{Name: "t", Data: []byte(b.String())})
	if err != nil || len(p.Problems) > 0 {
		t.Fatal(p.Problems, err)
	}
	return p
}

// Stopped in the middle and started again, an import ends as one that was not stopped; once more, nothing changes.
func TestGoesOn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := source(t, 170)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		_, err := r.Import(ctx, one, &p, apply.Options{Progress: func(done, total int) {
			if done >= 100 {
				stop()
			}
		}})
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "100 of 172") {
			t.Fatalf("%v", err)
		}
		dry, err := r.Import(t.Context(), one, &p, apply.Options{DryRun: true})
		if err != nil || dry != (apply.Result{Created: 72, Same: 100}) {
			t.Fatalf("%+v %v", dry, err)
		}
		for _, want := range []apply.Result{{Created: 72, Same: 100}, {Same: 172}} {
			if got, err := r.Import(t.Context(), one, &p, apply.Options{}); err != nil || got != want {
				t.Fatalf("%+v %v", got, err)
			}
		}
		for _, q := range []struct {
			user, resource string
			want           bool
		}{{"u169", "folders/1", true}, {"u169", "folders/2", false}, {"nobody", "folders/open", true}, {"nobody", "folders/1", false}} {
			if got, err := r.engine.Check(one.Account, ident.UserID(q.user), q.resource, "folder:viewer"); err != nil || got != q.want {
				t.Errorf("%+v: %v %v", q, got, err)
			}
		}

		// Fewer people: the others stay until they are pruned.
		fewer := source(t, 20)
		got, err := r.Import(t.Context(), one, &fewer, apply.Options{})
		if err != nil || got != (apply.Result{Same: 22, Stale: 150}) {
			t.Fatalf("%+v %v", got, err)
		}
		if got, err = r.Import(t.Context(), one, &fewer, apply.Options{Prune: true}); err != nil || got.Stale != 150 {
			t.Fatalf("%+v %v", got, err)
		}
		if may, err := r.engine.Check(one.Account, "u169", "folders/1", "folder:viewer"); err != nil || may {
			t.Errorf("a pruned record gives something: %v", err)
		}

		// The export of one account is that of another after an import of it.
		var first, second bytes.Buffer
		if err := r.Export(t.Context(), one, &first); err != nil {
			t.Fatal(err)
		}
		again, err := transfer.Admit("admit", transfer.Source{Name: "x", Data: first.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Import(t.Context(), two, &again, apply.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := r.Export(t.Context(), two, &second); err != nil || first.String() != second.String() || first.Len() < 1000 {
			t.Errorf("%v\n%s\n%s", err, first.String(), second.String())
		}
	})
}

// What somebody else made stays, unless it is asked for.
func TestForeign(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := source(t, 3)
		mine := access.Role{ID: "folder.viewer", Name: "mine", Permissions: []access.Permission{{Action: "x", Allow: true}}}
		if _, err := r.access.CreateRole(t.Context(), one, mine); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Import(t.Context(), one, &p, apply.Options{}); err == nil || !strings.Contains(err.Error(), "role folder.viewer; --replace") {
			t.Fatal(err)
		}
		if _, err := r.access.GetRecord(t.Context(), one, p.Records[0].ID); err == nil {
			t.Error("something was written")
		}
		if _, err := r.Import(t.Context(), one, &p, apply.Options{Replace: true}); err != nil {
			t.Fatal(err)
		}
		// Another label's records are foreign too; nobody without rights imports anything.
		p.Records[0].Tags = map[string]string{transfer.Tag: "other"}
		p.Label = "other"
		if _, err := r.Import(t.Context(), one, &p, apply.Options{}); err == nil {
			t.Error("a record of another import was replaced")
		}
		p = source(t, 3)
		if _, err := r.Import(t.Context(), actor.Actor{Kind: actor.User, Account: two.Account, ID: "u1"}, &p, apply.Options{}); err == nil {
			t.Error("a user without rights imported")
		}
	})
}

// The tag of an import and the ids that it makes can be foretold: who used them before stays no admin of what it brings.
func TestForged(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := source(t, 3)
		p.Groups = append(p.Groups, access.Group{ID: "grp_team", Name: "team", Users: []ident.UserID{"u1"}, Tags: map[string]string{transfer.Tag: p.Label}})
		mallory := []ident.UserID{"mallory"}
		changed := func(r access.Record) access.Record { r.Name = "something else"; return r }
		for _, record := range []access.Record{p.Records[0], changed(p.Records[1])} {
			for _, role := range p.Roles {
				_, _ = r.access.CreateRole(t.Context(), one, role)
			}
			record.Admins = mallory
			if _, err := r.access.CreateRecord(t.Context(), one, record); err != nil {
				t.Fatal(err)
			}
		}
		group := p.Groups[0]
		group.Admins = mallory
		if _, err := r.access.CreateGroup(t.Context(), one, group); err != nil {
			t.Fatal(err)
		}
		_, err := r.Import(t.Context(), one, &p, apply.Options{})
		if err == nil || !strings.Contains(err.Error(), "3 thing(s)") || !strings.Contains(err.Error(), "group grp_team") {
			t.Fatalf("things with other admins were adopted: %v", err)
		}
		dry, err := r.Import(t.Context(), one, &p, apply.Options{DryRun: true, Replace: true})
		if err != nil || dry.Replaced != 3 {
			t.Fatalf("%+v %v", dry, err)
		}
		if got, err := r.Import(t.Context(), one, &p, apply.Options{Replace: true}); err != nil || got.Replaced != 3 {
			t.Fatalf("%+v %v", got, err)
		}
		for i := range p.Records {
			if got, err := r.access.GetRecord(t.Context(), one, p.Records[i].ID); err != nil || len(got.Admins) > 0 || got.Name != p.Records[i].Name {
				t.Errorf("%+v %v", got, err)
			}
		}
		if got, err := r.access.GetGroup(t.Context(), one, group.ID); err != nil || len(got.Admins) > 0 {
			t.Errorf("%+v %v", got, err)
		}
		if got, err := r.Import(t.Context(), one, &p, apply.Options{}); err != nil || got.Replaced+got.Created > 0 {
			t.Errorf("%+v %v", got, err)
		}
		if may, err := r.engine.Check(one.Account, "u0", "folders/0", "folder:viewer"); err != nil || !may {
			t.Errorf("what was replaced gives nothing: %v", err)
		}
	})
}

// Who imports as themselves is the admin of what they made, and goes on with it.
func TestOwn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if _, err := r.access.CreateRecord(t.Context(), one, access.Record{ID: "owner", Name: "o", Users: []ident.UserID{"root"},
			Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}}}}); err != nil {
			t.Fatal(err)
		}
		root := actor.Actor{Kind: actor.User, Account: one.Account, ID: "root"}
		p := source(t, 3)
		p.Groups = append(p.Groups, access.Group{ID: "grp_team", Name: "team", Users: []ident.UserID{"u1"}, Tags: map[string]string{transfer.Tag: p.Label}})
		if _, err := r.Import(t.Context(), root, &p, apply.Options{}); err != nil {
			t.Fatal(err)
		}
		p.Groups[0].Users, p.Records[0].Name = []ident.UserID{"u2"}, "another name"
		if got, err := r.Import(t.Context(), root, &p, apply.Options{}); err != nil || got.Replaced != 2 {
			t.Fatalf("%+v %v", got, err)
		}
		if got, err := r.access.GetGroup(t.Context(), one, "grp_team"); err != nil || len(got.Admins) != 1 || got.Admins[0] != "root" {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// What records still say of roles and groups that were deleted is not exported: the export of one account is an import of
// any other, and nobody is given back what went with them.
func TestExportOfWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for _, id := range []ident.RoleID{"kept", "gone"} {
			if _, err := r.access.CreateRole(ctx, one, access.Role{ID: id, Name: "n", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []ident.GroupID{"grp_kept", "grp_gone"} {
			if _, err := r.access.CreateGroup(ctx, one, access.Group{ID: id, Name: "n", Users: []ident.UserID{"ann"}}); err != nil {
				t.Fatal(err)
			}
		}
		give := func(roles ...ident.RoleID) access.Statement {
			return access.Statement{Roles: roles, Resources: []string{"docs"}}
		}
		own := func(s access.Statement, groups ...ident.GroupID) access.Statement { s.Groups = groups; return s }
		for _, x := range []access.Record{
			{ID: "mixed", Groups: []ident.GroupID{"grp_kept", "grp_gone"}, Statements: []access.Statement{give("kept", "gone"), give("gone"), give("Authress:Owner")}},
			{ID: "lone", Users: []ident.UserID{"ann"}, Statements: []access.Statement{give("gone")}},
			{ID: "own", Statements: []access.Statement{own(give("kept"), "grp_gone"), own(give("kept"), "grp_kept", "grp_gone")}},
		} {
			x.Name = "n"
			if _, err := r.access.CreateRecord(ctx, one, x); err != nil {
				t.Fatal(x.ID, err)
			}
		}
		if err := errors.Join(r.access.DeleteRole(ctx, one, "gone"), r.access.DeleteGroup(ctx, one, "grp_gone")); err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := r.Export(ctx, one, &text); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String(), "gone") || strings.Contains(text.String(), `"lone"`) {
			t.Errorf("the export names what is gone:\n%s", text.String())
		}
		p, err := transfer.Admit("copy", transfer.Source{Name: "e", Data: text.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Import(ctx, two, &p, apply.Options{}); err != nil {
			t.Fatal(err)
		}
		mixed, err := r.access.GetRecord(ctx, two, "mixed")
		if err != nil || len(mixed.Groups) != 1 || len(mixed.Statements) != 2 || len(mixed.Statements[0].Roles) != 1 {
			t.Errorf("%+v %v", mixed, err)
		}
		if own, err := r.access.GetRecord(ctx, two, "own"); err != nil || len(own.Statements) != 1 || len(own.Statements[0].Groups) != 1 {
			t.Errorf("%+v %v", own, err)
		}
	})
}

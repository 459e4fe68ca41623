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
		follower := feed.NewFollower(db, db, 5*time.Second)
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

package claim_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account ident.AccountID = "acc_1"

var operator = actor.ForOperator(account)

func person(id string) actor.Actor { return actor.Actor{Kind: actor.User, Account: account, ID: id} }

type noClients struct{}

func (noClients) MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool { return false }

type rig struct {
	*claim.Service
	t      *testing.T
	access *access.Service
	engine *access.Engine
	db     *sqldb.DB
	clock  *clock.Fake

	mu     sync.Mutex
	events []string
}

func each(t *testing.T, fn func(r *rig)) {
	for name, open := range map[string]func(testing.TB, []sqldb.Migration, *tx.Bus) (*sqldb.DB, *clock.Fake){
		"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			if name == "postgres" && os.Getenv(sqldbtest.PostgresEnv) == "" {
				t.Skip("no PostgreSQL")
			}
			r := &rig{t: t}
			var bus tx.Bus
			bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.events = append(r.events, strings.TrimPrefix(e.Type, "access.")+" by "+e.Actor.String())
				return nil
			})
			r.db, r.clock = open(t, accessdb.Migrations(), &bus)
			r.start()
			r.world()
			fn(r)
		})
	}
}

// start is a node on the database.
func (r *rig) start() {
	follower := feed.NewFollower(r.db, r.db, time.Minute)
	r.engine = access.NewEngine(follower.Fresh, noClients{}, r.clock)
	r.access = access.New(access.Deps{Runner: r.db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Facts: accessdb.Facts{}, Resources: accessdb.Resources{}, Engine: r.engine})
	r.Service = claim.New(claim.Deps{Runner: r.db, Store: accessdb.Resources{}, Engine: r.engine, Access: r.access})
	follower.Subscribe(r.access, access.ChangeKinds()...)
	if err := follower.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.db.Follow(follower.WaitFor)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	r.t.Cleanup(func() { stop(); <-done })
}

// world: boss owns everything, lead owns d, granter may grant and delegator delegate everything on d, keeper may
// grant everything on configurations, tenant owns d until tomorrow and may configure.
func (r *rig) world() {
	for _, role := range []access.Role{
		{ID: "ro_grant", Name: "g", Permissions: []access.Permission{{Action: "*", Grant: true}}},
		{ID: "ro_delegate", Name: "d", Permissions: []access.Permission{{Action: "*", Delegate: true}}},
		{ID: "ro_some", Name: "s", Permissions: []access.Permission{{Action: "docs", Grant: true, Delegate: true}}},
		{ID: "ro_allow", Name: "a", Permissions: []access.Permission{{Action: "*", Allow: true}}},
	} {
		_, err := r.access.CreateRole(r.t.Context(), operator, role)
		r.ok("role", err)
	}
	const settings = "Authress:ResourcePermissions"
	for i, g := range [][3]string{
		{"boss", "Authress:Owner", "*"}, {"lead", "Authress:Owner", "d"}, {"granter", "ro_grant", "d"}, {"delegator", "ro_delegate", "d"},
		{"some", "ro_some", "d"}, {"allowed", "ro_allow", "*"}, {"narrow", "Authress:Owner", "d"},
		{"keeper", "ro_grant", settings}, {"lead", "ro_grant", settings}, {"granter", "ro_grant", settings}, {"delegator", "ro_grant", settings},
		{"some", "ro_grant", settings}, {"narrow", "ro_grant", settings + "/d/1"}, {"reader", "Authress:ReadResource", settings}, {"reader1", "Authress:ReadResource", settings + "/d/1"},
		{"tenant", "ro_grant", settings},
	} {
		r.give(fmt.Sprint("rec_", i), g[0], ident.RoleID(g[1]), g[2])
	}
	_, err := r.access.CreateRecord(r.t.Context(), operator, access.Record{ID: "rec_tenant", Name: "n", Users: []ident.UserID{"tenant"},
		Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"d"}, ExpiresAt: sqldbtest.Start.Add(24 * time.Hour)}}})
	r.ok("record", err)
	r.events = nil
}

func (r *rig) give(id, who string, role ident.RoleID, resource string) {
	r.t.Helper()
	_, err := r.access.CreateRecord(r.t.Context(), operator, access.Record{ID: ident.RecordID(id), Name: "n", Users: []ident.UserID{ident.UserID(who)},
		Statements: []access.Statement{{Roles: []ident.RoleID{role}, Resources: []string{resource}}}})
	r.ok("record", err)
}

func (r *rig) ok(what string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) want(what string, err error, kind fault.Kind) {
	r.t.Helper()
	if kind == 0 && err != nil || kind != 0 && !fault.Is(err, kind) {
		r.t.Errorf("%s: %v; want kind %d", what, err, kind)
	}
}

func (r *rig) may(user ident.UserID, action, resource string) bool {
	r.t.Helper()
	got, err := r.engine.Check(account, user, resource, action)
	r.ok("check", err)
	return got
}

func set(resource string, permissions ...string) claim.Config {
	c := claim.Config{Resource: resource}
	for _, p := range permissions {
		action, off := strings.CutPrefix(p, "-")
		c.Permissions = append(c.Permissions, claim.Permission{Action: action, Allow: !off})
	}
	return c
}

func (r *rig) configure(who, resource string, permissions ...string) error {
	_, err := r.Configure(r.t.Context(), person(who), set(resource, permissions...))
	return err
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestPublicIsPublic(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		if r.may("eve", "read", "d/1/x") {
			t.Fatal("before")
		}
		got, err := r.Configure(ctx, person("lead"), set("/d/1/", "public", "-CLAIM"))
		r.ok("configure", err)
		if fmt.Sprint(got.Resource, got.Permissions) != "d/1[{PUBLIC true} {CLAIM false}]" || !r.may("eve", "docs:write", "d/1") || !r.may("eve", "read", "d/1/x") || r.may("eve", "read", "d/2") {
			t.Errorf("%+v", got)
		}
		if events := fmt.Sprint(r.events); events != "[resource.configured by user:lead]" {
			t.Error(events)
		}
		r.start() // another node knows the same
		if !r.may("eve", "read", "d/1/x") {
			t.Error("a node that starts does not know")
		}
		read, err := r.Get(ctx, person("reader1"), "d/1")
		if err != nil || fmt.Sprint(read.Permissions) != fmt.Sprint(got.Permissions) {
			t.Errorf("%+v, %v", read, err)
		}
		r.ok("take it back", r.configure("keeper", "d/1", "-PUBLIC"))
		if r.may("eve", "read", "d/1/x") {
			t.Error("still public")
		}
	})
}

// TestOpeningIsGiving is I-14 for configurations, and the rest of who may.
func TestOpeningIsGiving(t *testing.T) {
	each(t, func(r *rig) {
		for _, test := range []struct {
			who, resource, permissions string
			kind                       fault.Kind
		}{
			{"boss", "e", "PUBLIC CLAIM", 0}, {"lead", "d", "PUBLIC", 0}, {"lead", "d/a", "CLAIM", 0}, {"lead", "d/x/*", "PUBLIC", 0}, {"lead", "d/*/x", "PUBLIC", 0},
			{"lead", "e/1", "PUBLIC", fault.Forbidden}, {"lead", "e/1", "CLAIM", fault.Forbidden}, {"lead", "dd", "PUBLIC", fault.Forbidden},
			{"keeper", "d/b", "PUBLIC", fault.Forbidden}, {"keeper", "d/b", "CLAIM", fault.Forbidden}, {"keeper", "d/b", "-PUBLIC -CLAIM", 0},
			{"granter", "d/c", "PUBLIC", 0}, {"granter", "d/c", "CLAIM", fault.Forbidden}, {"delegator", "d/c2", "CLAIM", fault.Forbidden}, {"delegator", "d/c2", "PUBLIC", fault.Forbidden},
			{"some", "d/c3", "PUBLIC", fault.Forbidden}, {"some", "d/c3", "CLAIM", fault.Forbidden}, {"allowed", "d/c3", "PUBLIC", fault.Forbidden}, {"allowed", "d/c3", "-PUBLIC", fault.Forbidden},
			{"tenant", "d/t", "PUBLIC", fault.Forbidden}, {"tenant", "d/t", "CLAIM", fault.Forbidden}, // his right ends
			{"narrow", "d/1", "PUBLIC", 0}, {"narrow", "d/1/x", "PUBLIC", 0}, {"narrow", "d/2", "PUBLIC", fault.Forbidden}, {"narrow", "d", "PUBLIC", fault.Forbidden}, {"narrow", "d/*", "PUBLIC", fault.Forbidden},
			{"reader", "d/1", "-PUBLIC", fault.Forbidden}, {"eve", "d/1", "-PUBLIC", fault.Forbidden},
			{"keeper", "d/1", "PUBLIC", 0}, // it is so already
			{"keeper", "d/1", "PUBLIC CLAIM", fault.Forbidden},
		} {
			r.want(fmt.Sprint(test.who, " ", test.permissions, " on ", test.resource), r.configure(test.who, test.resource, strings.Fields(test.permissions)...), test.kind)
		}
		abroad := person("boss")
		abroad.Account = "acc_2"
		_, err := r.Configure(r.t.Context(), abroad, set("e", "PUBLIC"))
		r.want("abroad", err, fault.Forbidden)
		_, err = r.Configure(r.t.Context(), actor.Actor{Account: account}, set("e", "PUBLIC"))
		r.want("nobody", err, fault.Unauthenticated)
	})
}

func TestWhatCanBeConfigured(t *testing.T) {
	each(t, func(r *rig) {
		for _, resource := range []string{
			"*", "/*", "*/x", "*:x", "*:*/y", "Authress:Roles", "Authress:ResourcePermissions/d", "Authress:*", "/Authress:Roles/", "authress:roles", "AUTHRESS:x/y", "Authress", "a//b", "a/../b", "a%2Fb", "", "a b",
		} {
			for _, permission := range []string{"PUBLIC", "CLAIM", "-PUBLIC"} {
				r.want(permission+" on "+resource, r.configure("boss", resource, permission), fault.Invalid)
			}
		}
		for _, permissions := range []string{"", "READ", "PUBLIC READ", "PUBLIC -PUBLIC", "*", strings.Repeat("PUBLIC ", 101)} {
			r.want("permissions "+permissions, r.configure("boss", "e", strings.Fields(permissions)...), fault.Invalid)
		}
		for _, pattern := range []string{"e/*", "e/*/x", "e:*"} {
			r.want("CLAIM on "+pattern, r.configure("boss", pattern, "CLAIM"), fault.Invalid)
			r.want("PUBLIC on "+pattern, r.configure("boss", pattern, "PUBLIC"), 0)
		}
		for _, who := range []string{"boss", "reader"} {
			list, more, err := r.List(r.t.Context(), person(who), "", 2)
			if err != nil || len(list) != 2 || !more {
				t.Errorf("%v, %v, %v", list, more, err)
			}
			rest, more, err := r.List(r.t.Context(), person(who), list[1].Resource, 2)
			if err != nil || len(rest) != 1 || more {
				t.Errorf("%v, %v, %v", rest, more, err)
			}
		}
		for _, who := range []string{"eve", "reader1", "keeper"} {
			_, _, err := r.List(r.t.Context(), person(who), "", 2)
			r.want(who+" lists", err, fault.Forbidden)
		}
		_, err := r.Get(r.t.Context(), person("reader1"), "e/*")
		r.want("another's", err, fault.Forbidden)
		_, err = r.Get(r.t.Context(), person("reader1"), "d/1/deep")
		r.want("none", err, fault.NotFound)
	})
}

func TestAClaimMakesTheOwner(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		_, err := r.Claim(ctx, person("ann"), "d", "1")
		r.want("a collection that is not open", err, fault.Forbidden)
		r.ok("open", r.configure("lead", "d", "CLAIM"))
		r.events = nil
		rec, err := r.Claim(ctx, person("ann"), "/d/", "1")
		r.ok("claim", err)
		if events := fmt.Sprint(r.events); events != "[record.created by user:ann resource.claimed by user:ann]" {
			t.Error(events)
		}
		stored, err := r.access.GetRecord(ctx, person("ann"), rec.ID)
		if err != nil || fmt.Sprint(stored.Users, stored.Admins, stored.Statements[0].Roles, stored.Statements[0].Resources) != "[ann] [ann] [Authress:Owner] [d/1]" {
			t.Errorf("%+v, %v", stored, err)
		}
		if !r.may("ann", "docs:write", "d/1/x") || r.may("ann", "docs:read", "d/2") || r.may("ann", "docs:read", "d") {
			t.Error("she owns d/1 and nothing else")
		}
		for _, who := range []string{"ann", "bob", "boss", "lead"} {
			_, err = r.Claim(ctx, person(who), "d", "1")
			if codeOf(err) != "AlreadyClaimed" {
				t.Errorf("%s: %v", who, err)
			}
		}
		// She shares it, and leaves: it stays taken. When nobody has it any more, it is free.
		r.give("rec_share", "bob", access.ReadResource, "d/1/part")
		r.ok("leave", r.access.DeleteRecord(ctx, person("ann"), rec.ID))
		_, err = r.Claim(ctx, person("cat"), "d", "1")
		r.want("while bob has a part", err, fault.Conflict)
		r.ok("bob leaves", r.access.DeleteRecord(ctx, operator, "rec_share"))
		_, err = r.Claim(ctx, person("cat"), "d", "1")
		r.ok("claim again", err)
		if r.may("ann", "docs:read", "d/1") || !r.may("cat", "docs:read", "d/1") {
			t.Error("it is cat's now")
		}
		r.ok("close", r.configure("keeper", "d", "-CLAIM"))
		_, err = r.Claim(ctx, person("dan"), "d", "2")
		r.want("closed", err, fault.Forbidden)
	})
}

// TestOneSpelling: whatever else could be read as d/1, or as something that is not in the collection, is refused.
func TestOneSpelling(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		r.ok("open", r.configure("lead", "d", "CLAIM"))
		_, err := r.Claim(ctx, person("ann"), "d", "1")
		r.ok("claim", err)
		for _, test := range []struct {
			collection, id string
			kind           fault.Kind
		}{
			{"/d", "1", fault.Conflict}, {"d/", "1", fault.Conflict}, {"//d", "1", fault.Invalid}, {"d//", "1", fault.Invalid},
			{"d", "1/", fault.Invalid}, {"d", "/1", fault.Invalid}, {"d", "1/x", fault.Invalid}, {"d", "*", fault.Invalid}, {"d", "1:*", fault.Invalid}, {"d", "", fault.Invalid},
			{"d", ".", fault.Invalid}, {"d", "..", fault.Invalid}, {"d", "%31", fault.Invalid}, {"d", "1%2Fx", fault.Invalid}, {"d", "1 ", fault.Invalid}, {"d", "1\x00", fault.Invalid}, {"d", "１", fault.Invalid},
			{"", "d", fault.Invalid}, {"/", "d", fault.Invalid}, {"*", "d", fault.Invalid}, {"d/*", "1", fault.Invalid}, {"d/..", "d", fault.Invalid},
			{"D", "1", fault.Forbidden}, {"e", "1", fault.Forbidden}, {"d/1", "x", fault.Forbidden}, {"d/2", "x", fault.Forbidden},
			{"Authress:Roles", "1", fault.Invalid}, {"Authress:ServiceClients", "sc_1", fault.Invalid}, {"authress:Roles", "1", fault.Invalid}, {"Authress:*", "1", fault.Invalid},
			{"d", strings.Repeat("a", 129), fault.Invalid}, {strings.Repeat("d", 129), "a", fault.Invalid},
			{"d", "Authress:Roles", 0}, {"d", "01", 0}, {"d", "users", 0},
		} {
			_, err := r.Claim(ctx, person("eve"), test.collection, test.id)
			r.want(fmt.Sprintf("%q %q", test.collection, test.id), err, test.kind)
		}
	})
}

func TestWhatIsTaken(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		r.ok("open", r.configure("lead", "d", "CLAIM"))
		for i, resource := range []string{"d/exact", "d/below/x/y", "d/star/*", "d/*/mid", "d/10"} {
			r.give(fmt.Sprint("rec_t", i), "bob", access.ReadResource, resource)
		}
		r.ok("public", r.configure("lead", "d/public", "PUBLIC"))
		_, err := r.access.CreateRecord(ctx, operator, access.Record{ID: "rec_over", Name: "n", Users: []ident.UserID{"bob"},
			Statements: []access.Statement{{Roles: []ident.RoleID{access.ReadResource}, Resources: []string{"d/over"}, ExpiresAt: sqldbtest.Start.Add(time.Second)}}})
		r.ok("record", err)
		r.clock.Advance(time.Minute)
		for id, kind := range map[string]fault.Kind{
			"exact": fault.Conflict, "below": fault.Conflict, "star": fault.Conflict, "public": fault.Conflict, "over": fault.Conflict,
			"1": 0, "free": 0, "belo": 0, "Exact": 0,
		} {
			_, err := r.Claim(ctx, person("ann"), "d", id)
			r.want(id, err, kind)
		}
		// A person who is gone leaves it taken.
		rec, err := r.Claim(ctx, person("gone"), "d", "left")
		r.ok("claim", err)
		r.ok("forget", r.db.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
			e := event.New(operator, "user.deleted", "gone")
			return errors.Join(r.access.ForgetUser(ctx, t, e), r.ForgetUser(ctx, t, e))
		}))
		_, err = r.Claim(ctx, person("eve"), "d", "left")
		r.want("what a deleted person claimed", err, fault.Conflict)
		r.ok("clear", r.access.DeleteRecord(ctx, operator, rec.ID))
		_, err = r.Claim(ctx, person("eve"), "d", "left")
		r.want("once it was cleared", err, 0)
	})
}

func TestWhoMayClaim(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		machine := actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "sc_1"}
		abroad := person("boss")
		abroad.Account = "acc_2"
		for i, test := range []struct {
			a    actor.Actor
			kind fault.Kind
		}{
			{person("boss"), 0}, {person("lead"), 0}, {person("delegator"), 0},
			{person("granter"), fault.Forbidden}, {person("some"), fault.Forbidden}, {person("allowed"), fault.Forbidden}, {person("tenant"), fault.Forbidden},
			{person("eve"), fault.Forbidden}, {machine, fault.Forbidden}, {abroad, fault.Forbidden}, {operator, fault.Invalid}, {actor.Actor{Account: account}, fault.Unauthenticated},
		} {
			_, err := r.Claim(ctx, test.a, "d", fmt.Sprint("c", i))
			r.want(test.a.String(), err, test.kind)
		}
		r.ok("open", r.configure("lead", "d", "CLAIM"))
		_, err := r.Claim(ctx, machine, "d", "machine")
		r.want("a machine", err, 0)
		if !r.may("sc_1", "x", "d/machine") {
			t.Error("it is the machine's")
		}
		_, err = r.Claim(ctx, abroad, "d", "abroad")
		r.want("abroad", err, fault.Forbidden)
	})
}

// TestOneClaimWins: at once, many people, one resource; again after it was given up.
func TestOneClaimWins(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		r.ok("open", r.configure("lead", "d", "CLAIM"))
		for round := range 4 {
			var won, lost atomic.Int32
			var winner atomic.Value
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					rec, err := r.Claim(ctx, person(fmt.Sprint("p", i)), []string{"d", "/d/"}[i%2], "prize")
					switch {
					case err == nil:
						won.Add(1)
						winner.Store(rec)
					case codeOf(err) == "AlreadyClaimed":
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 9 {
				t.Fatalf("round %d: %d won, %d lost", round, won.Load(), lost.Load())
			}
			rec := winner.Load().(access.Record)
			for i := range 10 {
				who := ident.UserID(fmt.Sprint("p", i))
				if r.may(who, "x", "d/prize") != (who == rec.Users[0]) {
					t.Errorf("round %d: %s", round, who)
				}
			}
			r.ok("give up", r.access.DeleteRecord(ctx, operator, rec.ID))
		}
	})
}

// TestPublicIsNotSwitchedOnAgain: what one switched off at the same time, nobody keeps on without the right to.
func TestPublicIsNotSwitchedOnAgain(t *testing.T) {
	each(t, func(r *rig) {
		for range 10 {
			r.ok("on", r.configure("lead", "d/race", "PUBLIC"))
			var wg sync.WaitGroup
			wg.Go(func() { r.want("off", r.configure("lead", "d/race", "-PUBLIC"), 0) })
			wg.Go(func() {
				// Either it is still on, or he may not.
				if err := r.configure("keeper", "d/race", "PUBLIC"); err != nil && !fault.Is(err, fault.Forbidden) {
					t.Error(err)
				}
			})
			wg.Wait()
			if r.may("eve", "x", "d/race") {
				t.Error("it is on again")
			}
		}
	})
}

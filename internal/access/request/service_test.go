package request_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/access/request/requestdb"
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
	*request.Service
	t      *testing.T
	access *access.Service
	engine *access.Engine
	db     *sqldb.DB

	mu     sync.Mutex
	events []string
}

func each(t *testing.T, fn func(r *rig)) {
	schema := slices.Concat(accessdb.Migrations(), requestdb.Migrations())
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
			db, clk := open(t, schema, &bus)
			follower := feed.NewFollower(db, db, time.Minute)
			r.db, r.engine = db, access.NewEngine(follower.Fresh, noClients{}, clk)
			r.access = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{}, Engine: r.engine})
			follower.Subscribe(r.access, access.ChangeKinds()...)
			if err := follower.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			db.Follow(follower.WaitFor)
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { follower.Run(ctx); close(done) }()
			t.Cleanup(func() { stop(); <-done })
			r.Service = request.New(request.Deps{Runner: db, Store: requestdb.Store{}, Engine: r.engine, Access: r.access})
			r.world()
			fn(r)
		})
	}
}

// world: boss owns everything, lead owns d/1, reader may read requests, keeper may update them, clerk may create them.
func (r *rig) world() {
	for _, role := range []access.Role{
		{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "docs:read", Allow: true}}},
		{ID: "ro_grant", Name: "g", Permissions: []access.Permission{{Action: "docs:read", Grant: true}}},
		{ID: "ro_update", Name: "u", Permissions: []access.Permission{{Action: "UPDATE", Allow: true}, {Action: "READ", Allow: true}}},
		{ID: "ro_create", Name: "c", Permissions: []access.Permission{{Action: "CREATE", Allow: true}}},
		{ID: "ro_empty", Name: "e"},
	} {
		_, err := r.access.CreateRole(r.t.Context(), operator, role)
		r.ok("role", err)
	}
	for _, g := range [][3]string{
		{"boss", "Authress:Owner", "*"}, {"lead", "Authress:Owner", "d/1"}, {"giver", "ro_grant", "d/1"},
		{"reader", "Authress:ReadResource", "Authress:AccessRequests"}, {"keeper", "ro_update", "Authress:AccessRequests"},
		{"clerk", "ro_create", "Authress:AccessRequests"},
	} {
		_, err := r.access.CreateRecord(r.t.Context(), operator, access.Record{ID: ident.RecordID("rec_" + g[0]), Name: g[0], Users: []ident.UserID{ident.UserID(g[0])},
			Statements: []access.Statement{{Roles: []ident.RoleID{ident.RoleID(g[1])}, Resources: []string{g[2]}}}})
		r.ok("record", err)
	}
	r.events = nil
}

func (r *rig) ok(what string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) want(what string, err error, kind fault.Kind) {
	r.t.Helper()
	if !fault.Is(err, kind) {
		r.t.Errorf("%s: %v; want kind %d", what, err, kind)
	}
}

func ask(role ident.RoleID, resource string, users ...ident.UserID) request.Request {
	return request.Request{Users: users, Statements: []access.Statement{{Roles: []ident.RoleID{role}, Resources: []string{resource}}}}
}

func (r *rig) asked(who string, role ident.RoleID, resource string) request.Request {
	r.t.Helper()
	got, err := r.Create(r.t.Context(), person(who), ask(role, resource, ident.UserID(who)))
	r.ok("ask", err)
	return got
}

func (r *rig) may(user ident.UserID, action, resource string) bool {
	r.t.Helper()
	got, err := r.engine.Check(account, user, resource, action)
	r.ok("check", err)
	return got
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// TestAnApprovalGivesAccess is the whole life.
func TestAnApprovalGivesAccess(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		made := r.asked("ann", "ro_read", "/d/1/")
		if made.Status != request.Open || made.By != "ann" || !strings.HasPrefix(string(made.ID), "req_") || r.may("ann", "docs:read", "d/1") {
			t.Fatalf("%+v", made)
		}
		decided, err := r.Decide(ctx, person("lead"), made.ID, request.Approved)
		r.ok("approve", err)
		if decided.Status != request.Approved || decided.DecidedBy != "user:lead" || !decided.LastUpdated.After(made.LastUpdated) || !r.may("ann", "docs:read", "d/1") {
			t.Errorf("%+v", decided)
		}
		if got := strings.Join(r.events, ", "); got != "request.created by user:ann, request.approved by user:lead, record.created by user:lead" {
			t.Errorf("events: %s", got)
		}
		rec, err := r.access.GetRecord(ctx, person("lead"), decided.Record)
		if err != nil || len(rec.Admins) != 1 || rec.Admins[0] != "lead" {
			t.Errorf("%+v, %v", rec, err)
		}
		for _, again := range []request.Status{request.Approved, request.Denied} {
			_, err = r.Decide(ctx, person("boss"), made.ID, again)
			r.want("decide again", err, fault.Conflict)
			if codeOf(err) != "AccessRequestDecided" {
				t.Error(codeOf(err))
			}
		}
		r.ok("delete what was approved", r.Delete(ctx, person("keeper"), made.ID))
		if !r.may("ann", "docs:read", "d/1") {
			t.Error("what was given stands in the record")
		}
		_, err = r.Decide(ctx, person("boss"), made.ID, request.Denied)
		r.want("decide what was deleted", err, fault.Conflict)
		got, err := r.Get(ctx, person("ann"), made.ID)
		if err != nil || got.Status != request.Deleted {
			t.Errorf("%+v, %v", got, err)
		}
		r.ok("delete again", r.Delete(ctx, person("keeper"), made.ID))
	})
}

func TestADenialGivesNothing(t *testing.T) {
	each(t, func(r *rig) {
		for _, who := range []string{"lead", "keeper", "boss", "giver"} {
			made := r.asked("ann", "ro_read", "d/1")
			denied, err := r.Decide(r.t.Context(), person(who), made.ID, request.Denied)
			if err != nil || denied.Status != request.Denied || denied.Record != "" || r.may("ann", "docs:read", "d/1") {
				t.Errorf("%s: %+v, %v", who, denied, err)
			}
			_, err = r.Decide(r.t.Context(), person("boss"), made.ID, request.Approved)
			r.want("approve what was denied", err, fault.Conflict)
		}
	})
}

// TestWhoMay is the table of who may do what to a request, its attackers among them.
func TestWhoMay(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		elsewhere := person("boss")
		elsewhere.Account = "acc_2"
		for name, test := range map[string]struct {
			who                             actor.Actor
			get, approve, deny, wide, erase bool
		}{
			"the maker":                {person("ann"), true, false, false, false, true},
			"somebody":                 {person("eve"), false, false, false, false, false},
			"nobody":                   {actor.Actor{Account: account}, false, false, false, false, false},
			"a user like a client":     {actor.Actor{Kind: actor.ServiceClient, Account: account, ID: "eve"}, false, false, false, false, false},
			"the owner of all":         {person("boss"), true, true, true, true, true},
			"the owner of all, abroad": {elsewhere, false, false, false, false, false},
			"the owner of d/1":         {person("lead"), true, true, true, false, false},
			"who may grant it":         {person("giver"), true, true, true, false, false},
			"who may READ requests":    {person("reader"), true, false, false, false, false},
			"who may UPDATE requests":  {person("keeper"), true, false, true, false, true},
			"who may CREATE requests":  {person("clerk"), false, false, false, false, false},
			"the operator":             {operator, true, true, true, true, true},
		} {
			try := func(what string, allowed bool, err error) {
				r.t.Helper()
				if allowed != (err == nil) || err != nil && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) {
					r.t.Errorf("%s: %s: %v", name, what, err)
				}
			}
			made := r.asked("ann", "ro_read", "d/1")
			_, err := r.Get(ctx, test.who, made.ID)
			try("get", test.get, err)
			_, err = r.Decide(ctx, test.who, made.ID, request.Approved)
			try("approve", test.approve, err)
			made = r.asked("ann", "ro_read", "d/1")
			_, err = r.Decide(ctx, test.who, made.ID, request.Denied)
			try("deny", test.deny, err)
			made = r.asked("ann", "ro_read", "d/*")
			_, err = r.Decide(ctx, test.who, made.ID, request.Approved)
			try("approve more than d/1", test.wide, err)
			try("delete", test.erase, r.Delete(ctx, test.who, r.asked("ann", "ro_read", "d/1").ID))
			// Nobody waits: the next round has room.
			r.ok("clear", r.db.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
				return r.ForgetUser(ctx, t, event.New(operator, "user.deleted", "ann"))
			}))
		}
		for _, who := range []actor.Actor{person("eve"), person("lead"), person("ann")} {
			_, err := r.Get(ctx, who, "req_none")
			r.want("get nothing", err, fault.Forbidden)
			_, err = r.Decide(ctx, who, "req_none", request.Approved)
			r.want("decide nothing", err, fault.Forbidden)
			r.want("delete nothing", r.Delete(ctx, who, "req_none"), fault.Forbidden)
		}
		_, err := r.Get(ctx, person("reader"), "req_none")
		r.want("get nothing", err, fault.NotFound)
		_, err = r.Decide(ctx, person("boss"), "req_none", request.Approved)
		r.want("decide nothing", err, fault.NotFound)
		r.want("delete nothing", r.Delete(ctx, person("keeper"), "req_none"), fault.NotFound)
		for _, status := range []request.Status{request.Open, request.Deleted, request.Every, "", "approved"} {
			_, err := r.Decide(ctx, person("boss"), "req_none", status)
			r.want("status "+string(status), err, fault.Invalid)
		}
	})
}

// TestNobodyApprovesMoreThanTheyHold is I-14 at the moment of the approval.
func TestNobodyApprovesMoreThanTheyHold(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		for _, test := range []struct {
			who, role, resource string
			kind                fault.Kind
		}{
			{"lead", "Authress:Owner", "d/1/deep", 0}, {"lead", "Authress:Owner", "d", fault.Forbidden}, {"lead", "Authress:Owner", "*", fault.Forbidden},
			{"giver", "Authress:Owner", "d/1", fault.Forbidden}, {"giver", "ro_grant", "d/1", fault.Forbidden}, {"giver", "ro_read", "d/1/x", 0},
			{"lead", "ro_update", "Authress:AccessRequests", fault.Forbidden}, {"keeper", "ro_read", "d/1", fault.Forbidden},
			{"lead", "ro_none", "d/1", fault.Forbidden}, {"boss", "ro_none", "d/1", fault.Unprocessable}, {"giver", "ro_empty", "d/1", fault.Forbidden},
			{"eve", "ro_empty", "d/1", fault.Forbidden}, {"eve", "ro_none", "d/1", fault.Forbidden}, {"boss", "ro_empty", "d/1", 0},
		} {
			made := r.asked("ann", ident.RoleID(test.role), test.resource)
			_, err := r.Decide(ctx, person(test.who), made.ID, request.Approved)
			if test.kind == 0 && err != nil || test.kind != 0 && !fault.Is(err, test.kind) {
				t.Errorf("%s approves %s on %s: %v", test.who, test.role, test.resource, err)
			}
			got, err := r.Get(ctx, person("ann"), made.ID)
			if open := got.Status == request.Open; err != nil || open != (test.kind != 0) {
				t.Errorf("after %s: %+v, %v", test.who, got, err)
			}
		}
		// Two statements, of which the approver holds one.
		both := ask("ro_read", "d/1", "ann")
		both.Statements = append(both.Statements, ask("ro_read", "e").Statements...)
		made, err := r.Create(ctx, person("ann"), both)
		r.ok("ask for both", err)
		_, err = r.Decide(ctx, person("lead"), made.ID, request.Approved)
		r.want("approve both", err, fault.Forbidden)
		// Who lost the right between the asking and the approval cannot approve.
		made = r.asked("ann", "ro_read", "d/1")
		r.ok("take it away", r.access.DeleteRecord(ctx, operator, "rec_lead"))
		_, err = r.Decide(ctx, person("lead"), made.ID, request.Approved)
		r.want("approve without the right", err, fault.Forbidden)
		// The role grew since it was asked for: what it is now counts.
		_, err = r.access.ReplaceRole(ctx, operator, access.Role{ID: "ro_read", Name: "r", Permissions: []access.Permission{{Action: "*", Allow: true}}})
		r.ok("grow", err)
		_, err = r.Decide(ctx, person("giver"), made.ID, request.Approved)
		r.want("approve the grown role", err, fault.Forbidden)
	})
}

func TestOneDecisionWins(t *testing.T) {
	each(t, func(r *rig) {
		for range 5 {
			made := r.asked("ann", "ro_read", "d/1")
			var won, lost atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					status := request.Approved
					if i%2 == 1 {
						status = request.Denied
					}
					_, err := r.Decide(r.t.Context(), person([]string{"boss", "lead"}[i/2%2]), made.ID, status)
					switch {
					case err == nil:
						won.Add(1)
					case codeOf(err) == "AccessRequestDecided":
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 7 {
				t.Errorf("%d won, %d lost", won.Load(), lost.Load())
			}
			records := 0
			for _, e := range r.events {
				if strings.HasPrefix(e, "record.created") {
					records++
				}
			}
			got, err := r.Get(r.t.Context(), person("ann"), made.ID)
			if err != nil || (got.Status == request.Approved) != (records == 1) || r.may("ann", "docs:read", "d/1") != (records == 1) {
				t.Errorf("%+v, %v with %d records", got, err, records)
			}
			if got.Record != "" {
				r.ok("clear", r.access.DeleteRecord(r.t.Context(), operator, got.Record))
			}
			r.events = nil
		}
	})
}

func TestWhatMayBeAskedFor(t *testing.T) {
	each(t, func(r *rig) {
		many := ask("ro_read", "d", "ann")
		for i := range 100 {
			many.Statements[0].Roles = append(many.Statements[0].Roles, ident.RoleID(fmt.Sprint("ro_", i)))
			many.Statements[0].Resources = append(many.Statements[0].Resources, fmt.Sprint("d/", i))
		}
		crowd := ask("ro_read", "d")
		for i := range 101 {
			crowd.Users = append(crowd.Users, ident.UserID(fmt.Sprint("u", i)))
		}
		inner := ask("ro_read", "d", "ann")
		inner.Statements[0].Users = []ident.UserID{"eve"}
		group := ask("ro_read", "d", "ann")
		group.Statements[0].Groups = []ident.GroupID{"grp_1"}
		tagged := ask("ro_read", "d", "ann")
		tagged.Tags = map[string]string{"k": strings.Repeat("x", 200)}
		for what, test := range map[string]struct {
			who  string
			r    request.Request
			kind fault.Kind
		}{
			"for another":             {"ann", ask("ro_read", "d", "bob"), fault.Forbidden},
			"for oneself and another": {"ann", ask("ro_read", "d", "ann", "bob"), fault.Forbidden},
			"for nobody":              {"ann", ask("ro_read", "d"), fault.Unprocessable},
			"for nobody, a clerk":     {"clerk", ask("ro_read", "d"), fault.Unprocessable},
			"for others, a clerk":     {"clerk", ask("ro_read", "d", "ann", "bob"), 0},
			"for a crowd":             {"clerk", crowd, fault.Unprocessable},
			"nothing":                 {"ann", request.Request{Users: []ident.UserID{"ann"}}, fault.Unprocessable},
			"too much":                {"ann", many, fault.Unprocessable},
			"inner users":             {"ann", inner, fault.Unprocessable},
			"inner groups":            {"ann", group, fault.Unprocessable},
			"bad resource":            {"ann", ask("ro_read", "d//1", "ann"), fault.Unprocessable},
			"encoded resource":        {"ann", ask("ro_read", "d%2F1", "ann"), fault.Unprocessable},
			"bad role":                {"ann", ask("ro read", "d", "ann"), fault.Unprocessable},
			"bad tag":                 {"ann", tagged, fault.Unprocessable},
			"a role that is not":      {"ann", ask("ro_none", "d", "ann"), 0},
			"twice oneself":           {"ann", ask("ro_read", "d", "ann", "ann"), 0},
			"somebody else's state":   {"ann", request.Request{ID: "req_mine", Status: request.Approved, By: "boss", DecidedBy: "user:boss", Record: "rec_boss", Users: []ident.UserID{"ann"}, Statements: ask("ro_read", "d").Statements}, 0},
		} {
			got, err := r.Create(r.t.Context(), person(test.who), test.r)
			if test.kind == 0 && err != nil || test.kind != 0 && !fault.Is(err, test.kind) {
				t.Errorf("%s: %v", what, err)
			}
			if err == nil && (got.ID == "req_mine" || got.Status != request.Open || string(got.By) != test.who || got.DecidedBy != "" || got.Record != "") {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
}

func TestOpenRequestsAreBounded(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		var last request.Request
		for range request.MaxOpen {
			last = r.asked("ann", "ro_read", "d/1")
		}
		_, err := r.Create(ctx, person("ann"), ask("ro_read", "d/1", "ann"))
		r.want("one more", err, fault.Unprocessable)
		if codeOf(err) != "TooManyAccessRequests" {
			t.Error(err)
		}
		r.asked("bob", "ro_read", "d/1")
		r.ok("withdraw", r.Delete(ctx, person("ann"), last.ID))
		last = r.asked("ann", "ro_read", "d/1")
		_, err = r.Decide(ctx, person("boss"), last.ID, request.Denied)
		r.ok("deny", err)
		r.want("a decided one is not withdrawn", r.Delete(ctx, person("ann"), last.ID), fault.Forbidden)
		r.asked("ann", "ro_read", "d/1")
	})
}

func TestListsShowWhatTheCallerMaySee(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		for i := range 7 {
			r.asked("ann", "ro_read", fmt.Sprint("d/", i%2))
			r.asked("bob", "ro_read", "d/1")
		}
		r.asked("lead", "ro_read", "e")
		r.asked("eve", "ro_none", "d/1")
		list := func(who actor.Actor, status request.Status, limit int) map[ident.UserID]int {
			r.t.Helper()
			out, seen := map[ident.UserID]int{}, map[request.ID]bool{}
			for after, rounds := "", 0; ; rounds++ {
				page, more, err := r.List(ctx, who, status, after, limit)
				r.ok("list", err)
				if len(page) > limit || rounds > 30 {
					r.t.Fatalf("%d in round %d", len(page), rounds)
				}
				for _, one := range page {
					if seen[one.ID] {
						r.t.Errorf("%s twice", one.ID)
					}
					seen[one.ID] = true
					out[one.By]++
				}
				if after = more; more == "" {
					return out
				}
			}
		}
		for _, limit := range []int{1, 3, 20} {
			for name, test := range map[string][2]string{
				"reader":    {fmt.Sprint(list(person("reader"), "", limit)), "map[ann:7 bob:7 eve:1 lead:1]"},
				"operator":  {fmt.Sprint(list(operator, request.Open, limit)), "map[ann:7 bob:7 eve:1 lead:1]"},
				"ann":       {fmt.Sprint(list(person("ann"), "", limit)), "map[ann:7]"},
				"eve":       {fmt.Sprint(list(person("eve"), "", limit)), "map[eve:1]"},
				"cat":       {fmt.Sprint(list(person("cat"), "", limit)), "map[]"},
				"lead":      {fmt.Sprint(list(person("lead"), "", limit)), "map[ann:3 bob:7 lead:1]"},
				"giver":     {fmt.Sprint(list(person("giver"), request.Open, limit)), "map[ann:3 bob:7]"},
				"none open": {fmt.Sprint(list(person("lead"), request.Denied, limit)), "map[]"},
			} {
				if test[0] != test[1] {
					t.Errorf("%s by %d: %s; want %s", name, limit, test[0], test[1])
				}
			}
		}
		_, _, err := r.List(ctx, person("boss"), request.Every, "", 5)
		r.want("every", err, fault.Invalid)
		_, _, err = r.List(ctx, actor.Actor{Account: account}, "", "", 5)
		r.want("nobody", err, fault.Unauthenticated)
	})
}

func TestAForgottenUserIsAskedForNoMore(t *testing.T) {
	each(t, func(r *rig) {
		ctx := r.t.Context()
		mine := r.asked("ann", "ro_read", "d/1")
		old := r.asked("ann", "ro_read", "d/1")
		_, err := r.Decide(ctx, person("lead"), old.ID, request.Denied)
		r.ok("deny", err)
		both, err := r.Create(ctx, person("clerk"), ask("ro_read", "d/1", "ann", "bob"))
		r.ok("for both", err)
		only, err := r.Create(ctx, person("clerk"), ask("ro_read", "d/1", "ann"))
		r.ok("for her", err)
		r.ok("forget", r.db.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
			return r.ForgetUser(ctx, t, event.New(operator, "user.deleted", "ann"))
		}))
		for id, want := range map[request.ID]string{
			mine.ID: "DELETED  []", old.ID: "DENIED  []", both.ID: "OPEN clerk [bob]", only.ID: "DELETED clerk []",
		} {
			got, err := r.Get(ctx, operator, id)
			if text := fmt.Sprint(got.Status, " ", got.By, " ", got.Users); err != nil || text != want {
				t.Errorf("%s; want %s; %v", text, want, err)
			}
		}
		_, err = r.Decide(ctx, person("lead"), mine.ID, request.Approved)
		r.want("approve hers", err, fault.Conflict)
		_, err = r.Decide(ctx, person("lead"), both.ID, request.Approved)
		r.ok("approve the other's", err)
		if r.may("ann", "docs:read", "d/1") || !r.may("bob", "docs:read", "d/1") {
			t.Error("what was approved is for who is left")
		}
	})
}

package local

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/test/process"
)

// agree waits until the copy has what was written before.
func (w *world) agree(l *client.Local) {
	w.t.Helper()
	s, status, body := w.open(w.key, "?resourceUri=nothing/at/all")
	if status != 200 {
		w.t.Fatalf("%d %s", status, body)
	}
	rev := s.until("ready").Revision
	w.wait("the copy to have heard", func() bool { return l.Stats().Revision >= rev })
}

// build puts a world in place and returns how to take it away, and whether all of it was taken.
func (w *world) build(s *accesstest.World) (clear func(), all bool) {
	w.t.Helper()
	var undo []string
	post := func(path string, body any, gone string) {
		w.t.Helper()
		w.must("POST", path, body)
		undo = append(undo, gone)
	}
	for _, r := range s.Roles {
		permissions := []map[string]any{}
		for _, p := range r.Permissions {
			permissions = append(permissions, map[string]any{"action": p.Action, "allow": p.Allow, "grant": p.Grant, "delegate": p.Delegate})
		}
		post("/v1/roles", map[string]any{"roleId": r.ID, "name": "r", "permissions": permissions}, "/v1/roles/"+string(r.ID))
	}
	// A record cannot name a role or a group that is not there, but those can be taken away afterwards.
	passing := map[string]bool{}
	for _, r := range s.Records {
		groups := slices.Clone(r.Groups)
		for _, st := range r.Statements {
			groups = append(groups, st.Groups...)
			for _, id := range st.Roles {
				path := "/v1/roles/" + string(id)
				if !access.Builtin(id) && !passing[path] && !slices.ContainsFunc(s.Roles, func(r access.Role) bool { return r.ID == id }) {
					w.must("POST", "/v1/roles", map[string]any{"roleId": id, "name": "r", "permissions": []map[string]any{{"action": "*", "allow": true}}})
					passing[path] = true
				}
			}
		}
		for _, id := range groups {
			path := "/v1/groups/" + string(id)
			if !passing[path] && !slices.ContainsFunc(s.Groups, func(g access.Group) bool { return g.ID == id }) {
				w.must("POST", "/v1/groups", map[string]any{"groupId": id, "name": "g", "users": []any{}, "admins": []any{}})
				passing[path] = true
			}
		}
	}
	for _, g := range s.Groups {
		post("/v1/groups", map[string]any{"groupId": g.ID, "name": "g", "users": refs(g.Users), "admins": []any{}}, "/v1/groups/"+string(g.ID))
	}
	for _, r := range s.Records {
		statements := []map[string]any{}
		for _, st := range r.Statements {
			resources := []map[string]any{}
			for _, text := range st.Resources {
				resources = append(resources, map[string]any{"resourceUri": text})
			}
			out := map[string]any{"roles": st.Roles, "resources": resources, "users": refs(st.Users), "groups": groupRefs(st.Groups)}
			if !st.StartsAt.IsZero() {
				out["startsAt"] = st.StartsAt
			}
			if !st.ExpiresAt.IsZero() {
				out["expiresAt"] = st.ExpiresAt
			}
			statements = append(statements, out)
		}
		post("/v1/records", map[string]any{"recordId": r.ID, "name": "r", "users": refs(r.Users), "groups": groupRefs(r.Groups), "statements": statements}, "/v1/records/"+string(r.ID))
		if r.Status == access.Deleted {
			w.must("DELETE", undo[len(undo)-1], nil)
			undo = undo[:len(undo)-1]
		}
	}
	for path := range passing {
		w.must("DELETE", path, nil)
	}
	all = true
	for _, text := range s.Public {
		all = w.setPublic(text, true) && all
	}
	return func() {
		w.t.Helper()
		for _, text := range s.Public {
			w.setPublic(text, false)
		}
		for _, path := range slices.Backward(undo) {
			w.must("DELETE", path, nil)
		}
	}, all
}

// setPublic makes a resource public, or not. What cannot be public is refused.
func (w *world) setPublic(resource string, public bool) bool {
	w.t.Helper()
	permissions := []map[string]any{{"action": "PUBLIC", "allow": public}}
	status, body := w.send("PUT", "/v1/resources/"+url.PathEscape(resource), map[string]any{"permissions": permissions})
	if status/100 == 5 {
		w.t.Fatalf("PUT %s: %d %s", resource, status, body)
	}
	return status == 200
}

func refs(ids []ident.UserID) []map[string]any {
	out := []map[string]any{}
	for _, id := range ids {
		out = append(out, map[string]any{"userId": id})
	}
	return out
}

func groupRefs(ids []ident.GroupID) []map[string]any {
	out := []map[string]any{}
	for _, id := range ids {
		out = append(out, map[string]any{"groupId": id})
	}
	return out
}

// near tells whether a window of the world begins or ends while the test runs.
func near(s *accesstest.World, now time.Time) bool {
	within := func(at time.Time) bool { return !at.IsZero() && at.Sub(now) > 0 && at.Sub(now) < 5*time.Minute }
	return slices.ContainsFunc(s.Records, func(r access.Record) bool {
		return slices.ContainsFunc(r.Statements, func(st access.Statement) bool { return within(st.StartsAt) || within(st.ExpiresAt) })
	})
}

// TestTruth asks every case of the truth that is about now of the copy and of the server.
func TestTruth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.local(w.admin, still)
		now := time.Now().UTC().Truncate(time.Second)
		asked, skipped := 0, 0
		for _, s := range accesstest.TruthAt(t, now) {
			if near(&s.World, now) {
				skipped++ // TestWindows asks such
				continue
			}
			clear, all := w.build(&s.World)
			w.agree(l)
			before := l.Stats().Asked
			for _, a := range s.Now(now) {
				got, err := l.Check(t.Context(), string(a.User), a.Resource, a.Action)
				if err != nil || all && got != a.Allowed {
					t.Errorf("%s: %s: %v, %v", s.Name, a, got, err)
				}
				there, err := w.admin.AuthorizeUser(t.Context(), string(a.User), a.Resource, a.Action)
				if err != nil || there != got {
					t.Errorf("%s: %s: the server says %v, %v", s.Name, a, there, err)
				}
				asked++
			}
			if n := l.Stats().Asked - before; n > 0 {
				t.Errorf("%s: %d of %d questions went to the server", s.Name, n, len(s.Asks))
			}
			clear()
		}
		t.Logf("%d questions; %d scenarios are about a moment that passes meanwhile", asked, skipped)
		if asked < 80 {
			t.Errorf("only %d questions", asked)
		}
	})
}

// Grants begin and end by the server's clock, in the copy as on the server.
func TestWindows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.local(w.admin, still)
		ask := func(resource string) bool {
			yes, err := l.Check(t.Context(), "ann", resource, "read")
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		// A machine that takes longer than that to write and to ask is given more.
		for ahead := 3 * time.Second; ; ahead *= 3 {
			moment := time.Now().UTC().Truncate(time.Second).Add(ahead)
			id := fmt.Sprint("rec_", ahead)
			w.must("POST", "/v1/records", map[string]any{"recordId": id, "name": "t", "users": refs([]ident.UserID{"ann"}), "statements": []map[string]any{
				{"roles": []string{"Authress:Owner"}, "resources": []map[string]any{{"resourceUri": "soon"}}, "startsAt": moment},
				{"roles": []string{"Authress:Owner"}, "resources": []map[string]any{{"resourceUri": "ends"}}, "expiresAt": moment},
			}})
			w.agree(l)
			before := l.Stats().Asked
			soon, ends := ask("soon"), ask("ends")
			if early := time.Now().Before(moment); early && soon {
				t.Error("it began before the moment")
			} else if (!early || !ends) && ahead < long {
				w.revoke(id)
				w.agree(l)
				continue
			} else if !ends {
				t.Error("it ended before the moment")
			}
			time.Sleep(time.Until(moment))
			w.wait("the one to end", func() bool { return !ask("ends") })
			w.wait("the other to begin", func() bool { return ask("soon") })
			if ask("ends") {
				t.Error("after the moment")
			}
			if l.Stats().Asked > before {
				t.Error("the copy did not answer itself")
			}
			return
		}
	})
}

// TestHowSoon measures from an answered write on the server to the answer of a copy that asks nobody.
func TestHowSoon(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		soon(t, w, w.local(w.admin, still), 150)
	})
}

func soon(t *testing.T, w *world, l *client.Local, rounds int) {
	t.Helper()
	var took []time.Duration
	see := func(want bool, user string) {
		t.Helper()
		begun := time.Now()
		for {
			yes, err := l.Check(t.Context(), user, "a/1", "read")
			if err != nil {
				t.Fatal(err)
			}
			if yes == want {
				break
			}
			if time.Since(begun) > long {
				t.Fatalf("%s is %v for %v after it changed", user, yes, long)
			}
			time.Sleep(50 * time.Microsecond)
		}
		took = append(took, time.Since(begun))
	}
	before := l.Stats().Asked
	for i := range rounds {
		id, user := fmt.Sprintf("rec_soon_%d", i), fmt.Sprintf("user_%d", i)
		w.grant(id, user, "Authress:ReadResource", "a/1")
		see(true, user)
		w.revoke(id)
		see(false, user)
	}
	slices.Sort(took)
	t.Logf("visible in the copy: p50 %v, p99 %v, worst %v", took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	if n := l.Stats().Asked - before; n > 0 {
		t.Errorf("%d questions went to the server", n)
	}
}

// gate is a network that can stop to carry the change feed, or everything.
type gate struct {
	mu     sync.Mutex
	opened *sync.Cond
	frozen bool        // the change feed stands still, as on a link that drops packets
	dead   atomic.Bool // nothing gets through
	cut    []io.Closer
}

func newGate() *gate {
	g := &gate{}
	g.opened = sync.NewCond(&g.mu)
	return g
}

func (g *gate) freeze(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen = yes
	g.opened.Broadcast()
}

func (g *gate) cutAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.cut {
		c.Close()
	}
	g.cut = nil
}

func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.frozen {
		g.opened.Wait()
	}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.dead.Load() {
		return nil, errors.New("the network is down")
	}
	changes := strings.HasPrefix(r.URL.Path, "/v1/changes")
	if changes {
		g.pass()
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && changes {
		g.mu.Lock()
		g.cut = append(g.cut, resp.Body)
		g.mu.Unlock()
		resp.Body = &gated{resp.Body, g}
	}
	return resp, err
}

type gated struct {
	io.ReadCloser
	g *gate
}

func (b *gated) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.g.pass()
	return n, err
}

// After a revoke, and the bound, nobody is allowed any more: not while the feed stands still, not
// when what was kept up arrives late, not when everything is gone.
func TestARevokeIsNeverMissedForLongerThanTheBound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := newGate()
		defer g.freeze(false)
		l := w.local(w.client(w.URL, g), client.LocalConfig{})
		allowed := func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			yes, err := l.Check(ctx, "ann", "a/1", "read")
			if err != nil && yes {
				t.Error("an error with a yes")
			}
			return yes
		}
		for _, how := range []string{"frozen", "dead"} {
			w.grant("rec_"+how, "ann", "Authress:ReadResource", "a/1")
			w.wait("the grant", allowed)
			g.freeze(true)
			g.dead.Store(how == "dead")
			time.Sleep(100 * time.Millisecond)
			revoked := time.Now()
			w.revoke("rec_" + how)
			asked, answered := l.Stats().Asked, 0
			last := time.Duration(0)
			for time.Since(revoked) < 3*time.Second || l.Stats().Asked == asked && time.Since(revoked) < long {
				if asked := time.Since(revoked); allowed() {
					last = asked
				}
				answered++
				time.Sleep(2 * time.Millisecond)
			}
			if last > client.DefaultBound {
				t.Errorf("%s: allowed to who asked %v after the revoke", how, last)
			}
			if l.Stats().Asked == asked || l.Fresh() {
				t.Errorf("%s: the copy answered for itself all the time", how)
			}
			t.Logf("%s: the last yes was to a question %v after the revoke, of %d", how, last, answered)
			g.freeze(false) // what was kept up arrives, and says that it is fresh
			for begun := time.Now(); time.Since(begun) < 500*time.Millisecond; time.Sleep(100 * time.Microsecond) {
				if allowed() {
					t.Fatalf("%s: what came late was believed", how)
				}
			}
			g.dead.Store(false)
			w.wait("the copy to be fresh again", l.Fresh)
			if allowed() {
				t.Errorf("%s: allowed after it has caught up", how)
			}
		}
	})
}

func TestACutConnectionCostsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := newGate()
		l := w.local(w.client(w.URL, g), client.LocalConfig{})
		for i := range 10 {
			g.cutAll()
			w.grant(fmt.Sprintf("rec_%d", i), fmt.Sprintf("user_%d", i), "Authress:ReadResource", "a/1")
		}
		w.agree(l)
		s := l.Stats()
		for i := range 10 {
			if yes, err := l.Check(t.Context(), fmt.Sprintf("user_%d", i), "a/1", "read"); !yes || err != nil {
				t.Errorf("user_%d: %v, %v", i, yes, err)
			}
		}
		if s.Copies != 1 || s.Streams < 2 {
			t.Errorf("%+v: it should have come back by its cursor", s)
		}
	})
}

func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.local(w.admin, client.LocalConfig{})
		w.grant("rec_1", "ann", "Authress:ReadResource", "a/1")
		w.agree(l)
		w.Kill()
		time.Sleep(client.DefaultBound)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if yes, err := l.Check(ctx, "ann", "a/1", "read"); yes || err == nil {
			t.Errorf("without a server: %v, %v", yes, err)
		}
		w.Restart()
		w.wait("the copy to be fresh again", l.Fresh)
		w.revoke("rec_1")
		w.agree(l)
		if yes, err := l.Check(t.Context(), "ann", "a/1", "read"); yes || err != nil {
			t.Errorf("after the restart: %v, %v", yes, err)
		}
		if s := l.Stats(); s.Copies != 1 {
			t.Errorf("%+v: it should have come back by its cursor", s)
		}
	})
}

// The feed forgets what the copy has missed: it starts over.
func TestAGapStartsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := newGate()
		l := w.local(w.client(w.URL, g), client.LocalConfig{})
		w.grant("rec_1", "ann", "Authress:ReadResource", "a/1")
		w.agree(l)
		g.dead.Store(true)
		g.cutAll()
		w.revoke("rec_1")
		w.grant("rec_2", "bob", "Authress:ReadResource", "a/1")
		w.forget()
		g.dead.Store(false)
		w.wait("a new copy", func() bool { return l.Stats().Copies == 2 && l.Fresh() })
		for user, want := range map[string]bool{"ann": false, "bob": true} {
			if yes, err := l.Check(t.Context(), user, "a/1", "read"); yes != want || err != nil {
				t.Errorf("%s: %v, %v", user, yes, err)
			}
		}
	})
}

// forget shortens the change feed behind the server's back to what it must keep.
func (w *world) forget() {
	w.t.Helper()
	driver, where := "pgx", w.database
	if where == "" {
		driver, where = "sqlite", w.DataDir+"/admit.db"
	}
	db, err := sql.Open(driver, where)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	for range 3000 {
		if _, err = db.Exec(`DELETE FROM feed_changes WHERE rev < (SELECT rev FROM feed_head WHERE id = 1)`); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatal(err)
}

// A copy of a part answers inside it and leaves the rest to the server.
func TestAPart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must("POST", "/v1/groups", map[string]any{"groupId": "grp_1", "name": "g", "users": refs([]ident.UserID{"ann"}), "admins": []any{}})
		l := w.local(w.admin, client.LocalConfig{Resource: "a/1", Bound: still.Bound})
		w.grant("rec_1", "bob", "Authress:ReadResource", "a")
		w.grant("rec_2", "bob", "Authress:ReadResource", "b")
		w.must("POST", "/v1/records", map[string]any{"recordId": "rec_3", "name": "r", "groups": groupRefs([]ident.GroupID{"grp_1"}), "statements": []map[string]any{
			{"roles": []string{"Authress:ReadResource"}, "resources": []map[string]any{{"resourceUri": "*/1/x"}}}}})
		w.agree(l)
		check := func(user, resource string, want, inside bool) {
			t.Helper()
			before := l.Stats().Asked
			yes, err := l.Check(t.Context(), user, resource, "read")
			if yes != want || err != nil || (l.Stats().Asked == before) != inside {
				t.Errorf("%s %s: %v, %v, inside %v", user, resource, yes, err, l.Stats().Asked == before)
			}
		}
		check("bob", "a/1", true, true)
		check("bob", "a/1/x/y", true, true)
		check("ann", "a/1/x/y", true, true)
		check("ann", "a/1", false, true)
		check("bob", "b", true, false)
		check("bob", "a", true, false)
		check("ann", "a/2", false, false)
		if s := l.Stats(); s.Grants != 3 { // the administrator has everything, so also what is below
			t.Errorf("%d grants in the copy", s.Grants)
		}
		w.must("PUT", "/v1/records/rec_1", map[string]any{"name": "r", "users": refs([]ident.UserID{"bob"}), "statements": []map[string]any{
			{"roles": []string{"Authress:ReadResource"}, "resources": []map[string]any{{"resourceUri": "a/2"}}}}})
		w.agree(l)
		check("bob", "a/1", false, true)
	})
}

func TestTwoNodes(t *testing.T) {
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		t.Skip("two nodes need PostgreSQL")
	}
	t.Parallel()
	o := postgres(t)
	one := start(t, o)
	o.Public = one.URL
	two := process.Start(t, o)
	over := &http.Transport{DialContext: dialTo(two.Address)}
	defer over.CloseIdleConnections()
	l := one.local(one.client(one.URL, over), still)
	soon(t, one, l, 100)
}

// Not beside others: it counts the goroutines of this process.
func TestNothingIsLeftBehind(t *testing.T) {
	w := start(t, process.Options{})
	over := &http.Transport{}
	c := w.client(w.URL, over)
	before := runtime.NumGoroutine()
	for range 5 {
		l, err := c.Local(client.LocalConfig{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), long)
		if err := l.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	over.CloseIdleConnections()
	w.wait("every goroutine to end", func() bool { return runtime.NumGoroutine() <= before })
	w.wait("every stream to end", func() bool { return w.streams() == 0 })
}

func TestCheckMany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.grant("rec_1", "ann", "Authress:ReadResource", "a/1")
		got, err := w.admin.CheckMany(t.Context(), []client.Check{
			{UserID: "ann", Resource: "a/1", Permission: "read"}, {UserID: "bob", Resource: "a/1", Permission: "read"}, {UserID: "bob", Resource: "a//1", Permission: "read"}})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal([]bool{got[0].Allowed, got[1].Allowed, errors.Is(got[2].Err, client.ErrInvalid)})
		if string(text) != "[true,false,true]" {
			t.Errorf("%s %+v", text, got)
		}
	})
}

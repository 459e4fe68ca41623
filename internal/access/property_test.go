package access_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

// The names are few, so that grants and questions meet.
var (
	drawSegment  = rapid.SampledFrom([]string{"a", "b", "*", "n:a", "n:*", "*:a", "n:", "n:a:b", "n:*:b"})
	drawAction   = rapid.SampledFrom([]string{"*", "r", "r:x", "r:*", "r:x:y", "w", "W:X", "*:x", "r:*:y"})
	drawUser     = rapid.SampledFrom([]ident.UserID{"u1", "u2", "u3"})
	drawRole     = rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2", "ro_3", "Authress:Owner", "Authress:ReadResource"})
	drawGroup    = rapid.SampledFrom([]ident.GroupID{"grp_1", "grp_2"})
	drawResource = rapid.Custom(func(t *rapid.T) string {
		out := ""
		for i, s := range rapid.SliceOfN(drawSegment, 1, 4).Draw(t, "segments") {
			if i > 0 {
				out += "/"
			}
			out += s
		}
		return out
	})
	drawPermission = rapid.Custom(func(t *rapid.T) access.Permission {
		return access.Permission{Action: drawAction.Draw(t, "action"), Allow: rapid.IntRange(0, 3).Draw(t, "allow") > 0}
	})
)

func drawRecord(t *rapid.T, id ident.RecordID) access.Record {
	r := access.Record{ID: id, Name: "r", Status: access.Active}
	own := rapid.Bool().Draw(t, "own")
	users, groups := rapid.SliceOfN(drawUser, 0, 3), rapid.SliceOfN(drawGroup, 0, 2)
	if !own {
		r.Users, r.Groups = users.Draw(t, "users"), groups.Draw(t, "groups")
	}
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		s := access.Statement{
			Roles:     rapid.SliceOfN(drawRole, 1, 3).Draw(t, "roles"),
			Resources: rapid.SliceOfN(drawResource, 1, 4).Draw(t, "resources"),
		}
		if rapid.IntRange(0, 2).Draw(t, "bounded") == 0 {
			s.StartsAt, s.ExpiresAt = drawTime(t, "starts"), drawTime(t, "expires")
		}
		if own {
			s.Users, s.Groups = users.Draw(t, "users"), groups.Draw(t, "groups")
		}
		r.Statements = append(r.Statements, s)
	}
	return r
}

// drawTime draws a time close to the base, or none.
func drawTime(t *rapid.T, label string) time.Time {
	n := rapid.IntRange(-3, 4).Draw(t, label)
	if n == 4 {
		return time.Time{}
	}
	return accesstest.Base.Add(time.Duration(n) * time.Second)
}

// state is a world that changes, and the engine that follows it.
type state struct {
	roles   map[ident.RoleID]access.Role
	groups  map[ident.GroupID]access.Group
	records map[ident.RecordID]access.Record
	public  map[string]bool
	engine  *access.Engine
	ordered *access.Engine // the same, with its lists made another way
	clock   *clock.Fake    // of all engines
}

func newState() *state {
	s := &state{roles: map[ident.RoleID]access.Role{}, groups: map[ident.GroupID]access.Group{}, records: map[ident.RecordID]access.Record{},
		public: map[string]bool{}, clock: clock.NewFake(accesstest.Base)}
	s.engine = access.NewEngine(always, noClients{}, s.clock)
	s.ordered = access.NewEngine(always, noClients{}, s.clock)
	s.ordered.OrderAll()
	return s
}

// both lets fn change both engines.
func (s *state) both(fn func(e *access.Engine)) {
	fn(s.engine)
	fn(s.ordered)
}

func (s *state) ask(t *rapid.T) accesstest.Ask {
	return accesstest.Ask{User: drawUser.Draw(t, "user"), Action: drawAction.Draw(t, "asked action"), Resource: drawResource.Draw(t, "asked"), At: s.clock.Now()}
}

func (s *state) world() *accesstest.World {
	w := &accesstest.World{}
	for _, r := range s.roles {
		w.Roles = append(w.Roles, r)
	}
	for _, g := range s.groups {
		w.Groups = append(w.Groups, g)
	}
	for _, r := range s.records {
		w.Records = append(w.Records, r)
	}
	w.Public = slices.Collect(maps.Keys(s.public))
	return w
}

func (s *state) step(t *rapid.T) {
	switch rapid.IntRange(0, 6).Draw(t, "step") {
	case 4:
		resource := drawResource.Draw(t, "public")
		on := rapid.Bool().Draw(t, "on")
		if delete(s.public, resource); on {
			s.public[resource] = true
		}
		s.both(func(e *access.Engine) { e.PutResource(account, access.ResourceConfig{Resource: resource, Public: on}) })
	case 0:
		id := rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2", "ro_3"}).Draw(t, "role")
		r := access.Role{ID: id, Permissions: rapid.SliceOfN(drawPermission, 0, 3).Draw(t, "permissions")}
		s.roles[id] = r
		s.both(func(e *access.Engine) { e.PutRole(account, r) })
	case 1:
		id := rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2", "ro_3"}).Draw(t, "role")
		delete(s.roles, id)
		s.both(func(e *access.Engine) { e.DropRole(account, id) })
	case 2:
		id := drawGroup.Draw(t, "group")
		g := access.Group{ID: id, Users: rapid.SliceOfN(drawUser, 0, 3).Draw(t, "members")}
		s.groups[id] = g
		s.both(func(e *access.Engine) { e.PutGroup(account, g) })
	case 3:
		id := ident.RecordID(fmt.Sprintf("rec_%d", rapid.IntRange(0, 5).Draw(t, "record")))
		delete(s.records, id)
		s.both(func(e *access.Engine) { e.PutRecord(account, access.Record{ID: id, Status: access.Deleted}) })
	default:
		id := ident.RecordID(fmt.Sprintf("rec_%d", rapid.IntRange(0, 5).Draw(t, "record")))
		r := drawRecord(t, id)
		s.records[id] = r
		s.both(func(e *access.Engine) { e.PutRecord(account, r) })
	}
}

// TestEngineIsTheOracle changes a world in random steps. After them the engine that followed, an
// engine built at once, and the oracle answer everything alike, by check and by list.
func TestEngineIsTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newState()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			s.step(t)
			if _, _, err := s.ordered.Resources(account, drawUser.Draw(t, "lister"), access.Listing{Nested: true, Limit: 1}); err != nil {
				t.Fatal(err)
			}
		}
		w := s.world()
		rebuilt := engineAt(w, s.clock)
		accepted := w.Accepted()
		ordered := s.ordered
		for range 12 {
			s.clock.Advance(accesstest.Base.Add(time.Duration(rapid.IntRange(-4, 4).Draw(t, "at")) * time.Second).Sub(s.clock.Now()))
			a := s.ask(t)
			want := w.Allowed(a)
			if got := accepted.Allowed(a); got != want {
				t.Fatalf("%s = %v as the service would have it", a, got)
			}
			for name, e := range map[string]*access.Engine{"followed": s.engine, "rebuilt": rebuilt} {
				got, err := e.Check(account, a.User, a.Resource, a.Action)
				if err != nil || got != want {
					t.Fatalf("%s: check %s = %v, %v; oracle %v", name, a, got, err, want)
				}
			}
			checkListing(t, s.engine, w, a)
			checkListing(t, ordered, w, a)
			checkMany(t, s, w)
		}
		if p1, g1 := s.engine.Size(account); true {
			if p2, g2 := rebuilt.Size(account); p1 != p2 || g1 != g2 {
				t.Fatalf("followed holds %d people, %d grants; rebuilt %d, %d", p1, g1, p2, g2)
			}
		}
	})
}

// checkMany asks several questions at once.
func checkMany(t *rapid.T, s *state, w *accesstest.World) {
	asks := make([]accesstest.Ask, rapid.IntRange(1, 5).Draw(t, "batch"))
	questions := make([]access.Question, len(asks))
	for i := range asks {
		asks[i] = s.ask(t)
		questions[i] = access.Question{User: asks[i].User, Resource: asks[i].Resource, Action: asks[i].Action}
	}
	for i, got := range s.engine.CheckMany(account, questions) {
		if want := w.Allowed(asks[i]); got.Err != nil || got.Allowed != want {
			t.Fatalf("batch: %s = %v; oracle %v", asks[i], got, want)
		}
	}
}

// checkListing: what is listed is allowed; what is allowed below the collection is covered by
// something listed; page by page comes the same.
func checkListing(t *rapid.T, e *access.Engine, w *accesstest.World, a accesstest.Ask) {
	l := access.Listing{Collection: a.Resource, Action: a.Action, Nested: rapid.Bool().Draw(t, "nested"), Limit: 10_000}
	all, _, err := e.Resources(account, a.User, l)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(all) {
		t.Fatalf("%s: not in order: %q", a, all)
	}
	for _, text := range all {
		if !w.Allowed(accesstest.Ask{User: a.User, Action: a.Action, Resource: text, At: a.At}) {
			t.Fatalf("%s: lists %s, which is not allowed", a, text)
		}
	}
	collection := trimStar(a.Resource)
	for range 4 {
		below := drawResource.Draw(t, "below")
		if !l.Nested {
			below = drawSegment.Draw(t, "child")
			if below == "*" {
				continue // means everything below, not one child
			}
		}
		name := below
		if collection != "" {
			name = collection + "/" + below
		}
		if _, err := access.ParseResource(name); err != nil {
			continue
		}
		want := w.Allowed(accesstest.Ask{User: a.User, Action: a.Action, Resource: name, At: a.At})
		got := slices.ContainsFunc(all, func(text string) bool { return accesstest.PathCovers(text, name, "/") })
		if got != want {
			t.Fatalf("%s nested %v: %s allowed %v, listed %v in %q", a, l.Nested, name, want, got, all)
		}
	}
	l.Limit = 2
	if paged := pages(t, e, a.User, l); !slices.Equal(paged, all) {
		t.Fatalf("%s: pages %q, at once %q", a, paged, all)
	}
}

func trimStar(resource string) string {
	if resource == "*" {
		return ""
	}
	if n := len(resource); n > 2 && resource[n-2:] == "/*" {
		return resource[:n-2]
	}
	return resource
}

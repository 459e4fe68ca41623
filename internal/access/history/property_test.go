package history_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The names are few, so that grants and questions meet.
var (
	drawUser     = rapid.SampledFrom([]ident.UserID{"u1", "u2", "u3"})
	drawRole     = rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2", "Authress:Owner", "Authress:ReadResource"})
	drawGroup    = rapid.SampledFrom([]ident.GroupID{"grp_1", "grp_2"})
	drawAction   = rapid.SampledFrom([]string{"*", "read", "r:x", "r", "w"})
	drawResource = rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "a/*", "*", "a/*/c", "*/b", "b", "n:*/b", "n:x/b", "b/*"})
	drawRecordID = rapid.SampledFrom([]ident.RecordID{"rec_1", "rec_2", "rec_3"})
)

// past is a world as it was at a time.
type past struct {
	at    time.Time
	world accesstest.World
}

// story is an account that changes and everything it has been.
type story struct {
	*rig
	account ident.AccountID
	roles   map[ident.RoleID]access.Role
	groups  map[ident.GroupID]access.Group
	records map[ident.RecordID]access.Record
	public  map[string]bool
	pasts   []past
}

func (s *story) world() accesstest.World {
	var w accesstest.World
	for _, r := range s.roles {
		w.Roles = append(w.Roles, r)
	}
	for _, g := range s.groups {
		w.Groups = append(w.Groups, g)
	}
	for _, r := range s.records {
		w.Records = append(w.Records, r)
	}
	for resource := range s.public {
		w.Public = append(w.Public, resource)
	}
	return w
}

func (s *story) drawRecord(t *rapid.T) access.Record {
	r := access.Record{ID: drawRecordID.Draw(t, "record"), Name: "r"}
	own := rapid.Bool().Draw(t, "own")
	users, groups := rapid.SliceOfNDistinct(drawUser, 0, 2, rapid.ID), rapid.SliceOfNDistinct(drawGroup, 0, 2, rapid.ID)
	if !own {
		r.Users, r.Groups = users.Draw(t, "users"), groups.Draw(t, "groups")
	}
	for range rapid.IntRange(1, 2).Draw(t, "statements") {
		st := access.Statement{Roles: rapid.SliceOfN(drawRole, 1, 2).Draw(t, "roles"), Resources: rapid.SliceOfN(drawResource, 1, 3).Draw(t, "resources")}
		if own {
			st.Users, st.Groups = users.Draw(t, "own users"), groups.Draw(t, "own groups")
		}
		if rapid.IntRange(0, 3).Draw(t, "bound") == 0 {
			st.StartsAt = s.clock.Now().Truncate(time.Second).Add(time.Duration(rapid.IntRange(-3, 10).Draw(t, "starts")) * time.Second)
			st.ExpiresAt = st.StartsAt.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "length")) * time.Second)
		}
		r.Statements = append(r.Statements, st)
	}
	return r
}

// step changes one thing by a verb. A verb may refuse; then nothing has changed.
func (s *story) step(ctx context.Context, t *rapid.T) {
	a := actor.ForOperator(s.account)
	var err error
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0, 1:
		r := access.Role{ID: rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2"}).Draw(t, "role"), Name: "r"}
		for range rapid.IntRange(0, 2).Draw(t, "lines") {
			r.Permissions = append(r.Permissions, access.Permission{Action: drawAction.Draw(t, "action"),
				Allow: rapid.IntRange(0, 3).Draw(t, "allow") > 0, Grant: true})
		}
		if _, exists := s.roles[r.ID]; exists {
			_, err = s.verbs.ReplaceRole(ctx, a, r)
		} else {
			_, err = s.verbs.CreateRole(ctx, a, r)
		}
		if err == nil {
			s.roles[r.ID] = r
		}
	case 2:
		id := rapid.SampledFrom([]ident.RoleID{"ro_1", "ro_2"}).Draw(t, "role")
		if err = s.verbs.DeleteRole(ctx, a, id); err == nil {
			delete(s.roles, id)
		}
	case 3, 4:
		g := access.Group{ID: drawGroup.Draw(t, "group"), Name: "g", Users: rapid.SliceOfNDistinct(drawUser, 0, 3, rapid.ID).Draw(t, "members")}
		if _, exists := s.groups[g.ID]; exists {
			_, err = s.verbs.ReplaceGroup(ctx, a, g, time.Time{})
		} else {
			_, err = s.verbs.CreateGroup(ctx, a, g)
		}
		if err == nil {
			s.groups[g.ID] = g
		}
	case 5:
		id := drawGroup.Draw(t, "group")
		if err = s.verbs.DeleteGroup(ctx, a, id); err == nil {
			delete(s.groups, id)
		}
	case 6:
		id := drawRecordID.Draw(t, "record")
		if err = s.verbs.DeleteRecord(ctx, a, id); err == nil {
			delete(s.records, id)
		}
	case 7:
		err = s.other(ctx, t)
	default:
		r := s.drawRecord(t)
		if _, exists := s.records[r.ID]; exists {
			_, err = s.verbs.ReplaceRecord(ctx, a, r, time.Time{})
		} else {
			_, err = s.verbs.CreateRecord(ctx, a, r)
		}
		if err == nil {
			s.records[r.ID] = r
		}
	}
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unprocessable) {
		t.Fatal(err)
	}
}

// other makes a resource public or not, or forgets a user.
func (s *story) other(ctx context.Context, t *rapid.T) error {
	if rapid.Bool().Draw(t, "forget") {
		user := drawUser.Draw(t, "user")
		err := s.db.Write(ctx, tx.In(s.account), func(ctx context.Context, tr tx.Tx) error {
			return s.verbs.ForgetUser(ctx, tr, event.New(actor.ForOperator(s.account), "user.deleted", string(user)))
		})
		s.forget(user)
		return err
	}
	config := access.ResourceConfig{Resource: rapid.SampledFrom([]string{"a", "a/b", "b/*"}).Draw(t, "resource"), Public: rapid.Bool().Draw(t, "public")}
	if config.Public {
		s.public[config.Resource] = true
	} else {
		delete(s.public, config.Resource)
	}
	return s.db.Write(ctx, tx.In(s.account), func(ctx context.Context, tr tx.Tx) error {
		return accessdb.PutResourceVersion(ctx, tr, s.account, config)
	})
}

func (s *story) forget(user ident.UserID) {
	without := func(users []ident.UserID) []ident.UserID {
		return slices.DeleteFunc(slices.Clone(users), func(u ident.UserID) bool { return u == user })
	}
	for id, g := range s.groups {
		g.Users = without(g.Users)
		s.groups[id] = g
	}
	for id, r := range s.records {
		r.Users = without(r.Users)
		var statements []access.Statement
		for _, st := range r.Statements {
			own := len(st.Users)+len(st.Groups) > 0
			st.Users = without(st.Users)
			if !own || len(st.Users)+len(st.Groups) > 0 {
				statements = append(statements, st)
			}
		}
		r.Statements = statements
		s.records[id] = r
	}
}

// TestThePastIsKept changes an account in random steps. Afterwards the answers about every time
// between are those of the oracle on the state that was kept aside, and those about now are the engine's.
func TestThePastIsKept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		accounts := 0
		rapid.Check(t, func(rt *rapid.T) {
			accounts++
			s := &story{rig: r, account: ident.AccountID(fmt.Sprint("acc_", accounts)), roles: map[ident.RoleID]access.Role{},
				groups: map[ident.GroupID]access.Group{}, records: map[ident.RecordID]access.Record{}, public: map[string]bool{}}
			s.pasts = []past{{at: r.clock.Now()}}
			r.clock.Advance(time.Second)
			for range rapid.IntRange(1, 8).Draw(rt, "moments") {
				for range rapid.IntRange(1, 4).Draw(rt, "changes") {
					s.step(t.Context(), rt)
				}
				r.clock.Advance(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "later")) * time.Millisecond)
				s.pasts = append(s.pasts, past{at: r.clock.Now(), world: s.world()})
				r.clock.Advance(time.Millisecond)
			}
			for range 6 {
				p := rapid.SampledFrom(s.pasts).Draw(rt, "past")
				a := accesstest.Ask{User: drawUser.Draw(rt, "who"), Resource: drawResource.Draw(rt, "what"), Action: drawAction.Draw(rt, "how"), At: p.at}
				a.Allowed = p.world.Allowed(a)
				r.askAll(rt, "then", s.account, a, p.at)
				now := a
				now.At = r.clock.Now()
				w := s.world()
				now.Allowed = w.Allowed(now)
				r.askAll(rt, "now", s.account, now, never)
				r.askAll(rt, "now", s.account, now, r.clock.Now())
				if len(s.public) > 0 {
					continue // the engine hears of these by the verbs of their own noun
				}
				live, err := r.engine.Check(s.account, a.User, a.Resource, a.Action)
				if err != nil || live != now.Allowed {
					rt.Errorf("engine: %s = %v, %v", now, live, err)
				}
			}
		})
	})
}

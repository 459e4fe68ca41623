package access

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// This file is about accounts that are too large to be in memory whole. Of such an account the
// engine holds the people who are asked about, and reads others when somebody asks (index/resident.go).

// DefaultMemory is how many grants are kept in memory unless Engine.Keep says otherwise.
const DefaultMemory = 10_000_000

// memory is what the engine needs for accounts that are held by need.
type memory struct {
	*index.Summoner
	budget int
	facts  FactStore
	// administers returns the records and groups that somebody is an admin of, as resources, sorted.
	administers func(ident.AccountID, ident.UserID) ([]string, error)
}

// Keep says how many grants may be in memory. Accounts are held whole while all of them together
// fit; then the largest is held by need. Call it before the Service loads.
func (e *Engine) Keep(grants int) { e.memory.budget = grants }

// room is what is left for people of accounts that are held by need: at least a quarter of all.
func (e *Engine) room(whole int) int { return max(e.memory.budget-whole, e.memory.budget/4) }

// Memory is what the engine has in memory, for metrics.
type Memory struct {
	Grants   int           // of accounts that are held whole
	People   int           // who are held by need
	Cost     int           // of those people, in grants
	Evicted  uint64        // people who had to leave
	Loads    int64         // people who were read
	LoadTime time.Duration // for all of them together
}

// Memory tells what is in memory.
func (e *Engine) Memory() Memory {
	m := Memory{Grants: e.index.Whole()}
	m.Loads, m.LoadTime = e.memory.Loads()
	m.People, m.Cost, m.Evicted = e.index.Residents()
	return m
}

// at returns a snapshot that can answer about the user.
func (e *Engine) at(account ident.AccountID, user ident.UserID) (*index.Snapshot, error) {
	return e.memory.At(account, string(user))
}

// find reads what the user was given, from one state of the database.
func (s *Service) find(account ident.AccountID, user string) (out index.Found, err error) {
	err = s.d.Runner.Read(context.Background(), tx.In(account).Aside(), func(ctx context.Context, t tx.Tx) error {
		out = index.Found{}
		who := index.Principal{User: ident.UserID(user)}
		var err error
		if out.Own, err = s.factsOf(ctx, t, account, who); err != nil {
			return err
		}
		groups, err := s.d.Facts.GroupsOf(ctx, t, account, who.User)
		if err != nil {
			return err
		}
		for _, id := range groups {
			g := index.FoundGroup{ID: id}
			if !s.d.Engine.index.HasGroup(account, id) {
				g.Read = true
				if g.Facts, err = s.factsOf(ctx, t, account, index.Principal{Group: id}); err != nil {
					return err
				}
			}
			out.Groups = append(out.Groups, g)
		}
		return nil
	})
	return out, fault.Wrap("access.find", err)
}

// factsOf reads what records give to one principal itself.
func (s *Service) factsOf(ctx context.Context, t tx.Tx, account ident.AccountID, who index.Principal) (out []index.Fact, err error) {
	err = s.d.Facts.Naming(ctx, t, account, who, func(r *Record) error {
		fact := index.Fact{ID: r.ID}
		for _, b := range r.Blocks() {
			if slices.Contains(b.Principals, who) {
				fact.Grants = append(fact.Grants, b.Grants...)
			}
		}
		out = append(out, fact)
		return nil
	})
	return out, err
}

// touch is the edit for a change in an account that is held by need.
func (s *Service) touch(ctx context.Context, t tx.Tx, account ident.AccountID, c index.Touched) (func(*index.Editor), error) {
	groups := s.d.Engine.index.Touch(account, c)
	facts := make([][]index.Fact, len(groups))
	for i, id := range groups {
		var err error
		if facts[i], err = s.factsOf(ctx, t, account, index.Principal{Group: id}); err != nil {
			return nil, err
		}
	}
	return func(e *index.Editor) {
		e.DropTouched(c)
		for i, id := range groups {
			e.SetFacts(id, facts[i])
		}
	}, nil
}

// shrink holds the largest account by need while there is more in memory than may be.
func (s *Service) shrink() {
	e := s.d.Engine
	whole := e.index.Whole()
	if whole <= e.memory.budget {
		return
	}
	for whole > e.memory.budget && e.index.HoldLargestByNeed() {
		whole = e.index.Whole()
	}
	e.index.Budget(e.room(whole))
}

// eachOfGroup calls yield for every grant that records give to the group.
func (m *mayGive) eachOfGroup(ctx context.Context, t tx.Tx, id ident.GroupID, yield func(role ident.RoleID, r *check.Resource, w check.Window) error) error {
	who := index.Principal{Group: id}
	return m.engine.memory.facts.Naming(ctx, t, m.actor.Account, who, func(r *Record) error {
		for _, b := range r.Blocks() {
			if !slices.Contains(b.Principals, who) {
				continue
			}
			for i := range b.Grants {
				if err := yield(b.Grants[i].Role, &b.Grants[i].Resource, b.Grants[i].Window); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// maxVisited bounds the reading of an account to find where a role is in use.
const maxVisited = 5_000_000

var errTooLarge = fault.New(fault.Unprocessable, fault.CodeInvalidRequest,
	"The account has too many grants to find all that the role gives. Somebody who may give everything can make this change.")

// eachOfRole calls yield for every grant of the role that records give to somebody.
func (m *mayGive) eachOfRole(ctx context.Context, t tx.Tx, id ident.RoleID, yield func(r *check.Resource, w check.Window) error) error {
	visited := 0
	return m.engine.memory.facts.Each(ctx, t, m.actor.Account, func(_ ident.AccountID, r *Record) error {
		for _, b := range r.Blocks() {
			if visited += len(b.Grants); visited > maxVisited {
				return errTooLarge
			}
			for i := range b.Grants {
				g := &b.Grants[i]
				if g.Role != id || len(b.Principals) == 0 {
					continue
				}
				if err := yield(&g.Resource, g.Window); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

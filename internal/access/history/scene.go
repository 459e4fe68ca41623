package history

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// batch is how many records are in memory at once, however many there are.
const batch = 500

// maxKnown is how many groups are remembered for the next batches.
const maxKnown = 10_000

// scene is an account at one moment, as far as it was read. It remembers roles and groups.
type scene struct {
	store    Store
	tx       tx.Tx
	account  ident.AccountID
	at       Moment
	time     time.Time // the moment for windows of grants, and for people
	revision int64
	roles    map[ident.RoleID]*check.Role // nil for one that is not there
	groups   map[ident.GroupID][]string   // members, as far as they are in the index
	known    map[ident.GroupID][]string   // members, as they were read
}

// part is some of the records that bear on a question, and the index of what they give.
type part struct {
	versions []Version
	snap     *index.Snapshot
}

// person reads all records that name the user or a group of theirs, part after part, until fn
// returns false. The first part may be empty. The index of each part knows the user's groups by the user alone.
func (sc *scene) person(ctx context.Context, q *asked, fn func(*part) bool) error {
	groups, err := sc.store.Groups(ctx, sc.tx, sc.account, q.user, sc.at)
	if err != nil {
		return err
	}
	terms := []string{UserTerm(q.user)}
	for _, g := range groups {
		sc.groups[g] = []string{string(q.user)}
		terms = append(terms, GroupTerm(g))
	}
	public, err := sc.public(ctx, &q.resource)
	if err != nil {
		return err
	}
	return sc.each(ctx, terms, func(versions []Version) (bool, error) {
		snap, err := sc.index(ctx, versions, &q.resource, public)
		if err != nil {
			return false, err
		}
		return fn(&part{versions, snap}), nil
	})
}

// each reads the records that name one of the terms, batch by batch in order of their ids, until
// fn returns false. It calls fn at least once.
func (sc *scene) each(ctx context.Context, terms []string, fn func([]Version) (bool, error)) error {
	r := Range{Terms: terms, At: sc.at, Limit: batch}
	for first := true; ; first = false {
		versions, err := sc.store.Records(ctx, sc.tx, sc.account, r)
		if err != nil {
			return err
		}
		if len(versions) == 0 && !first {
			return nil
		}
		if more, err := fn(versions); err != nil || !more || len(versions) < batch {
			return err
		}
		r.After = versions[len(versions)-1].ID
	}
}

// public returns the public resources that could cover the resource.
func (sc *scene) public(ctx context.Context, r *check.Resource) ([]check.Resource, error) {
	texts, err := sc.store.Public(ctx, sc.tx, sc.account, coveringTerms(r), sc.at)
	if err != nil {
		return nil, err
	}
	out := make([]check.Resource, 0, len(texts))
	for _, text := range texts {
		resource, err := check.ParseResource(text)
		if err != nil {
			return nil, fault.Wrap("history.public", err)
		}
		out = append(out, resource)
	}
	return out, nil
}

// index builds what the records give on what covers the resource; the rest of them answers no question
// about it. Groups are those that the scene knows.
func (sc *scene) index(ctx context.Context, versions []Version, r *check.Resource, public []check.Resource) (*index.Snapshot, error) {
	x := access.NewIndex()
	var failed error
	x.Update(sc.account, func(e *index.Editor) {
		for i := range versions {
			record := covering(&versions[i].Record, r)
			for k := range record.Statements {
				for _, id := range record.Statements[k].Roles {
					role, err := sc.role(ctx, id)
					if err != nil {
						failed = err
						return
					}
					if !access.Builtin(id) {
						e.SetRole(id, role)
					}
				}
			}
			e.SetRecord(record.ID, record.Blocks())
		}
		for id, members := range sc.groups {
			e.SetGroup(id, members)
		}
		for _, p := range public {
			e.SetPublic(p, true)
		}
	})
	return x.At(sc.account), failed
}

// covering returns the record with nothing but the resources that cover r.
func covering(record *access.Record, r *check.Resource) access.Record {
	out := *record
	out.Statements = nil
	for _, s := range record.Statements {
		var resources []string
		for _, text := range s.Resources {
			if held, err := check.ParseResource(text); err == nil && held.Covers(r) {
				resources = append(resources, text)
			}
		}
		if len(resources) > 0 {
			s.Resources = resources
			out.Statements = append(out.Statements, s)
		}
	}
	return out
}

// role returns the role as it was at the moment, or nil.
func (sc *scene) role(ctx context.Context, id ident.RoleID) (*check.Role, error) {
	if role, known := sc.roles[id]; known {
		return role, nil
	}
	var role *check.Role
	if access.Builtin(id) {
		role = builtins.Role(string(id))
	} else {
		found, err := sc.store.Role(ctx, sc.tx, sc.account, id, sc.at)
		switch {
		case err == nil:
			role = found.Compiled()
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	sc.roles[id] = role
	return role, nil
}

// builtins is a snapshot of an account without anything of its own.
var builtins = func() *index.Snapshot {
	x := access.NewIndex()
	x.Update("", func(*index.Editor) {})
	return x.At("")
}()

// members returns who was in the group at the moment.
func (sc *scene) members(ctx context.Context, id ident.GroupID) ([]string, error) {
	if users, known := sc.known[id]; known {
		return users, nil
	}
	users, err := sc.store.Members(ctx, sc.tx, sc.account, id, sc.at)
	if err != nil {
		return nil, err
	}
	group := access.Group{ID: id, Users: users}
	if len(sc.known) >= maxKnown {
		clear(sc.known)
	}
	sc.known[id] = group.Members()
	return sc.known[id], nil
}

// principals returns whom the statement of the record gives its grants.
func principals(r *access.Record, s *access.Statement) ([]ident.UserID, []ident.GroupID) {
	if len(s.Users)+len(s.Groups) > 0 {
		return s.Users, s.Groups
	}
	return r.Users, r.Groups
}

package apply

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/transfer"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// existing says what there is in the place of something that an import makes.
type existing int

const (
	newThing     existing = iota // nothing
	sameThing                    // the same
	ownThing                     // something else, from an earlier import with the label
	foreignThing                 // something else, or with admins whom the import does not know
)

// importItem is one thing that an import makes.
type importItem struct {
	name    string
	compare func(ctx context.Context, s *importer) (existing, error)
	write   func(ctx context.Context, s *importer, replace bool) error
	replace bool
}

// importItems are the parts of a plan, in an order in which nothing names what is not there yet.
func importItems(p *transfer.Plan) (out []importItem) {
	for i := range p.Roles {
		out = append(out, roleItem(&p.Roles[i]))
	}
	for i := range p.Groups {
		out = append(out, groupItem(&p.Groups[i], p.Label))
	}
	for i := range p.Records {
		out = append(out, recordItem(&p.Records[i], p.Label))
	}
	for i := range p.Resources {
		out = append(out, resourceItem(&p.Resources[i]))
	}
	return out
}

// judge says what an existing thing is to the import.
func judge(err error, same, own bool) (existing, error) {
	switch {
	case fault.Is(err, fault.NotFound):
		return newThing, nil
	case err != nil:
		return 0, err
	case same:
		return sameThing, nil
	case own:
		return ownThing, nil
	}
	return foreignThing, nil
}

// others tells whether there are admins besides the actor. The tag of an import can be
// forged, and its ids foretold: who is an admin already would be one of what the import brings.
func (s *importer) others(admins []ident.UserID) bool {
	return slices.ContainsFunc(admins, func(u ident.UserID) bool { return u != ident.UserID(s.actor.ID) })
}

func roleItem(r *access.Role) importItem {
	return importItem{
		name: "role " + string(r.ID),
		compare: func(ctx context.Context, s *importer) (existing, error) {
			old, err := s.access.GetRole(ctx, s.actor, r.ID)
			imported := strings.HasPrefix(r.Description, "Imported from ") && old.Description == r.Description
			return judge(err, sameLine(transfer.OfRole(&old), transfer.OfRole(r)), imported)
		},
		write: func(ctx context.Context, s *importer, replace bool) (err error) {
			if replace {
				_, err = s.access.ReplaceRole(ctx, s.actor, *r)
			} else {
				_, err = s.access.CreateRole(ctx, s.actor, *r)
			}
			return err
		},
	}
}

func groupItem(g *access.Group, label string) importItem {
	return importItem{
		name: "group " + string(g.ID),
		compare: func(ctx context.Context, s *importer) (existing, error) {
			old, err := s.access.GetGroup(ctx, s.actor, g.ID)
			others := len(g.Admins) == 0 && s.others(old.Admins)
			if len(g.Admins) == 0 && old.Tags[transfer.Tag] == label {
				old.Admins = nil // the actor
			}
			same := sameLine(transfer.OfGroup(&old), transfer.OfGroup(g))
			return judge(err, same && !others, old.Tags[transfer.Tag] == label && !others)
		},
		write: func(ctx context.Context, s *importer, replace bool) (err error) {
			if replace {
				_, err = s.access.ReplaceGroup(ctx, s.actor, *g, time.Time{})
			} else {
				_, err = s.access.CreateGroup(ctx, s.actor, *g)
			}
			return err
		},
	}
}

func recordItem(r *access.Record, label string) importItem {
	return importItem{
		name: "record " + string(r.ID),
		compare: func(ctx context.Context, s *importer) (existing, error) {
			old, err := s.access.GetRecord(ctx, s.actor, r.ID)
			if err == nil && old.Status == access.Deleted {
				return newThing, nil
			}
			others := len(r.Admins) == 0 && s.others(old.Admins)
			if len(r.Admins) == 0 {
				old.Admins = nil // the actor
			}
			same := sameLine(transfer.OfRecord(&old), transfer.OfRecord(r))
			return judge(err, same && !others, old.Tags[transfer.Tag] == label && !others)
		},
		write: func(ctx context.Context, s *importer, replace bool) (err error) {
			if !replace {
				_, err = s.access.CreateRecord(ctx, s.actor, *r)
				return err
			}
			if len(r.Admins) > 0 {
				_, err = s.access.ReplaceRecord(ctx, s.actor, *r, time.Time{})
				return err
			}
			old, err := s.access.GetRecord(ctx, s.actor, r.ID)
			if err == nil && s.others(old.Admins) { // who would stay
				if err = s.access.DeleteRecord(ctx, s.actor, r.ID); err == nil {
					_, err = s.access.CreateRecord(ctx, s.actor, *r)
				}
			} else if err == nil {
				_, err = s.access.ReplaceRecord(ctx, s.actor, *r, time.Time{})
			}
			return err
		},
	}
}

func resourceItem(c *claim.Config) importItem {
	return importItem{
		name: "resource " + c.Resource,
		compare: func(ctx context.Context, s *importer) (existing, error) {
			old, err := s.claims.Get(ctx, s.actor, c.Resource)
			return judge(err, sameLine(transfer.OfResource(&old), transfer.OfResource(c)), false)
		},
		write: func(ctx context.Context, s *importer, _ bool) error {
			_, err := s.claims.Configure(ctx, s.actor, *c)
			return err
		},
	}
}

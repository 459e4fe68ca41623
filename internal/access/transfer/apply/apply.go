package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/transfer"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the Service works with.
type Deps struct {
	Runner tx.Runner
	Access *access.Service
	Claims *claim.Service
}

// Service writes plans and exports, as the actor may.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d: d} }

// Options say how to write a plan.
type Options struct {
	DryRun   bool
	Replace  bool // also what was not made by an import with the same label, or has admins of its own
	Prune    bool // take records out of force that an earlier import with the label made and this one does not
	Progress func(done, total int)
}

// Result counts what was written, or would be.
type Result struct {
	Created, Replaced, Same, Stale int
}

// batchSize is how many things one unit of work writes.
const batchSize = 50

// Import writes what a plan says into the account of the actor. What is there already in the same form stays as it
// is, so an import that was interrupted is gone on with by starting it again.
func (s *Service) Import(ctx context.Context, a actor.Actor, p *transfer.Plan, o Options) (out Result, err error) {
	if err := s.needs(ctx, a, p); err != nil {
		return out, err
	}
	var write []importItem
	var foreign []string
	all := importItems(p)
	for at := 0; at < len(all); at += batchSize {
		part := all[at:min(at+batchSize, len(all))]
		err := s.inBatch(ctx, a, s.d.Runner.Read, func(ctx context.Context, in *importer) error {
			for _, i := range part {
				state, err := i.compare(ctx, in)
				switch {
				case err != nil:
					return err
				case state == sameThing:
					out.Same++
					continue
				case state == newThing:
					out.Created++
				default:
					if out.Replaced++; state == foreignThing {
						foreign = append(foreign, i.name)
					}
					i.replace = true
				}
				write = append(write, i)
			}
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	if len(foreign) > 0 && !o.Replace {
		return out, fmt.Errorf("%d thing(s) are there already, and were not made by an import with the label %q or have admins of their own: %s; --replace replaces them, admins too",
			len(foreign), p.Label, strings.Join(foreign[:min(5, len(foreign))], ", "))
	}
	stale, err := s.stale(ctx, a, p)
	if err != nil {
		return out, err
	}
	out.Stale = len(stale)
	if o.DryRun {
		return out, nil
	}
	if o.Prune {
		for _, id := range stale {
			write = append(write, importItem{name: "record " + string(id), write: func(ctx context.Context, in *importer, _ bool) error {
				return in.access.DeleteRecord(ctx, in.actor, id)
			}})
		}
	}
	return out, s.writeItems(ctx, a, write, o.Progress)
}

func (s *Service) writeItems(ctx context.Context, a actor.Actor, items []importItem, progress func(done, total int)) error {
	for at := 0; at < len(items); at += batchSize {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %d of %d; the same command goes on from there: %w", at, len(items), err)
		}
		part := items[at:min(at+batchSize, len(items))]
		err := s.inBatch(ctx, a, s.d.Runner.Write, func(ctx context.Context, in *importer) error {
			for _, i := range part {
				if err := i.write(ctx, in, i.replace); err != nil {
					return fmt.Errorf("%s: %s", i.name, plain(err))
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("after %d of %d: %w", at, len(items), err)
		}
		if progress != nil {
			progress(at+len(part), len(items))
		}
	}
	return nil
}

// needs refuses a plan that names roles or groups that nobody made.
func (s *Service) needs(ctx context.Context, a actor.Actor, p *transfer.Plan) error {
	var missing []string
	look := func(what, id string, err error) error {
		if fault.Is(err, fault.NotFound) {
			missing = append(missing, what+" "+id)
			return nil
		}
		return err
	}
	for _, id := range p.Needs() {
		_, err := s.d.Access.GetRole(ctx, a, id)
		if err := look("role", string(id), err); err != nil {
			return err
		}
	}
	for _, id := range p.NeedsGroups() {
		_, err := s.d.Access.GetGroup(ctx, a, id)
		if err := look("group", string(id), err); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the file names what is not there; create it first: %s", strings.Join(missing, ", "))
	}
	return nil
}

// stale finds records of earlier imports with the label that the plan does not make.
func (s *Service) stale(ctx context.Context, a actor.Actor, p *transfer.Plan) (out []ident.RecordID, err error) {
	made := map[ident.RecordID]bool{}
	for i := range p.Records {
		made[p.Records[i].ID] = true
	}
	err = s.eachRecord(ctx, a, func(r *access.Record) error {
		if r.Tags[transfer.Tag] == p.Label && !made[r.ID] {
			out = append(out, r.ID)
		}
		return nil
	})
	return out, err
}

const exportPage = 500

func (s *Service) eachRecord(ctx context.Context, a actor.Actor, fn func(*access.Record) error) error {
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := s.d.Access.ListRecords(ctx, a, access.Active, q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := fn(&page[i]); err != nil {
				return err
			}
			q.After = string(page[i].ID)
		}
		more = next
	}
	return nil
}

// Export writes the permissions of the account of the actor as JSON lines: roles, groups, records in force, resource
// configurations.
func (s *Service) Export(ctx context.Context, a actor.Actor, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(transfer.Header()); err != nil {
		return err
	}
	there := transfer.Standing{Roles: map[ident.RoleID]bool{}, Groups: map[ident.GroupID]bool{}}
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := s.d.Access.ListRoles(ctx, a, q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := enc.Encode(transfer.OfRole(&page[i])); err != nil {
				return err
			}
			there.Roles[page[i].ID] = true
			q.After = string(page[i].ID)
		}
		more = next
	}
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := s.d.Access.ListGroups(ctx, a, q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := enc.Encode(transfer.OfGroup(&page[i])); err != nil {
				return err
			}
			there.Groups[page[i].ID] = true
			q.After = string(page[i].ID)
		}
		more = next
	}
	err := s.eachRecord(ctx, a, func(r *access.Record) error {
		kept, some := there.Of(*r)
		if !some {
			return nil
		}
		return enc.Encode(transfer.OfRecord(&kept))
	})
	if err != nil {
		return err
	}
	for after, more := "", true; more; {
		page, next, err := s.d.Claims.List(ctx, a, after, exportPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := enc.Encode(transfer.OfResource(&page[i])); err != nil {
				return err
			}
			after = page[i].Resource
		}
		more = next
	}
	return nil
}

// importer is what one unit of work of an import writes with.
type importer struct {
	access *access.Service
	claims *claim.Service
	actor  actor.Actor
}

type unit = func(context.Context, tx.Scope, func(context.Context, tx.Tx) error) error

func (s *Service) inBatch(ctx context.Context, a actor.Actor, run unit, fn func(context.Context, *importer) error) error {
	return run(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		return fn(ctx, &importer{access: s.d.Access.Inside(t), claims: s.d.Claims.Inside(t), actor: a})
	})
}

// sameLine tells whether two things are written alike in an export.
func sameLine(x, y transfer.Line) bool {
	a, errA := json.Marshal(x)
	b, errB := json.Marshal(y)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// plain is the sentence for people of an error.
func plain(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable {
		return f.Public
	}
	return err.Error()
}

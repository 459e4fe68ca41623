package app

import (
	"bytes"
	"context"
	"encoding/json"
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

// What the command line knows of imports.
type (
	ImportPlan   = transfer.Plan
	ImportSource = transfer.Source
)

// ReadImport reads the files of another system, in the order that the command line names them. It needs no
// deployment.
func ReadImport(kind, label string, leaves bool, files ...ImportSource) (ImportPlan, error) {
	if err := transfer.ValidLabel(label); err != nil {
		return ImportPlan{}, err
	}
	switch kind {
	case "openfga":
		return transfer.OpenFGA(label, files[0], files[1])
	case "casbin":
		return transfer.Casbin(label, files[0], files[1], leaves)
	case "csv":
		return transfer.CSV(label, files[0])
	}
	return transfer.Admit(label, files[0])
}

// ImportOptions say how to write a plan.
type ImportOptions struct {
	DryRun   bool
	Replace  bool // also what was not made by an import with the same label
	Prune    bool // take records out of force that an earlier import with the label made and this one does not
	Progress func(done, total int)
}

// ImportResult counts what was written, or would be.
type ImportResult struct {
	Created, Replaced, Same, Stale int
}

// batchSize is how many things one unit of work writes.
const batchSize = 50

// Import writes what a plan says into the chosen account. What is there already in the same form stays as it
// is, so an import that was interrupted is gone on with by starting it again.
func (a *App) Import(ctx context.Context, p *ImportPlan, o ImportOptions) (out ImportResult, err error) {
	if err := a.importNeeds(ctx, p); err != nil {
		return out, err
	}
	var write []importItem
	var foreign []string
	all := importItems(p)
	for at := 0; at < len(all); at += batchSize {
		part := all[at:min(at+batchSize, len(all))]
		err := a.inBatch(ctx, a.db.Read, func(ctx context.Context, s *importer) error {
			for _, i := range part {
				state, err := i.compare(ctx, s)
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
		return out, fmt.Errorf("%d thing(s) are there already, say something else, and were not made by an import with the label %q: %s; --replace replaces them",
			len(foreign), p.Label, strings.Join(foreign[:min(5, len(foreign))], ", "))
	}
	stale, err := a.stale(ctx, p)
	if err != nil {
		return out, err
	}
	out.Stale = len(stale)
	if o.DryRun {
		return out, nil
	}
	if o.Prune {
		for _, id := range stale {
			write = append(write, importItem{name: "record " + string(id), write: func(ctx context.Context, s *importer, _ bool) error {
				return s.access.DeleteRecord(ctx, s.actor, id)
			}})
		}
	}
	return out, a.writeItems(ctx, write, o.Progress)
}

func (a *App) writeItems(ctx context.Context, items []importItem, progress func(done, total int)) error {
	for at := 0; at < len(items); at += batchSize {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %d of %d; the same command goes on from there: %w", at, len(items), err)
		}
		part := items[at:min(at+batchSize, len(items))]
		err := a.inBatch(ctx, a.db.Write, func(ctx context.Context, s *importer) error {
			for _, i := range part {
				if err := i.write(ctx, s, i.replace); err != nil {
					return fmt.Errorf("%s: %s", i.name, Explain(err))
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

// importNeeds refuses a plan that names roles or groups that nobody made.
func (a *App) importNeeds(ctx context.Context, p *ImportPlan) error {
	var missing []string
	look := func(what, id string, err error) error {
		if fault.Is(err, fault.NotFound) {
			missing = append(missing, what+" "+id)
			return nil
		}
		return err
	}
	for _, id := range p.Needs() {
		_, err := a.f.access.GetRole(ctx, a.operator(), id)
		if err := look("role", string(id), err); err != nil {
			return err
		}
	}
	for _, id := range p.NeedsGroups() {
		_, err := a.f.access.GetGroup(ctx, a.operator(), id)
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
func (a *App) stale(ctx context.Context, p *ImportPlan) (out []ident.RecordID, err error) {
	made := map[ident.RecordID]bool{}
	for i := range p.Records {
		made[p.Records[i].ID] = true
	}
	err = a.eachRecord(ctx, func(r *access.Record) error {
		if r.Tags[transfer.Tag] == p.Label && !made[r.ID] {
			out = append(out, r.ID)
		}
		return nil
	})
	return out, err
}

const exportPage = 500

func (a *App) eachRecord(ctx context.Context, fn func(*access.Record) error) error {
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := a.f.access.ListRecords(ctx, a.operator(), access.Active, q)
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

// Export writes the permissions of the chosen account as JSON lines: roles, groups, records in force, resource
// configurations.
func (a *App) Export(ctx context.Context, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(transfer.Header()); err != nil {
		return err
	}
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := a.f.access.ListRoles(ctx, a.operator(), q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := enc.Encode(transfer.OfRole(&page[i])); err != nil {
				return err
			}
			q.After = string(page[i].ID)
		}
		more = next
	}
	for q, more := (access.Page{Limit: exportPage}), true; more; {
		page, next, err := a.f.access.ListGroups(ctx, a.operator(), q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := enc.Encode(transfer.OfGroup(&page[i])); err != nil {
				return err
			}
			q.After = string(page[i].ID)
		}
		more = next
	}
	if err := a.eachRecord(ctx, func(r *access.Record) error { return enc.Encode(transfer.OfRecord(r)) }); err != nil {
		return err
	}
	for after, more := "", true; more; {
		page, next, err := a.f.claims.List(ctx, a.operator(), after, exportPage)
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

func (a *App) inBatch(ctx context.Context, run func(context.Context, tx.Scope, func(context.Context, tx.Tx) error) error, fn func(context.Context, *importer) error) error {
	return run(ctx, tx.In(a.chosen), func(ctx context.Context, t tx.Tx) error {
		return fn(ctx, &importer{access: a.f.access.Inside(t), claims: a.f.claims.Inside(t), actor: a.operator()})
	})
}

// sameLine tells whether two things are written alike in an export.
func sameLine(x, y transfer.Line) bool {
	a, errA := json.Marshal(x)
	b, errB := json.Marshal(y)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

package follow

import (
	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// filter leaves out what cannot bear on a question about one resource or about what is below it.
// The zero value leaves out nothing.
type filter struct {
	on       bool
	resource check.Resource
	named    map[name]bool // by records in the filter at some moment; changes of these are handed out
	sent     map[name]bool // handed out by this stream
}

// name is a role or a group.
type name struct{ kind, id string }

func newFilter(prefix string) (filter, error) {
	if prefix == "" {
		return filter{}, nil
	}
	r, err := check.ParseResource(prefix)
	if err != nil {
		return filter{}, err
	}
	return filter{on: true, resource: r, named: map[name]bool{}, sent: map[name]bool{}}, nil
}

// bears tells whether a grant on the resource could matter.
func (f *filter) bears(resource string) bool {
	if !f.on {
		return true
	}
	r, err := check.ParseResource(resource)
	return err == nil && r.Overlaps(&f.resource)
}

func (f *filter) bearsRecord(r *access.Record) bool {
	if !f.on {
		return true
	}
	for i := range r.Statements {
		for _, text := range r.Statements[i].Resources {
			if f.bears(text) {
				return true
			}
		}
	}
	return false
}

// names calls yield for every role and group of the statements that bear on the filter.
func (f *filter) names(r *access.Record, yield func(name)) {
	common := false
	for i := range r.Statements {
		s := &r.Statements[i]
		bears := false
		for _, text := range s.Resources {
			bears = bears || f.bears(text)
		}
		if !bears {
			continue
		}
		for _, id := range s.Roles {
			yield(name{access.ChangeRole, string(id)})
		}
		yieldGroups(s.Groups, yield)
		common = common || len(s.Users)+len(s.Groups) == 0
	}
	if common {
		yieldGroups(r.Groups, yield)
	}
}

func yieldGroups(ids []ident.GroupID, yield func(name)) {
	for _, id := range ids {
		yield(name{access.ChangeGroup, string(id)})
	}
}

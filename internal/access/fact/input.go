package fact

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Searchable is every text of the record in lower case, for filters.
func (r *Record) Searchable() string {
	parts := []string{string(r.ID), r.Name, r.Description}
	for _, u := range slices.Concat(r.Users, r.Admins) {
		parts = append(parts, string(u))
	}
	for _, g := range r.Groups {
		parts = append(parts, string(g))
	}
	for i := range r.Statements {
		s := &r.Statements[i]
		parts = append(parts, s.Resources...)
		for _, role := range s.Roles {
			parts = append(parts, string(role))
		}
		for _, u := range s.Users {
			parts = append(parts, string(u))
		}
		for _, g := range s.Groups {
			parts = append(parts, string(g))
		}
	}
	return searchable(parts, r.Tags)
}

func searchable(parts []string, tags map[string]string) string {
	for k, v := range tags {
		parts = append(parts, k, v)
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}

// Matches tells whether a filter, in lower case, is part of any text of the record.
func (r *Record) Matches(filter string) bool {
	return filter == "" || strings.Contains(r.Searchable(), filter)
}

// Prepare validates and tidies what a caller sent.
func Prepare(r *Record) error {
	r.Status = Active
	r.Users, r.Groups, r.Admins = form.Unique(r.Users), form.Unique(r.Groups), form.Unique(r.Admins)
	if err := r.Validate(); err != nil {
		return err
	}
	r.Statements = slices.Clone(r.Statements) // the caller's stay as they are
	for i := range r.Statements {
		r.Statements[i].inSeconds()
	}
	r.Capacity = Share(r)
	if r.Capacity > 1 {
		return fault.New(fault.TooLarge, fault.CodeTooLarge, "An access record has at most 100 KiB. Spread it over several.")
	}
	return nil
}

// Share is the share of the permitted size that the record uses, in hundredths.
func Share(r *Record) float64 {
	content := *r
	content.Capacity, content.CreatedAt, content.LastUpdated = 0, time.Time{}, time.Time{}
	b, _ := json.Marshal(content) // texts, lists and times cannot fail
	return math.Ceil(float64(len(b))/MaxRecordBytes*100) / 100
}

// Statements are statements as somebody said them, ready to be compared with others.
type Statements struct {
	list []Statement
	mark form.Marker
	// For those that say nothing of their bounds: what each gives to whom, and which of them name what.
	gifts     []string
	roles     map[ident.RoleID]numbers
	resources map[string]numbers
}

// numbers is a set of numbers of statements.
type numbers [(maxStatements + 63) / 64]uint64

func (n *numbers) add(i int) { n[i/64%len(n)] |= 1 << (i % 64) }

func (n *numbers) addAll(more numbers) {
	for i := range n {
		n[i] |= more[i]
	}
}

// Said returns the statements of the record for KeepBounds. It is most of the work, and needs no
// unit of work.
func Said(r *Record) Statements {
	out := Statements{list: r.Statements}
	if !slices.Contains(r.Unsaid, true) {
		return out
	}
	out.mark = form.NewMarker()
	out.gifts = gifts(&out.mark, r.Statements)
	out.roles, out.resources = map[ident.RoleID]numbers{}, map[string]numbers{}
	for i := range r.Statements {
		if i < len(r.Unsaid) && r.Unsaid[i] {
			addTo(out.roles, r.Statements[i].Roles, i)
			addTo(out.resources, r.Statements[i].Resources, i)
		}
	}
	return out
}

func addTo[E comparable](to map[E]numbers, list []E, i int) {
	for _, e := range list {
		n := to[e]
		n.add(i)
		to[e] = n
	}
}

// KeepBounds gives statements that say nothing of their bounds in time those that the same statement
// has: SDKs drop members that they do not know, and nothing must become lasting by that.
// It refuses such a statement if it was changed: nobody can tell which bounds it should have.
func (r *Record) KeepBounds(said Statements, old *Record) error {
	r.Statements = slices.Clone(said.list)
	if said.gifts == nil || !slices.ContainsFunc(old.Statements, func(s Statement) bool { return s.bound() }) {
		return nil
	}
	from := form.Pair(gifts(&said.mark, old.Statements), said.gifts)
	var changed numbers
	for k := range old.Statements {
		if was := &old.Statements[k]; was.bound() && !slices.Contains(from, k) {
			changed.addAll(said.sharing(was))
		}
	}
	for i := range said.list {
		if i >= len(r.Unsaid) || !r.Unsaid[i] {
			continue
		}
		if k := from[i]; k >= 0 {
			r.Statements[i].StartsAt, r.Statements[i].ExpiresAt = old.Statements[k].StartsAt, old.Statements[k].ExpiresAt
		} else if changed[i/64%len(changed)]&(1<<(i%64)) != 0 {
			return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest,
				"Statement %d changes one that is bound in time. Send its startsAt and expiresAt; null takes a bound away.", i)
		}
	}
	return nil
}

// sharing are those statements that share a role and a resource with the given one.
func (t *Statements) sharing(s *Statement) (out numbers) {
	var roles, resources numbers
	for _, role := range s.Roles {
		roles.addAll(t.roles[role])
	}
	if roles == (numbers{}) {
		return out
	}
	for _, resource := range s.Resources {
		resources.addAll(t.resources[resource])
	}
	for i := range out {
		out[i] = roles[i] & resources[i]
	}
	return out
}

func (s *Statement) bound() bool { return !s.StartsAt.IsZero() || !s.ExpiresAt.IsZero() }

// gifts are marks that are alike for statements that give the same to the same, whenever that is.
func gifts(m *form.Marker, list []Statement) []string {
	out := make([]string, len(list))
	var mark []byte
	for i := range list {
		s := &list[i]
		mark = form.AppendSet(m, form.AppendSet(m, mark[:0], s.Roles), s.Resources)
		mark = form.AppendSet(m, form.AppendSet(m, mark, s.Users), s.Groups)
		out[i] = string(mark)
	}
	return out
}

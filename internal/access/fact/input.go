package fact

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/fault"
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

// KeepBounds gives statements that say nothing of their bounds in time those that the same statement
// has: SDKs drop members that they do not know, and nothing must become lasting by that.
// It refuses such a statement if it was changed: nobody can tell which bounds it should have.
func (r *Record) KeepBounds(said []Statement, old *Record) error {
	r.Statements = slices.Clone(said)
	if !slices.Contains(r.Unsaid, true) {
		return nil
	}
	from := form.Pair(old.Statements, said, sameGift)
	for i := range said {
		if i >= len(r.Unsaid) || !r.Unsaid[i] {
			continue
		}
		if k := from[i]; k >= 0 {
			r.Statements[i].StartsAt, r.Statements[i].ExpiresAt = old.Statements[k].StartsAt, old.Statements[k].ExpiresAt
			continue
		}
		for k := range old.Statements {
			if was := &old.Statements[k]; was.bound() && !slices.Contains(from, k) &&
				form.Overlap(was.Roles, said[i].Roles) && form.Overlap(was.Resources, said[i].Resources) {
				return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest,
					"Statement %d changes one that is bound in time. Send its startsAt and expiresAt; null takes a bound away.", i)
			}
		}
	}
	return nil
}

func (s *Statement) bound() bool { return !s.StartsAt.IsZero() || !s.ExpiresAt.IsZero() }

// sameGift tells whether two statements give the same to the same, whenever that is.
func sameGift(a, b *Statement) bool {
	return form.SameSet(a.Roles, b.Roles) && form.SameSet(a.Resources, b.Resources) &&
		form.SameSet(a.Users, b.Users) && form.SameSet(a.Groups, b.Groups)
}

package access

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

func (r *Record) matches(filter string) bool {
	return filter == "" || strings.Contains(r.Searchable(), filter)
}

// prepare validates and tidies what a caller sent.
func prepare(r *Record) error {
	r.Status = Active
	r.Users, r.Groups, r.Admins = form.Unique(r.Users), form.Unique(r.Groups), form.Unique(r.Admins)
	if err := r.Validate(); err != nil {
		return err
	}
	r.Statements = slices.Clone(r.Statements) // the caller's stay as they are
	for i := range r.Statements {
		r.Statements[i].inSeconds()
	}
	r.Capacity = capacity(r)
	if r.Capacity > 1 {
		return fault.New(fault.TooLarge, fault.CodeTooLarge, "An access record has at most 100 KiB. Spread it over several.")
	}
	return nil
}

// capacity is the share of the permitted size that the record uses, in hundredths.
func capacity(r *Record) float64 {
	content := *r
	content.Capacity, content.CreatedAt, content.LastUpdated = 0, time.Time{}, time.Time{}
	b, err := json.Marshal(content)
	if err != nil {
		return 1
	}
	return math.Ceil(float64(len(b))/MaxRecordBytes*100) / 100
}

package access_test

import (
	"fmt"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/ident"
)

// lister is an engine in which ann holds so many resources herself and so many through a group, a
// hundred a record.
func lister(own, inherited int) *access.Engine {
	w := &accesstest.World{Groups: []access.Group{{ID: "grp_1", Users: []ident.UserID{"ann"}}}}
	add := func(name string, n int, rec access.Record) {
		for i := 0; i < n; i += 100 {
			rec.ID = ident.RecordID(fmt.Sprintf("rec_%s_%d", name, i))
			st := access.Statement{Roles: []ident.RoleID{access.ReadResource}}
			for k := range min(100, n-i) {
				st.Resources = append(st.Resources, fmt.Sprintf("accounts/%s%07d", name, (i+k)*7919%n))
			}
			rec.Statements = []access.Statement{st}
			w.Records = append(w.Records, rec)
		}
	}
	add("o", own, access.Record{Users: []ident.UserID{"ann"}})
	add("g", inherited, access.Record{Groups: []ident.GroupID{"grp_1"}})
	return engineOf(w)
}

// BenchmarkResources makes one page.
func BenchmarkResources(b *testing.B) {
	for _, size := range []struct{ own, inherited, limit int }{{10, 10, 1000}, {1000, 1000, 1000}, {100_000, 0, 20}, {100_000, 0, 1000}, {50_000, 50_000, 1000}} {
		b.Run(fmt.Sprintf("%d+%d/%d", size.own, size.inherited, size.limit), func(b *testing.B) {
			e := lister(size.own, size.inherited)
			l := access.Listing{Collection: "accounts", Action: "READ", Limit: size.limit}
			b.ReportAllocs()
			for b.Loop() {
				page, more, err := e.Resources(account, "ann", l)
				if err != nil || len(page) != min(size.limit, size.own+size.inherited) {
					b.Fatal(len(page), more, err)
				}
				if l.After = ""; more {
					l.After = page[len(page)-1]
				}
			}
		})
	}
}

// BenchmarkResourcesAfterWrite makes one page after a change of one of ann's grants.
func BenchmarkResourcesAfterWrite(b *testing.B) {
	for _, own := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(own), func(b *testing.B) {
			e := lister(own, 0)
			i := 0
			for b.Loop() {
				i++
				e.PutRecord(account, access.Record{ID: "rec_new", Users: []ident.UserID{"ann"},
					Statements: []access.Statement{{Roles: []ident.RoleID{access.ReadResource}, Resources: []string{fmt.Sprintf("accounts/n%d", i)}}}})
				if page, _, err := e.Resources(account, "ann", access.Listing{Collection: "accounts", Action: "READ", Limit: 20}); err != nil || len(page) != 20 {
					b.Fatal(len(page), err)
				}
			}
		})
	}
}

// BenchmarkCheckMany answers a batch of 1,000 among 100,000 grants of 10,000 people.
func BenchmarkCheckMany(b *testing.B) {
	const people = 10_000
	e := engineOf(nil)
	for i := range people {
		rec := access.Record{ID: ident.RecordID(fmt.Sprint("rec_", i)), Users: []ident.UserID{ident.UserID(fmt.Sprint("user_", i))}}
		st := access.Statement{Roles: []ident.RoleID{access.ReadResource}}
		for k := range 10 {
			st.Resources = append(st.Resources, fmt.Sprintf("accounts/a%d/projects/p%d", i%100, (i+k)%20))
		}
		rec.Statements = []access.Statement{st}
		e.PutRecord(account, rec)
	}
	questions := make([]access.Question, 1000)
	for i := range questions {
		u := i * 7919 % people
		questions[i] = access.Question{User: ident.UserID(fmt.Sprint("user_", u)), Action: "read",
			Resource: fmt.Sprintf("accounts/a%d/projects/p%d/docs/d%d", u%100, i%30, i%50)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := e.CheckMany(account, questions); got[0].Err != nil {
			b.Fatal(got[0].Err)
		}
	}
}

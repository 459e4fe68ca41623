package fact_test

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/kit/ident"
)

var until = time.Unix(1_900_000_000, 0).UTC()

// TestKeepBounds holds KeepBounds against the same said statement by statement.
func TestKeepBounds(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	texts := func(names ...string) []string {
		out := make([]string, 1+rnd.Intn(2))
		for i := range out {
			out[i] = names[rnd.Intn(len(names))]
		}
		return out
	}
	statement := func() (s fact.Statement) {
		for _, role := range texts("r1", "r2") {
			s.Roles = append(s.Roles, ident.RoleID(role))
		}
		s.Resources = texts("a", "b", "ab")
		switch rnd.Intn(4) {
		case 0:
			s.Users = []ident.UserID{"a"}
		case 1:
			s.Groups = []ident.GroupID{"a"}
		}
		return s
	}
	kept, refused := 0, 0
	for range 5000 {
		old, now := fact.Record{}, fact.Record{}
		for range 1 + rnd.Intn(4) {
			s := statement()
			if rnd.Intn(2) == 0 {
				s.ExpiresAt = until.Add(time.Duration(rnd.Intn(3)) * time.Hour)
			}
			old.Statements = append(old.Statements, s)
		}
		for range 1 + rnd.Intn(4) {
			s := statement()
			if rnd.Intn(2) == 0 {
				s = old.Statements[rnd.Intn(len(old.Statements))]
				s.ExpiresAt, s.Resources = time.Time{}, slices.Clone(s.Resources)
				slices.Reverse(s.Resources)
			}
			now.Statements, now.Unsaid = append(now.Statements, s), append(now.Unsaid, rnd.Intn(4) > 0)
		}
		said := slices.Clone(now.Statements)
		want, ok := plainly(said, now.Unsaid, old.Statements)
		err := now.KeepBounds(fact.Said(&now), &old)
		if (err == nil) != ok {
			t.Fatalf("%+v\nafter %+v: %v", said, old.Statements, err)
		}
		for i := range want {
			if ok && !want[i].Equal(now.Statements[i].ExpiresAt) {
				t.Fatalf("statement %d of %+v after %+v: %v, want %v", i, said, old.Statements, now.Statements[i].ExpiresAt, want[i])
			}
			if ok && !want[i].IsZero() {
				kept++
			}
		}
		if !ok {
			refused++
		}
	}
	if kept < 500 || refused < 500 {
		t.Errorf("%d kept, %d refused: the test tests little", kept, refused)
	}
}

// plainly is KeepBounds, slowly.
func plainly(said []fact.Statement, unsaid []bool, old []fact.Statement) (ends []time.Time, ok bool) {
	set := func(s fact.Statement) [4]string {
		return [4]string{unique(s.Roles), unique(s.Resources), unique(s.Users), unique(s.Groups)}
	}
	taken, from := make([]bool, len(old)), make([]int, len(said))
	for i := range said {
		from[i] = -1
		for k := range old {
			if from[i] < 0 && !taken[k] && set(said[i]) == set(old[k]) {
				from[i], taken[k] = k, true
			}
		}
	}
	ends = make([]time.Time, len(said))
	for i, s := range said {
		ends[i] = s.ExpiresAt
		if unsaid[i] && from[i] >= 0 {
			ends[i] = old[from[i]].ExpiresAt
		}
		for k, was := range old {
			if unsaid[i] && from[i] < 0 && !taken[k] && !was.ExpiresAt.IsZero() &&
				slices.ContainsFunc(s.Roles, func(r ident.RoleID) bool { return slices.Contains(was.Roles, r) }) &&
				slices.ContainsFunc(s.Resources, func(r string) bool { return slices.Contains(was.Resources, r) }) {
				return nil, false
			}
		}
	}
	return ends, true
}

func unique[S ~[]E, E ~string](s S) string {
	s = slices.Clone(s)
	slices.Sort(s)
	return fmt.Sprintf("%q", slices.Compact(s))
}

// BenchmarkKeepBounds is the most that a record can hold: 100 statements of 100 resources.
func BenchmarkKeepBounds(b *testing.B) {
	fill := func(role string, shift int) (r fact.Record) {
		for i := range 100 {
			s := fact.Statement{Roles: []ident.RoleID{ident.RoleID(role)}, ExpiresAt: until}
			for k := range 100 {
				s.Resources = append(s.Resources, fmt.Sprintf("%d/%d", i, (k*37+shift)%100))
			}
			r.Statements, r.Unsaid = append(r.Statements, s), append(r.Unsaid, true)
		}
		return r
	}
	for name, now := range map[string]fact.Record{"same": fill("r", 13), "other resources": fill("s", 13)} {
		old := fill("r", 0)
		slices.Reverse(old.Statements)
		if name == "other resources" { // and a role in common, so that resources have to be looked at
			for i := range old.Statements {
				old.Statements[i].Roles = []ident.RoleID{"r", "s"}
			}
			for i := range now.Statements {
				for k := range now.Statements[i].Resources {
					now.Statements[i].Resources[k] = fmt.Sprintf("x%d/%d", i, k)
				}
			}
		}
		said := fact.Said(&now)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				next := now
				if err := next.KeepBounds(said, &old); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

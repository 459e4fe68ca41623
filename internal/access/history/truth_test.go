package history_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// TestTruth asks every case of the truth about now, and once more, when all is over, about then.
func TestTruth(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		asked := 0
		for i, s := range accesstest.Truth(t) {
			account := ident.AccountID(fmt.Sprint("acc_", i))
			asks := slices.Clone(s.Asks)
			slices.SortStableFunc(asks, func(a, b accesstest.Ask) int { return a.At.Compare(b.At) })
			// The scenarios are written for one now; here each has its own, later than those before it.
			shift := r.clock.Now().Add(time.Hour).Sub(asks[0].At)
			w := shifted(s.World, shift)
			r.put(t, account, &w)
			r.clock.Advance(time.Second)
			for _, a := range asks {
				asked++
				a.At = a.At.Add(shift)
				r.clock.Advance(a.At.Sub(r.clock.Now()))
				r.askAll(t, s.Name, account, a, never)
			}
			r.clock.Advance(time.Hour)
			for _, a := range asks {
				a.At = a.At.Add(shift)
				r.askAll(t, s.Name, account, a, a.At)
			}
		}
		if asked < 330 {
			t.Errorf("only %d cases", asked)
		}
	})
}

func shifted(w accesstest.World, by time.Duration) accesstest.World {
	w.Records = slices.Clone(w.Records)
	for i := range w.Records {
		statements := slices.Clone(w.Records[i].Statements)
		for k := range statements {
			for _, at := range []*time.Time{&statements[k].StartsAt, &statements[k].ExpiresAt} {
				if !at.IsZero() {
					*at = at.Add(by)
				}
			}
		}
		w.Records[i].Statements = statements
	}
	return w
}

// failer is a test, or one draw of a property.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// askAll asks one question in every way.
func (r *rig) askAll(t failer, name string, account ident.AccountID, a accesstest.Ask, at time.Time) {
	t.Helper()
	who := actor.ForOperator(account)
	q := history.Question{User: a.User, Resource: a.Resource, Action: a.Action}
	got, err := r.Check(context.Background(), who, q, at)
	if err != nil || got != a.Allowed {
		t.Errorf("%s: check %s = %v, %v", name, a, got, err)
	}
	why, err := r.Explain(context.Background(), who, q, at)
	if err != nil || why.Allowed != a.Allowed || (len(why.Because) > 0) != a.Allowed || (len(why.Nearest) > 0) == a.Allowed {
		t.Errorf("%s: explain %s = %+v, %v", name, a, why, err)
	}
	for _, b := range why.Because {
		if b.Covers == history.Elsewhere || !b.Permission.Allow || (b.Record == "") != (b.Covers == history.Public) {
			t.Errorf("%s: explain %s: %+v", name, a, b)
		}
	}
	subjects, everyone := r.subjects(t, who, a.Resource, a.Action, at, 2)
	if (everyone || slices.Contains(subjects, a.User)) != a.Allowed {
		t.Errorf("%s: subjects of %s = %v, %v", name, a, subjects, everyone)
	}
	for _, user := range subjects {
		if may, err := r.Check(context.Background(), who, history.Question{User: user, Resource: a.Resource, Action: a.Action}, at); err != nil || !may {
			t.Errorf("%s: subject %s of %s may not: %v", name, user, a, err)
		}
	}
}

// subjects reads all pages.
func (r *rig) subjects(t failer, who actor.Actor, resource, action string, at time.Time, limit int) (all []ident.UserID, everyone bool) {
	t.Helper()
	page := access.Page{Limit: limit}
	for {
		s, err := r.Subjects(context.Background(), who, resource, action, at, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range s.Subjects {
			all = append(all, one.User)
		}
		if !s.More {
			if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
				t.Errorf("subjects of %s: %v", resource, all)
			}
			return all, s.Everyone
		}
		page.After = string(all[len(all)-1])
	}
}

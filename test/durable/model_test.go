package durable

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// outcome is what a client learned.
type outcome byte

const (
	unknown outcome = iota // the answer was lost, or it was 503: it may have happened, or may yet
	yes                    // 200, 201, 204
	no                     // 404 to a check, 409 to a creation, 412 to a versioned write
	unsent                 // it never left this machine, or is of no interest
)

type verb byte

const (
	grant verb = iota
	revoke
	check
	create // of a record that is then read and replaced
	read
	replace
)

// step is one operation of one client.
type step struct {
	verb      verb
	key       string
	node      int
	token     bool   // a check that carries the token of the last answered write
	name      string // written or read
	since, at int64  // If-Unmodified-Since, and lastUpdated in the answer, in microseconds
	out       outcome
	from, to  time.Duration
}

// permission is one (user, resource): granted or not.
var permission = porcupine.NondeterministicModel{
	Partition: byKey,
	Init:      func() []any { return []any{false} },
	Step: func(state, _, output any) []any {
		granted, s := state.(bool), output.(step)
		switch {
		case s.verb == check && granted == (s.out == yes), s.verb == grant && s.out == no && granted, s.verb == revoke && s.out == no && !granted:
			return []any{granted}
		case s.verb == grant && s.out == yes && !granted, s.verb == revoke && s.out == yes:
			return []any{s.verb == grant}
		case s.out == unknown && s.verb != check:
			return []any{granted, s.verb == grant}
		}
		return nil
	},
	DescribeOperation: describe,
}

// version is a record's name and when it was written. fuzzy: not known exactly, but later than at.
type version struct {
	name  string
	at    int64
	fuzzy bool
}

// record is one record that many replace, each with the version that they read.
var record = porcupine.NondeterministicModel{
	Partition: byKey,
	Init:      func() []any { return []any{version{}} },
	Step: func(state, _, output any) []any {
		v, s := state.(version), output.(step)
		written := version{s.name, s.at, false}
		switch {
		case s.verb == create && s.out == yes:
			return []any{written}
		case s.verb == read && s.out == yes && s.name == v.name && (s.at == v.at && !v.fuzzy || s.at > v.at && v.fuzzy):
			return []any{written}
		case s.verb == replace && s.out == yes && (s.since >= v.at || v.fuzzy) && s.at > v.at:
			return []any{written}
		case s.verb == read && s.out == no && v == (version{}), s.verb == replace && s.out == no && (s.since < v.at || v.fuzzy):
			return []any{v}
		case s.verb == replace && s.out == unknown && (s.since >= v.at || v.fuzzy):
			return []any{v, version{s.name, v.at, true}}
		case s.verb == replace && s.out == unknown:
			return []any{v}
		}
		return nil
	},
	DescribeOperation: describe,
}

func describe(_, output any) string { return fmt.Sprintf("%+v", output) }

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	for _, o := range history {
		key := o.Output.(step).key
		parts[key] = append(parts[key], o)
	}
	var out [][]porcupine.Operation
	for _, part := range parts {
		out = append(out, part)
	}
	return out
}

// linearizable holds the steps to the model. What has an unknown outcome may happen until the end.
// A creation that is refused because the record is there has looked into the database, which
// memory follows: it may count until a bound later.
func linearizable(t *testing.T, what string, model porcupine.NondeterministicModel, steps []step) {
	t.Helper()
	var history []porcupine.Operation
	for i, s := range steps {
		if s.out == unsent || s.out == unknown && (s.verb == check || s.verb == read) {
			continue
		}
		end := s.to
		switch {
		case s.out == unknown:
			end = math.MaxInt64
		case s.verb == grant && s.out == no:
			end += bound
		}
		history = append(history, porcupine.Operation{ClientId: i, Input: s.key, Output: s, Call: int64(s.from), Return: int64(end)})
	}
	if len(history) < 100 {
		t.Errorf("%s: only %d operations prove nothing", what, len(history))
	}
	start := time.Now()
	m := model.ToModel()
	result, info := porcupine.CheckOperationsVerbose(m, history, 3*time.Minute)
	t.Logf("note: %s: %d operations, %s, checked in %v", what, len(history), result, time.Since(start).Round(time.Millisecond))
	if result == porcupine.Ok {
		return
	}
	if f, err := newArtifact(); err == nil {
		if porcupine.Visualize(m, info, f) == nil {
			t.Logf("the history is drawn in %s", f.Name())
		}
		f.Close()
	}
	for _, part := range byKey(history) {
		if porcupine.CheckOperationsTimeout(m, part, 5*time.Second) == porcupine.Illegal {
			slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
			for _, o := range part[max(0, len(part)-60):] {
				t.Logf("%v..%v %s", time.Duration(o.Call), time.Duration(o.Return), describe(nil, o.Output))
			}
			break
		}
	}
	t.Errorf("%s: not linearizable (%s)", what, result)
}

// bounded holds the checks of one node to what one writer wrote elsewhere. A check must answer what
// was true at some time between bound before it began and its end, and the node never goes back.
func bounded(t *testing.T, what string, writes, checks []step, bound time.Duration) {
	t.Helper()
	last := 0 // writes[:last] are certainly visible to the node
	for _, c := range checks {
		if c.out != yes && c.out != no {
			continue
		}
		low, high := last, last
		for i, w := range writes {
			if w.out == yes && w.to <= c.from-bound {
				low = max(low, i+1)
			}
			if w.from <= c.to {
				high = i + 1
			}
		}
		at := -1
		for i := low; i <= high && at < 0; i++ {
			if (i > 0 && writes[i-1].verb == grant) == (c.out == yes) || i > 0 && writes[i-1].out == unknown {
				at = i
			}
		}
		if at < 0 {
			t.Errorf("%s: %s at %v..%v answered %v, which was true at no time since %v before (writes %d to %d)", what, c.key, c.from, c.to, c.out == yes, bound, low, high)
			return
		}
		last = at
	}
}

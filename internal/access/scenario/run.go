package scenario

import (
	"context"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
)

// Failure is an answer that is not the expected one.
type Failure struct {
	Ask         Ask
	Explanation history.Explanation
}

// Run asks all questions and returns the failures.
func (s *Scenario) Run(ctx context.Context) ([]Failure, error) {
	x := access.NewIndex()
	var failed error
	x.Update("", func(e *index.Editor) {
		for i := range s.Roles {
			e.SetRole(s.Roles[i].ID, s.Roles[i].Compiled())
		}
		for i := range s.Groups {
			e.SetGroup(s.Groups[i].ID, s.Groups[i].Members())
		}
		for i := range s.Records {
			e.SetRecord(s.Records[i].ID, s.Records[i].Blocks())
		}
		for _, text := range s.Public {
			r, err := check.ParseResource(text)
			if err != nil {
				failed = err
				return
			}
			e.SetPublic(r, true)
		}
	})
	if failed != nil {
		return nil, failed
	}
	snap := x.At("")
	var out []Failure
	for _, a := range s.Asks {
		allowed, err := ask(snap, &a)
		if err != nil {
			return nil, err
		}
		if allowed == a.Allowed {
			continue
		}
		why, err := s.explain(ctx, &a)
		if err != nil {
			return nil, err
		}
		out = append(out, Failure{a, why})
	}
	return out, nil
}

func ask(snap *index.Snapshot, a *Ask) (bool, error) {
	resource, err := check.ParseResource(a.Resource)
	if err != nil {
		return false, err
	}
	action, err := check.ParseAction(a.Action)
	if err != nil {
		return false, err
	}
	var q check.Question
	q.Ask(&resource, &action, check.Allow)
	q.During = check.At(a.At)
	return snap.Check(string(a.User), &q), nil
}

func (s *Scenario) explain(ctx context.Context, a *Ask) (history.Explanation, error) {
	m := memory{s, a.At}
	h := history.New(history.Deps{Runner: m, Store: m, Engine: access.NewEngine(func() bool { return true }, nil, m)})
	q := history.Question{User: a.User, Action: a.Action, Resource: a.Resource}
	return h.Explain(ctx, actor.ForOperator(""), q, a.At)
}

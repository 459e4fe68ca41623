package access

import (
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Question asks whether a user, or service client, may do something, as callers write it.
type Question struct {
	User     ident.UserID
	Resource string
	Action   string
}

// Answer is the answer to a Question. Err is as in Check; then Allowed is false.
type Answer struct {
	Allowed bool
	Err     error
}

// CheckMany is Check for many questions. All answers are for one second and from one state of the
// account, or, if it is too large to be in memory whole, of each person.
func (e *Engine) CheckMany(account ident.AccountID, questions []Question) []Answer {
	out := make([]Answer, len(questions))
	if !e.fresh() {
		for i := range out {
			out[i].Err = errStale
		}
		return out
	}
	var (
		snap             = e.index.At(account)
		byNeed           = snap.ByNeed()
		people           = map[ident.UserID]*index.Snapshot{} // when by need
		q                check.Question
		resource, action string // as they stand in q; neither is ever empty there
	)
	q.During = e.now()
	for i := range questions {
		ask := &questions[i]
		if ask.Resource != resource || resource == "" {
			r, err := check.ParseResource(ask.Resource)
			if err != nil {
				out[i].Err = err
				continue
			}
			q.AskAbout(&r)
			resource = ask.Resource
		}
		if ask.Action != action || action == "" {
			a, err := check.ParseAction(ask.Action)
			if err != nil {
				out[i].Err = err
				continue
			}
			q.AskFor(&a, check.Allow)
			action = ask.Action
		}
		if byNeed {
			if snap = people[ask.User]; snap == nil {
				if snap, out[i].Err = e.at(account, ask.User); fault.Is(out[i].Err, fault.Invalid) {
					continue
				}
				if err := out[i].Err; err != nil {
					// What keeps one person from being read keeps all: nobody waits a thousand times.
					for k := i + 1; k < len(out); k++ {
						out[k].Err = err
					}
					return out
				}
				people[ask.User] = snap
			}
		}
		out[i].Allowed = snap.Check(string(ask.User), &q)
	}
	return out
}

package authzen

import (
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// The bounds of one request.
const (
	mostEvaluations = 1000
	mostOfABatch    = 1 << 20 // bytes
)

type decision struct {
	Decision bool     `json:"decision"`
	Context  *because `json:"context,omitempty"`
}

// because is the context of a denial that is no plain one.
type because struct {
	Reason string  `json:"reason,omitempty"`
	Error  *failed `json:"error,omitempty"`
}

type failed struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

var (
	bodyYes       = []byte(`{"decision":true}`)
	bodyNo        = []byte(`{"decision":false}`)
	noSuchSubject = decision{Context: &because{Reason: "Subjects are of the type user or service-client."}}
)

func (s *Surface) evaluation(w http.ResponseWriter, r *http.Request) error {
	var in request
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	return s.evaluateOne(w, r, &in)
}

func (s *Surface) evaluateOne(w http.ResponseWriter, r *http.Request, in *request) error {
	if err := in.whole(); err != nil {
		return err
	}
	q, err := in.question()
	if err != nil {
		return err
	}
	if _, ok := in.Subject.principal(); !ok {
		return web.JSON(w, http.StatusOK, noSuchSubject)
	}
	by := web.ActorOf(r)
	if err := s.d.Decisions.AllowAsking(by, q.User); err != nil {
		return err
	}
	allowed, err := s.d.Decisions.Check(by.Account, q.User, q.Resource, q.Action)
	if err != nil {
		return err
	}
	if allowed {
		return web.JSONBytes(w, http.StatusOK, bodyYes)
	}
	return web.JSONBytes(w, http.StatusOK, bodyNo)
}

type evaluationsWire struct {
	request
	Evaluations []*request `json:"evaluations"`
	Options     struct {
		Semantic string `json:"evaluations_semantic"`
	} `json:"options"`
}

type decisionsWire struct {
	Evaluations []decision `json:"evaluations"`
}

// endsAt returns the decision after which the rest is left out; ok is false for "never".
func endsAt(semantic string) (last, ok bool, err error) {
	switch semantic {
	case "", "execute_all":
		return false, false, nil
	case "deny_on_first_deny":
		return false, true, nil
	case "permit_on_first_permit":
		return true, true, nil
	}
	return false, false, fault.New(fault.Invalid, fault.CodeInvalidRequest,
		"options.evaluations_semantic is execute_all, deny_on_first_deny or permit_on_first_permit.")
}

func (s *Surface) evaluations(w http.ResponseWriter, r *http.Request) error {
	var in evaluationsWire
	if err := web.DecodeJSON(r, &in, mostOfABatch); err != nil {
		return err
	}
	last, ends, err := endsAt(in.Options.Semantic)
	if err != nil {
		return err
	}
	if len(in.Evaluations) == 0 {
		return s.evaluateOne(w, r, &in.request)
	}
	if err := in.complete(); err != nil {
		return err
	}
	out, err := s.evaluateMany(r, in.Evaluations)
	if err != nil {
		return err
	}
	for i := range out {
		if ends && out[i].Decision == last {
			out = out[:i+1]
			break
		}
	}
	return web.JSON(w, http.StatusOK, decisionsWire{out})
}

// complete fills in the defaults, each entity as a whole.
func (in *evaluationsWire) complete() error {
	if len(in.Evaluations) > mostEvaluations {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "One request has at most %d evaluations.", mostEvaluations)
	}
	for i, q := range in.Evaluations {
		if q == nil {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "evaluations[%d] is null.", i)
		}
		if q.Subject == nil {
			q.Subject = in.Subject
		}
		if q.Action == nil {
			q.Action = in.Action
		}
		if q.Resource == nil {
			q.Resource = in.Resource
		}
		if err := q.whole(); err != nil {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "evaluations[%d]: %s", i, err)
		}
	}
	return nil
}

// evaluateMany decides all from one state. It fails only for what is wrong with all.
func (s *Surface) evaluateMany(r *http.Request, all []*request) ([]decision, error) {
	out := make([]decision, len(all))
	asked, places := make([]access.Question, 0, len(all)), make([]int, 0, len(all))
	may := judge{by: web.ActorOf(r), decisions: s.d.Decisions, known: map[ident.UserID]error{}}
	for i, one := range all {
		if _, ok := one.Subject.principal(); !ok {
			out[i] = noSuchSubject
			continue
		}
		q, err := one.question()
		if err == nil {
			err = may.ask(q.User)
		}
		if err != nil {
			if out[i], err = denied(r, err); err != nil {
				return nil, err
			}
			continue
		}
		asked, places = append(asked, q), append(places, i)
	}
	for i, answer := range s.d.Decisions.CheckMany(may.by.Account, asked) {
		to := &out[places[i]]
		to.Decision = answer.Allowed
		if answer.Err != nil {
			var err error
			if *to, err = denied(r, answer.Err); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// denied is the decision where one evaluation is wrong; it returns the error if all are.
func denied(r *http.Request, err error) (decision, error) {
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Forbidden) {
		return decision{}, err
	}
	f := web.Translate(r, err)
	return decision{Context: &because{Error: &failed{Status: f.Status, Message: f.Public}}}, nil
}

// judge asks once per subject whether the caller may ask about them.
type judge struct {
	by        actor.Actor
	decisions Decisions
	known     map[ident.UserID]error
}

func (j *judge) ask(user ident.UserID) error {
	verdict, ok := j.known[user]
	if !ok {
		verdict = j.decisions.AllowAsking(j.by, user)
		j.known[user] = verdict
	}
	return verdict
}

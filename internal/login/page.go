package login

import (
	"context"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// TypePassword is the type of the connection that lets people sign in with passwords.
const TypePassword connection.Type = "PASSWORD"

// states is the page of each step that shows one.
var states = map[Step]State{
	StepUnknown:      StateFailed,
	StepNoCookie:     StateNoCookie,
	StepOtherBrowser: StateOtherBrowser,
	StepDone:         StateDone,
	StepExpired:      StateExpired,
	StepCode:         StateCode,
	StepContinue:     StateChoose,
	StepAwait:        StateAwait,
	StepForward:      StateChoose,
	StepChoose:       StateChoose,
	StepAccounts:     StateAccounts,
	StepSecond:       StateSecond,
	StepEnrol:        StateEnrol,
	StepRenew:        StateRenew,
	StepComplete:     StateChoose,
	StepRefused:      StateFailed,
	StepStranger:     StateFailed,
}

// Page shows the page of a step of a request, with a problem.
func (s *Service) Page(ctx context.Context, step Step, v Visit, f Facts, problem Problem) (View, error) {
	return s.page(ctx, step, v, f, shown{problem: problem})
}

// PageWith is Page, and fills in more.
func (s *Service) PageWith(ctx context.Context, step Step, v Visit, f Facts, problem Problem, fill func(*View)) (View, error) {
	return s.page(ctx, step, v, f, shown{problem: problem, fill: fill})
}

// page fills a View for a step. Only the browser that has the request sees what was typed in it.
func (s *Service) page(ctx context.Context, step Step, v Visit, f Facts, add shown) (View, error) {
	r := f.Request
	view := View{State: states[step], Problem: add.problem, Account: v.Account}
	if step == StepUnknown {
		view.Problem = ProblemUnknownRequest
		return view, nil
	}
	view.ID, view.Application, view.Setup = r.ID, r.Application, len(r.Setup) > 0
	if app, ok := s.d.Applications.Get(v.Account, r.Application); ok {
		view.ApplicationName = app.Name
	}
	if r.Party != "" {
		view.ApplicationName = r.Party
	}
	switch {
	case r.errand():
		view.ReturnURL = s.base(r) + r.Return
	case !view.Setup:
		view.ReturnURL = r.RedirectURL
	}
	if !r.BoundTo(f.Browser) {
		return view, nil
	}
	if view.Problem == ProblemNone {
		view.Problem = r.Problem
	}
	switch view.State {
	case StateChoose:
		s.fillChoice(&view, f)
		if err := s.fillPerson(ctx, &view, v, f); err != nil {
			return View{}, err
		}
	case StateCode:
		fillCode(&view, f.Code)
	case StateSecond, StateEnrol, StateRenew:
		if err := s.fillSecond(ctx, &view, f); err != nil {
			return View{}, err
		}
	case StateAccounts:
		if err := s.fillAccounts(ctx, &view, f); err != nil {
			return View{}, err
		}
	case StateFailed:
		view.Problem = ProblemPolicy
		if step == StepStranger {
			view.Problem = ProblemStranger
		}
	}
	if add.fill != nil {
		add.fill(&view)
	}
	return view, s.fillLinking(ctx, &view, f)
}

func (s *Service) fillChoice(view *View, f Facts) {
	view.Email = f.Request.Hint
	if f.Code != nil && view.Email == "" {
		view.Email = string(f.Code.Address)
	}
	only := s.Doors().Only(f.Request)
	view.Passkey = only == "" && !f.NoPasskeys && f.Policy.AllowsFirst(factor.Passkey)
	for _, c := range s.d.Connections.Active(view.Account) {
		if only != "" && c.ID != only {
			continue
		}
		switch {
		case c.ID == emailcode.Connection:
			view.EmailCode = f.TakesCodes()
			continue
		case c.Type == TypePassword:
			view.Password = f.Policy.AllowsFirst(factor.Password)
			continue
		}
		view.Connections = append(view.Connections, Button{ID: c.ID, Name: c.Name, Kind: c.Provider})
	}
}

// fillPerson tells whose session the browser has, for requests that it does not answer by itself.
func (s *Service) fillPerson(ctx context.Context, view *View, v Visit, f Facts) error {
	if able, err := s.continues(ctx, v, f); view.Setup || !able { // Continue would lead back to the same page
		return err
	}
	return s.d.DB.Read(ctx, tx.In(view.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Find(ctx, t, view.Account, f.Session.User)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		view.Current = &Person{ID: u.ID, Name: u.Name, Email: u.Email}
		return err
	})
}

func fillCode(view *View, c *emailcode.Code) {
	view.Email = string(c.Address)
	view.AttemptsLeft = c.Left()
	view.CodeExpires = c.ExpiresAt
	view.ResendAt = c.CreatedAt.Add(emailcode.ResendAfter)
}

package login

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// SendCode sends a one-time code to the address and shows the code page. A new code kills the
// one before. The answer is the same for known and unknown addresses.
func (s *Service) SendCode(ctx context.Context, v Visit, id ident.LoginID, email string, compose Compose) (View, error) {
	f, ok, err := s.Open(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	if !ok {
		return s.Refused(ctx, v, f)
	}
	address, ok := mail.ParseAddress(email)
	if !ok {
		return s.page(ctx, StepChoose, v, f, shown{problem: ProblemEmailInvalid, fill: func(p *View) { p.Email = email }})
	}
	if view, elsewhere, err := s.Home(ctx, v, f, address); elsewhere || err != nil {
		return view, err
	}
	if !s.Doors().Offered(f.Request, emailcode.Connection) || !f.Policy.AllowsFirst(factor.EmailCode) {
		return s.page(ctx, StepChoose, v, f, shown{problem: ProblemConnectionGone})
	}
	sent, err := s.send(ctx, v, f.Request, address, compose)
	if err != nil {
		return View{}, err
	}
	if !sent.Limited {
		return s.show(ctx, v, id, shown{})
	}
	return s.page(ctx, StepChoose, v, f, shown{problem: ProblemTooManyMails, fill: func(p *View) {
		p.Email, p.RetryAt = string(address), f.Now.Add(sent.Retry)
	}})
}

// Home sends the browser to where the people of an address's domain sign in, if that is elsewhere.
func (s *Service) Home(ctx context.Context, v Visit, f Facts, address mail.Address) (view View, elsewhere bool, err error) {
	home, ok := s.Doors().HomeOf(f.Request, address)
	if ok {
		f.Request.Hint = string(address)
		view, err = s.forward(ctx, v, f.Request, home)
		if errors.Is(err, ErrMoved) {
			view, err = s.show(ctx, v, f.Request.ID, shown{})
		}
	}
	return view, ok, err
}

func (s *Service) send(ctx context.Context, v Visit, r Request, address mail.Address, compose Compose) (sent emailcode.Sent, err error) {
	app, _ := s.d.Applications.Get(v.Account, r.Application)
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		// The address is the page's choice now, and a problem shown before is answered.
		r.Hint, r.Problem = string(address), ProblemNone
		if ok, err := s.d.Store.Choose(ctx, t, r); err != nil || !ok {
			return errors.Join(err, NotOK(ok))
		}
		sent, err = s.d.EmailCodes.Send(ctx, t, emailcode.Request{
			Account: v.Account, Login: r.ID, Browser: r.Browser, Address: address,
			Compose: func(code string, link secret.Text) (mail.Message, error) {
				m, err := compose(MailFacts{
					Account: v.Account, Application: app.Name, Email: string(address), Code: code, Life: emailcode.Life,
					Link: s.base(r) + "/login/link?" + url.Values{"token": {link.Reveal()}}.Encode(),
				})
				return mail.Message{Subject: m.Subject, Text: m.Text, HTML: m.HTML}, err
			},
		})
		if err != nil || sent.Limited {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.code.sent", string(r.ID)))
	})
	if errors.Is(err, ErrMoved) {
		err = nil
	}
	return sent, err
}

// NotOK is ErrMoved for a statement that changed nothing.
func NotOK(ok bool) error {
	if ok {
		return nil
	}
	return ErrMoved
}

// ChangeEmail forgets the code that was sent and shows the choice again.
func (s *Service) ChangeEmail(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	f, ok, err := s.Open(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	if !ok {
		return s.Refused(ctx, v, f)
	}
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		return s.d.EmailCodes.Store.Forget(ctx, t, v.Account, id)
	})
	if err != nil {
		return View{}, err
	}
	if f, err = s.Facts(ctx, v, id); err != nil {
		return View{}, err
	}
	return s.page(ctx, StepChoose, v, f, shown{})
}

// EnterCode checks the code and completes the login. The attempt is spent even when it fails.
func (s *Service) EnterCode(ctx context.Context, v Visit, id ident.LoginID, code string) (View, error) {
	f, ok, err := s.Open(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	if !ok {
		return s.Refused(ctx, v, f)
	}
	return s.proveEmail(ctx, v, f.Request, func(ctx context.Context, t tx.Tx) (emailcode.Check, error) {
		return s.d.EmailCodes.Enter(ctx, t, v.Account, id, f.Browser, code)
	})
}

// ViewLink is GET /login/link?token=...: StateLink when FollowLink would work in this browser. It changes nothing.
func (s *Service) ViewLink(ctx context.Context, v Visit, token secret.Text) (View, error) {
	check, err := s.lookLink(ctx, v, token)
	if err != nil {
		return View{}, err
	}
	if check.Outcome != emailcode.Right {
		return linkView(v, check), nil
	}
	f, ok, err := s.Open(ctx, v, check.Login)
	if err != nil || !ok {
		view, err2 := s.Refused(ctx, v, f)
		return view, errors.Join(err, err2)
	}
	view, err := s.page(ctx, StepChoose, v, f, shown{})
	view.State, view.Problem, view.Email = StateLink, ProblemNone, string(check.Address)
	return view, err
}

// FollowLink is the POST behind the link's button; it completes the login.
func (s *Service) FollowLink(ctx context.Context, v Visit, token secret.Text) (View, error) {
	check, err := s.lookLink(ctx, v, token)
	if err != nil {
		return View{}, err
	}
	if check.Outcome != emailcode.Right {
		return linkView(v, check), nil
	}
	f, ok, err := s.Open(ctx, v, check.Login)
	if err != nil {
		return View{}, err
	}
	if !ok {
		return s.Refused(ctx, v, f)
	}
	return s.proveEmail(ctx, v, f.Request, func(ctx context.Context, t tx.Tx) (emailcode.Check, error) {
		return s.d.EmailCodes.Follow(ctx, t, v.Account, f.Browser, token)
	})
}

func (s *Service) lookLink(ctx context.Context, v Visit, token secret.Text) (check emailcode.Check, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		check, err = s.d.EmailCodes.Look(ctx, t, v.Account, BrowserHash(v.Browser), token)
		return err
	})
	return check, err
}

func linkView(v Visit, check emailcode.Check) View {
	problem := ProblemLinkDead
	if check.Outcome == emailcode.Elsewhere {
		problem = ProblemLinkOther
	}
	return View{State: StateFailed, Problem: problem, Account: v.Account}
}

// proveEmail runs a check and, when it holds, completes the login in the same unit of work.
func (s *Service) proveEmail(ctx context.Context, v Visit, r Request, check func(context.Context, tx.Tx) (emailcode.Check, error)) (View, error) {
	var got emailcode.Check
	var end ended
	var now time.Time
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		now = t.Now()
		if got, err = check(ctx, t); err != nil {
			return err
		}
		if got.Outcome != emailcode.Right {
			return t.Emit(ctx, event.New(v.Actor, "login.code.refused", string(r.ID)))
		}
		end, err = s.finish(ctx, t, v, r, proved{
			identity: user.Identity{Connection: emailcode.Connection, Issuer: emailcode.Issuer, Subject: string(got.Address)},
			profile:  user.Profile{Email: string(got.Address), EmailVerified: true},
			method:   emailcode.Method,
		})
		return err
	})
	if err != nil {
		return s.finishFailed(ctx, v, r, err)
	}
	if got.Outcome == emailcode.Right {
		return s.leave(ctx, v, r, end)
	}
	add := shown{problem: codeProblems[got.Outcome], fill: func(p *View) {
		if got.Outcome == emailcode.Paused {
			p.RetryAt = now.Add(got.Retry)
		}
	}}
	f, err := s.Facts(ctx, v, r.ID)
	if err != nil {
		return View{}, err
	}
	// The code page stays, also for a dead code: it is where another one is sent from.
	step := Next(f)
	if f.Code != nil && (step == StepChoose || step == StepContinue || step == StepForward) {
		step = StepCode
	}
	return s.page(ctx, step, v, f, add)
}

var codeProblems = map[emailcode.Outcome]Problem{
	emailcode.Wrong:     ProblemCodeWrong,
	emailcode.Spent:     ProblemTooManyTries,
	emailcode.Gone:      ProblemCodeExpired,
	emailcode.Paused:    ProblemAddressPaused,
	emailcode.Elsewhere: ProblemLinkOther,
}

// finishFailed turns the failure of a completion into a page, where it is one.
func (s *Service) finishFailed(ctx context.Context, v Visit, r Request, err error) (View, error) {
	switch {
	case errors.Is(err, ErrMoved):
		return s.show(ctx, v, r.ID, shown{})
	case errors.Is(err, errSetupDead):
		return View{State: StateFailed, Problem: ProblemSetupDead, Account: v.Account}, nil
	case errors.Is(err, user.ErrUnusable):
		s.d.Log.WarnContext(ctx, "what a service client says about a person was refused", "login", r.ID, "error", err)
		return View{State: StateFailed, Problem: ProblemUpstreamFailed, Account: v.Account}, nil
	case errors.Is(err, errOther):
		return s.show(ctx, v, r.ID, shown{problem: ProblemOtherPerson})
	case errors.Is(err, errDemand), fault.Is(err, fault.Forbidden), linkProblem(err) != ProblemNone:
		problem := ProblemUserUnavailable
		switch {
		case linkProblem(err) != ProblemNone:
			problem = linkProblem(err)
		case errors.Is(err, errNotMember):
			problem = ProblemNotMember
		case errors.Is(err, errDemand):
			problem = ProblemPolicy
		}
		f, err := s.Facts(ctx, v, r.ID)
		if err != nil {
			return View{}, err
		}
		return s.page(ctx, StepChoose, v, f, shown{problem: problem})
	}
	return View{}, err
}

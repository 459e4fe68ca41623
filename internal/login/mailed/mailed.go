package mailed

import (
	"context"
	"errors"
	"net/url"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// SendCode sends a one-time code to the address and shows the code page. A new code kills the
// one before. The answer is the same for known and unknown addresses.
func (s *Service) SendCode(ctx context.Context, v login.Visit, id ident.LoginID, email string, compose Compose) (login.View, error) {
	f, ok, err := s.d.Box.Open(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	address, ok := mail.ParseAddress(email)
	if !ok {
		return s.d.Box.PageWith(ctx, login.StepChoose, v, f, login.ProblemEmailInvalid, func(p *login.View) { p.Email = email })
	}
	if view, elsewhere, err := s.d.Box.Home(ctx, v, f, address); elsewhere || err != nil {
		return view, err
	}
	if !s.d.Box.Doors().Offered(f.Request, emailcode.Connection) || !f.TakesCodes() {
		return s.d.Box.Page(ctx, login.StepChoose, v, f, login.ProblemConnectionGone)
	}
	sent, err := s.send(ctx, v, f.Request, address, compose)
	if err != nil {
		return login.View{}, err
	}
	if !sent.Limited {
		return s.d.Box.View(ctx, v, id)
	}
	return s.d.Box.PageWith(ctx, login.StepChoose, v, f, login.ProblemTooManyMails, func(p *login.View) {
		p.Email, p.RetryAt = string(address), f.Now.Add(sent.Retry)
	})
}

func (s *Service) send(ctx context.Context, v login.Visit, r login.Request, address mail.Address, compose Compose) (sent emailcode.Sent, err error) {
	app, _ := s.d.Applications.Get(v.Account, r.Application)
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		// The address is the page's choice now, and a problem shown before is answered.
		r.Hint, r.Problem = string(address), login.ProblemNone
		if ok, err := s.d.Store.Choose(ctx, t, r); err != nil || !ok {
			return errors.Join(err, login.NotOK(ok))
		}
		sent, err = s.d.Codes.Send(ctx, t, emailcode.Request{
			Account: v.Account, Login: r.ID, Browser: r.Browser, Address: address,
			Compose: func(code string, link secret.Text) (mail.Message, error) {
				m, err := compose(Facts{
					Account: v.Account, Application: app.Name, Email: string(address), Code: code, Life: emailcode.Life, Linking: r.Link != "",
					Link: login.Base(s.d.Accounts, r) + "/login/link?" + url.Values{"token": {link.Reveal()}}.Encode(),
				})
				return mail.Message{Subject: m.Subject, Text: m.Text, HTML: m.HTML}, err
			},
		})
		if err != nil || sent.Limited {
			return err
		}
		return t.Emit(ctx, event.New(v.Actor, "login.code.sent", string(r.ID)))
	})
	if errors.Is(err, login.ErrMoved) {
		err = nil
	}
	return sent, err
}

// ChangeEmail forgets the code that was sent and shows the choice again.
func (s *Service) ChangeEmail(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f, ok, err := s.d.Box.Open(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		return s.d.Codes.Store.Forget(ctx, t, v.Account, id)
	})
	if err != nil {
		return login.View{}, err
	}
	if f, err = s.d.Box.Facts(ctx, v, id); err != nil {
		return login.View{}, err
	}
	return s.d.Box.Page(ctx, login.StepChoose, v, f, login.ProblemNone)
}

// EnterCode checks the code and completes the login. The attempt is spent even when it fails.
func (s *Service) EnterCode(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	f, ok, err := s.d.Box.Open(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	return s.proveEmail(ctx, v, f.Request, func(ctx context.Context, t tx.Tx) (emailcode.Check, error) {
		return s.d.Codes.Enter(ctx, t, v.Account, id, f.Browser, code)
	})
}

// ViewLink is GET /login/link?token=...: login.StateLink when FollowLink would work in this browser. It changes nothing.
func (s *Service) ViewLink(ctx context.Context, v login.Visit, token secret.Text) (login.View, error) {
	check, err := s.lookLink(ctx, v, token)
	if err != nil {
		return login.View{}, err
	}
	if check.Outcome != emailcode.Right {
		return linkView(v, check), nil
	}
	f, ok, err := s.d.Box.Open(ctx, v, check.Login)
	if err != nil || !ok {
		view, err2 := s.d.Box.Refused(ctx, v, f)
		return view, errors.Join(err, err2)
	}
	view, err := s.d.Box.Page(ctx, login.StepChoose, v, f, login.ProblemNone)
	view.State, view.Problem, view.Email = login.StateLink, login.ProblemNone, string(check.Address)
	return view, err
}

// FollowLink is the POST behind the link's button; it completes the login.
func (s *Service) FollowLink(ctx context.Context, v login.Visit, token secret.Text) (login.View, error) {
	check, err := s.lookLink(ctx, v, token)
	if err != nil {
		return login.View{}, err
	}
	if check.Outcome != emailcode.Right {
		return linkView(v, check), nil
	}
	f, ok, err := s.d.Box.Open(ctx, v, check.Login)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	return s.proveEmail(ctx, v, f.Request, func(ctx context.Context, t tx.Tx) (emailcode.Check, error) {
		return s.d.Codes.Follow(ctx, t, v.Account, f.Browser, token)
	})
}

func (s *Service) lookLink(ctx context.Context, v login.Visit, token secret.Text) (check emailcode.Check, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		check, err = s.d.Codes.Look(ctx, t, v.Account, login.BrowserHash(v.Browser), token)
		return err
	})
	return check, err
}

func linkView(v login.Visit, check emailcode.Check) login.View {
	problem := login.ProblemLinkDead
	if check.Outcome == emailcode.Elsewhere {
		problem = login.ProblemLinkOther
	}
	return login.View{State: login.StateFailed, Problem: problem, Account: v.Account}
}

// proveEmail runs a check and, when it holds, moves the login on in the same unit of work.
func (s *Service) proveEmail(ctx context.Context, v login.Visit, r login.Request, check func(context.Context, tx.Tx) (emailcode.Check, error)) (login.View, error) {
	return s.d.Box.Try(ctx, v, r.ID, login.StepChoose, func(ctx context.Context, t tx.Tx, f login.Facts) (login.Found, error) {
		got, err := check(ctx, t)
		if err != nil {
			return login.Found{}, err
		}
		if got.Outcome == emailcode.Right {
			return login.Found{
				Profile:  user.Profile{Email: string(got.Address), EmailVerified: true},
				Evidence: session.Evidence{Method: emailcode.Method, Connection: emailcode.Connection, Issuer: emailcode.Issuer, Subject: string(got.Address)},
			}, nil
		}
		now := t.Now()
		// The code page stays, also for a dead code: it is where another one is sent from.
		return login.Found{Problem: codeProblems[got.Outcome], Code: true, Fill: func(p *login.View) {
			if got.Outcome == emailcode.Paused {
				p.RetryAt = now.Add(got.Retry)
			}
		}}, t.Emit(ctx, event.New(v.Actor, "login.code.refused", string(r.ID)))
	})
}

var codeProblems = map[emailcode.Outcome]login.Problem{
	emailcode.Wrong:     login.ProblemCodeWrong,
	emailcode.Spent:     login.ProblemTooManyTries,
	emailcode.Gone:      login.ProblemCodeExpired,
	emailcode.Paused:    login.ProblemAddressPaused,
	emailcode.Elsewhere: login.ProblemLinkOther,
}

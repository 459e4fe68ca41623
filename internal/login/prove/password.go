package prove

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// EnterPassword compares a password of the person who proved that address before. Work and answer are the
// same when nobody did, or they have no password (I-23).
func (s *Service) EnterPassword(ctx context.Context, v login.Visit, id ident.LoginID, email string, typed secret.Text) (login.View, error) {
	f, err := s.d.Box.Facts(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	address, ok := mail.ParseAddress(email)
	via, on := s.passwords(v.Account)
	switch {
	case !f.Takes(login.StepChoose): // its page says why
		return s.say(ctx, v, id, email, login.ProblemNone)
	case !ok:
		return s.say(ctx, v, id, email, login.ProblemEmailInvalid)
	case !on || f.Only != "" && f.Only != via.ID || !f.Policy.AllowsFirst(factor.Password):
		return s.say(ctx, v, id, email, login.ProblemConnectionGone)
	}
	if view, elsewhere, err := s.d.Box.Home(ctx, v, f, address); elsewhere || err != nil {
		return view, err
	}
	attempt := password.Attempt{Address: string(address), Password: typed}
	if attempt.User, attempt.Device, err = s.whose(ctx, v, f, address); err != nil {
		return login.View{}, err
	}
	result, err := s.d.Passwords.Verify(ctx, by(v), attempt)
	if err != nil {
		return login.View{}, err
	}
	return s.d.Box.Try(ctx, v, id, login.StepChoose, func(_ context.Context, t tx.Tx, now login.Facts) (login.Found, error) {
		fill := func(p *login.View) { p.Email = string(address) }
		switch {
		case result.Outcome == factor.Paused:
			return login.Found{Problem: login.ProblemPasswordPaused, Fill: func(p *login.View) {
				fill(p)
				p.RetryAt = t.Now().Add(time.Duration(result.Retry) * time.Second)
			}}, nil
		case result.Outcome != factor.Right || attempt.User == "":
			return login.Found{Problem: login.ProblemPasswordWrong, Fill: fill}, nil
		case now.Only != f.Only || !now.Policy.AllowsFirst(factor.Password): // changed while it was compared
			return login.Found{Problem: login.ProblemConnectionGone, Fill: fill}, nil
		}
		return login.Found{User: attempt.User, Evidence: session.Evidence{
			Method: session.MethodPassword, Connection: via.ID, Issuer: emailcode.Issuer, Subject: string(address),
		}}, nil
	})
}

// say shows the login's page with a problem.
func (s *Service) say(ctx context.Context, v login.Visit, id ident.LoginID, email string, p login.Problem) (login.View, error) {
	return s.d.Box.Try(ctx, v, id, login.StepChoose, func(context.Context, tx.Tx, login.Facts) (login.Found, error) {
		return login.Found{Problem: p, Stay: true, Fill: func(view *login.View) { view.Email = email }}, nil
	})
}

// whose finds the person of an address, and whether this browser is one that they asked to be remembered in.
// Both are looked for whoever it is.
func (s *Service) whose(ctx context.Context, v login.Visit, f login.Facts, address mail.Address) (who ident.UserID, device string, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Known(ctx, t, v.Account, user.Identity{Connection: emailcode.Connection, Issuer: emailcode.Issuer, Subject: string(address)})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		who = u.ID
		device, err = s.d.Browsers.Name(ctx, t, v.Account, who, v.Device)
		return err
	})
	return who, device, err
}

package away

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// viewHandover is for an answer whose state names a login and not a leg: what a service
// client says about a person. It shows the page that asks for confirmation and changes
// nothing, however often the link is fetched (I-24). Who spoke and how it is checked, only
// the stored login says. Every reason to refuse a statement looks like an unknown request.
func (s *Service) viewHandover(ctx context.Context, v login.Visit, c login.Callback) (login.View, error) {
	f, err := s.d.Box.Facts(ctx, v, ident.LoginID(c.State.Reveal()))
	if err != nil {
		return login.View{}, err
	}
	r := f.Request
	if !f.Found || !handover.IsClient(r.Connection) || c.Code.Empty() || c.Error != "" {
		return strayView(v), nil
	}
	said, err := s.d.Handovers.Read(v.Account, r.Connection, c.Code, c.Issuer, f.Now)
	if err == nil && !user.Usable(said.User) {
		err = user.ErrUnusable
	}
	if err != nil {
		return s.disbelieve(ctx, v, r, err), nil
	}
	if r.Twin && address.SameHost(v.Host, s.d.Accounts.Issuer(v.Account)) {
		return s.toTwin(v, r, c), nil
	}
	if step := login.Next(f); step != login.StepBind && !step.Open() {
		return s.d.Box.Refused(ctx, v, f)
	}
	fresh := secret.Text{}
	if v.Browser.Empty() {
		fresh = secret.Random("")
		v.Browser = fresh
	}
	view, err := s.d.Box.Page(ctx, login.StepAwait, v, f, login.ProblemNone)
	if err != nil {
		return login.View{}, err
	}
	view.State, view.Problem, view.NewBrowser = login.StateLink, login.ProblemNone, fresh
	if view.Email, err = s.nameOf(ctx, v, said); err != nil {
		return login.View{}, err
	}
	view.Ticket, err = s.d.Handovers.Seal(v.Account, login.BrowserHash(v.Browser), handover.Ticket{Login: r.ID, Code: c.Code, Issuer: c.Issuer, Opened: f.Now})
	return view, err
}

// nameOf is what the page calls the person.
func (s *Service) nameOf(ctx context.Context, v login.Visit, said handover.Statement) (string, error) {
	if email := connection.PlainText(said.Email, maxName); email != "" {
		return email, nil
	}
	name := string(said.User)
	err := s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Find(ctx, t, v.Account, said.User)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if u.Email != "" {
			name = u.Email
		}
		return err
	})
	return name, err
}

// ConfirmHandover is the POST behind that page's button: it gives the login to this browser,
// if no other has it, and completes it as the person whom the service client named. Everything
// is judged again: the client, its option and its key may be gone meanwhile.
func (s *Service) ConfirmHandover(ctx context.Context, v login.Visit, token secret.Text) (login.View, error) {
	if v.Browser.Empty() {
		return login.View{State: login.StateNoCookie, Account: v.Account}, nil
	}
	ticket, f, err := s.openTicket(ctx, v, token)
	if errors.Is(err, handover.ErrRefused) {
		return s.disbelieve(ctx, v, f.Request, err), nil
	}
	if err != nil {
		return login.View{}, err
	}
	said, err := s.d.Handovers.Read(v.Account, f.Request.Connection, ticket.Code, ticket.Issuer, ticket.Opened)
	if err != nil {
		return s.disbelieve(ctx, v, f.Request, err), nil
	}
	f, ok, err := s.d.Box.Open(ctx, v, ticket.Login)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	return s.proveHandover(ctx, v, f.Request, said)
}

func (s *Service) openTicket(ctx context.Context, v login.Visit, token secret.Text) (ticket handover.Ticket, f login.Facts, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		ticket, err = s.d.Handovers.Open(v.Account, login.BrowserHash(v.Browser), token, t.Now())
		return err
	})
	if err == nil {
		f, err = s.d.Box.Facts(ctx, v, ticket.Login)
	}
	return ticket, f, err
}

// proveHandover uses the statement up and completes the login in one unit of work.
func (s *Service) proveHandover(ctx context.Context, v login.Visit, r login.Request, said handover.Statement) (login.View, error) {
	reused := false
	view, err := s.d.Box.Try(ctx, v, r.ID, login.StepChoose, func(ctx context.Context, t tx.Tx, _ login.Facts) (login.Found, error) {
		reused = false
		former, err := s.d.Artifacts.UseProof(ctx, t, v.Account, said.Seen, r.ID, t.Now().Add(login.RequestLife))
		switch {
		case err != nil:
			return login.Found{}, err
		case former == r.ID: // the button was pressed twice
			return login.Found{}, login.ErrMoved
		case former != "":
			reused = true
			return login.Found{Problem: login.ProblemUpstreamFailed}, t.Emit(ctx, event.New(v.Actor, "login.handover.reused", string(r.ID), "connection", string(said.Client), "former", string(former)))
		}
		return login.Found{
			Named: true, Profile: user.Profile{Email: said.Email},
			Evidence: session.Evidence{Method: handover.Method, Connection: said.Client, Issuer: said.Issuer, Subject: string(said.User)},
		}, nil
	})
	if reused {
		return strayView(v), nil
	}
	return view, err
}

func (s *Service) disbelieve(ctx context.Context, v login.Visit, r login.Request, why error) login.View {
	s.d.Log.WarnContext(ctx, "what a service client says about a person was refused", "connection", r.Connection, "login", r.ID, "error", why)
	return strayView(v)
}

// maxName bounds what a page calls a person, in bytes.
const maxName = 128

// strayView is the page for an answer that nobody waits for.
func strayView(v login.Visit) login.View {
	return login.View{State: login.StateFailed, Problem: login.ProblemUpstreamFailed, Account: v.Account}
}

package login

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// A request that links (Request.Link) gives what is proved to the person who began it, instead of signing
// in whoever proved it. Both sides are proved in one browser (I-7): the person by the living session, which
// is theirs and recent, the identity by the login itself. It ends with the identity linked, or with nothing
// changed.

// Links changes which identities are a person's. *link.Service does.
type Links interface {
	// Link gives a proved identity to a person, or answers user.ErrTaken.
	Link(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, i user.Identity) (added bool, err error)
	// Readdress puts a proved address in the place of another one of the session's person, or answers user.ErrTaken.
	Readdress(ctx context.Context, t tx.Tx, by actor.Actor, found session.Session, from, to string) error
	// Reserved returns whose address it was a short while ago, and can be again, or "".
	Reserved(ctx context.Context, t tx.Tx, account ident.AccountID, address string) (ident.UserID, error)
}

// errReserved refuses an address that its former owner can still take back.
var errReserved = fault.New(fault.Forbidden, fault.CodeForbidden, "This address was another account's until a short while ago.")

// TakesCodes tells whether a mailed code proves something here: where the policy lets one begin a sign-in, and where an address
// is changed, which is none.
func (f Facts) TakesCodes() bool {
	return f.Request.Replaces != "" || f.Policy.AllowsFirst(factor.EmailCode)
}

// linking decides for a request that links. It goes nowhere by itself: nothing is linked by opening an address.
func (f Facts) linking() Step {
	switch {
	case f.Session == nil || f.Session.User != f.Request.Link:
		return StepStranger
	case !session.Recent(*f.Session, f.Held.Second(), f.Now):
		return StepProve
	case f.Code != nil && f.Code.Live(f.Now):
		return StepCode
	}
	return StepChoose
}

// proveAnew sends the browser to prove who the person is, and back.
func (s *Service) proveAnew(ctx context.Context, v Visit, f Facts) (View, error) {
	r := f.Request
	again := Request{
		Account: v.Account, ID: NewID(), Application: r.Application, Party: r.Party, Return: "/login?state=" + string(r.ID),
		Fresh: true, ACR: session.RecentACR(f.Held.Second()), Twin: r.Twin,
	}
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Find(ctx, t, v.Account, r.Link)
		if err != nil {
			return gone(err)
		}
		for _, i := range u.Identities {
			if i.Connection == emailcode.Connection {
				again.Hint = i.Subject
			}
		}
		again.CreatedAt, again.ExpiresAt = t.Now(), t.Now().Add(RequestLife)
		return s.d.Store.Insert(ctx, t, again)
	})
	if err != nil {
		return View{}, err
	}
	return View{State: StateRedirect, ID: r.ID, Account: v.Account, Application: r.Application, Result: &Result{Location: Address(s.d.Accounts, again)}}, nil
}

// gone makes a person who is not there any more a page that is decided again.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return ErrMoved
	}
	return err
}

// link ends a request that links: the identity is the person's, and the session has one more proof of them.
func (s *Service) link(ctx context.Context, t tx.Tx, v Visit, r Request, p proved) (ended, error) {
	f, err := s.FactsIn(ctx, t, v, r.ID)
	if err != nil {
		return ended{}, err
	}
	// All of it was so when the page was shown. It is so now, or the page is decided again.
	step := Next(f)
	if step != StepCode && step != StepChoose || f.Request.Link == "" || p.named || p.known != "" || !s.Doors().Offered(f.Request, p.identity.Connection) {
		return ended{}, ErrMoved
	}
	who := userActor(v, f.Session.User, f.Session.ID)
	switch {
	case f.Request.Replaces == "":
		_, err = s.d.Links.Link(ctx, t, who, f.Session.User, p.identity)
	case p.identity.Connection == emailcode.Connection:
		err = s.d.Links.Readdress(ctx, t, who, *f.Session, f.Request.Replaces, p.identity.Subject)
	default:
		err = ErrMoved
	}
	if err != nil {
		return ended{}, gone(err)
	}
	person, err := s.d.Users.Find(ctx, t, v.Account, f.Session.User)
	if err != nil {
		return ended{}, gone(err)
	}
	proof := p.evidence(t.Now())
	proof.Tenant = f.Session.Tenant() // to link is not to arrive
	by := v.Actor
	by.Account = v.Account
	started, cookie, err := s.d.Sessions.Start(ctx, t, session.NewSession{Actor: by, User: person.ID, Evidence: proof, Previous: v.Session})
	if err != nil {
		return ended{}, err
	}
	return s.close(ctx, t, v, f.Request, ended{user: person, session: started, cookie: cookie})
}

// unreserved refuses to sign in with an address that its former owner can still take back.
func (s *Service) unreserved(ctx context.Context, t tx.Tx, r Request, p proved) error {
	if p.identity.Connection != emailcode.Connection || p.known != "" {
		return nil
	}
	whose, err := s.d.Links.Reserved(ctx, t, r.Account, p.identity.Subject)
	if err == nil && whose != "" && whose != r.Link {
		err = errReserved
	}
	return err
}

// linkProblem is what a failed link shows on the page, or none.
func linkProblem(err error) Problem {
	switch {
	case errors.Is(err, user.ErrTaken):
		return ProblemTaken
	case errors.Is(err, errReserved):
		return ProblemReserved
	}
	return ProblemNone
}

// fillLinking tells whose account is changed.
func (s *Service) fillLinking(ctx context.Context, view *View, f Facts) error {
	if f.Request.Link == "" || view.State != StateChoose && view.State != StateCode {
		return nil
	}
	return s.d.DB.Read(ctx, tx.In(view.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Find(ctx, t, view.Account, f.Request.Link)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		view.Linking, view.Replaces = &Person{ID: u.ID, Name: u.Name, Email: u.Email}, f.Request.Replaces
		return err
	})
}

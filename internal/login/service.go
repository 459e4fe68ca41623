package login

import (
	"context"
	"errors"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

const (
	browserPurpose = "login/browser"
	keepExpired    = 24 * time.Hour
)

// Service holds the verbs of a login.
type Service struct {
	d Deps
	// forward sends the browser to a connection's provider: package away.
	forward func(ctx context.Context, v Visit, r Request, id ident.ConnectionID) (View, error)
}

// New makes the service.
func New(d Deps) *Service { return &Service{d: d} }

// SendBy tells the service, while it is built, who sends the browser to a connection's provider.
func (s *Service) SendBy(forward func(ctx context.Context, v Visit, r Request, id ident.ConnectionID) (View, error)) {
	s.forward = forward
}

// ErrMoved undoes a unit of work whose request changed under it; the page is decided again.
var ErrMoved = errors.New("login: the request has moved on")

// View is GET /login?state=ID: it binds the login to the browser and says what to show.
func (s *Service) View(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	return s.show(ctx, v, id, shown{})
}

// shown is what a step adds to the page that comes next.
type shown struct {
	problem Problem
	fill    func(*View)
}

// show asks Next until a page or a redirect comes of it. Each round changes what Next sees, so
// it ends; the bound is a safeguard.
func (s *Service) show(ctx context.Context, v Visit, id ident.LoginID, add shown) (View, error) {
	fresh := secret.Text{}
	for range 6 {
		f, err := s.Facts(ctx, v, id)
		if err != nil {
			return View{}, err
		}
		step := Next(f)
		var view View
		switch step {
		case StepBind:
			if v.Browser.Empty() {
				fresh = secret.Random("")
				v.Browser = fresh
			}
			err = s.bind(ctx, v, id)
		case StepContinue:
			view, err = s.continueSession(ctx, v, f)
		case StepForward:
			view, err = s.forward(ctx, v, f.Request, f.Request.Connection)
		case StepComplete:
			view, err = s.complete(ctx, v, f)
		case StepProve:
			view, err = s.proveAnew(ctx, v, f)
		default:
			view, err = s.page(ctx, step, v, f, add)
		}
		if errors.Is(err, ErrMoved) || err == nil && step == StepBind {
			continue
		}
		view.NewBrowser = fresh
		return view, err
	}
	return View{}, fault.New(fault.Unavailable, fault.CodeUnavailable, "This sign-in is busy in another tab. Try again in a moment.")
}

// bind gives the request to the visitor's browser.
func (s *Service) bind(ctx context.Context, v Visit, id ident.LoginID) error {
	return s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		_, err := s.d.Store.Bind(ctx, t, v.Account, id, BrowserHash(v.Browser))
		return err
	})
}

// Facts reads the state that Next decides from.
func (s *Service) Facts(ctx context.Context, v Visit, id ident.LoginID) (f Facts, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		f, err = s.FactsIn(ctx, t, v, id)
		return err
	})
	return f, err
}

// FactsIn is Facts in a unit of work.
func (s *Service) FactsIn(ctx context.Context, t tx.Tx, v Visit, id ident.LoginID) (Facts, error) {
	f := Facts{Now: t.Now(), Browser: BrowserHash(v.Browser), Later: v.Later}
	r, err := s.d.Store.Get(ctx, t, v.Account, id)
	if fault.Is(err, fault.NotFound) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if !s.Returns(r) {
		return f, nil
	}
	f.Found, f.Request = true, r
	if !r.BoundTo(f.Browser) {
		return f, nil
	}
	if f.Lost, err = s.lost(ctx, t, r); err != nil {
		return f, err
	}
	code, err := s.d.EmailCodes.Store.Get(ctx, t, v.Account, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return f, err
	}
	if err == nil {
		f.Code = &code
	}
	found, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
	if err != nil && !errors.Is(err, session.ErrNone) {
		return f, err
	}
	if err == nil {
		// A session of somebody who is gone is no session.
		switch _, err := s.d.Users.Find(ctx, t, v.Account, found.User); {
		case err == nil:
			f.Session = &found
			if f.Tenant, err = TenantOf(ctx, t, s.d.Tenants, found); err != nil {
				return f, err
			}
		case !fault.Is(err, fault.NotFound):
			return f, err
		}
	}
	if r.MultiAccount && f.Session != nil {
		if f.Aside, err = s.d.Sessions.Aside(ctx, t, *f.Session); err != nil {
			return f, err
		}
	}
	return f, s.factors(ctx, t, v, &f, f.Whose())
}

// Open tells whether a step may work on the request: it belongs to this browser, and it is
// neither finished nor expired. An unbound request is bound first, if the browser has a cookie.
func (s *Service) Open(ctx context.Context, v Visit, id ident.LoginID) (Facts, bool, error) {
	f, err := s.Facts(ctx, v, id)
	if err != nil {
		return f, false, err
	}
	step := Next(f)
	if step == StepBind && !v.Browser.Empty() {
		if err := s.bind(ctx, v, id); err != nil {
			return f, false, err
		}
		if f, err = s.Facts(ctx, v, id); err != nil {
			return f, false, err
		}
		step = Next(f)
	}
	return f, step.Open() || f.Request.Subject == "" && (step == StepSecond || step == StepEnrol), nil
}

// Refused is the page for a step that may not work on the request. A form that arrives without
// the cookie which its page has set comes from a browser that keeps none.
func (s *Service) Refused(ctx context.Context, v Visit, f Facts) (View, error) {
	step := Next(f)
	switch step {
	case StepBind:
		step = StepNoCookie
	case StepProve:
		return s.show(ctx, v, f.Request.ID, shown{})
	}
	return s.page(ctx, step, v, f, shown{})
}

// Purge deletes up to limit rows of each kind that nobody can need any more.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		rows, err := s.d.Store.Purge(ctx, t, t.Now().Add(-keepExpired), limit)
		if err != nil {
			return err
		}
		codes, err := s.d.EmailCodes.Store.Purge(ctx, t, limit)
		n = rows + codes
		return err
	})
	return n, err
}

// BrowserHash is what is kept of a browser cookie; nil when there is none.
func BrowserHash(cookie secret.Text) []byte {
	if cookie.Empty() {
		return nil
	}
	return secret.Hash(browserPurpose, cookie.Reveal())
}

func userActor(v Visit, user ident.UserID, sid ident.SessionID) actor.Actor {
	a := v.Actor
	a.Kind, a.Account, a.ID, a.Session = actor.User, v.Account, string(user), sid
	return a
}

// Returns tells whether the application still takes people back at the request's address. What
// it lost after the request was made, or its own removal, ends the request (I-11).
func (s *Service) Returns(r Request) bool {
	if r.errand() && r.Application == "" {
		return true
	}
	app, ok := s.d.Applications.Get(r.Account, r.Application)
	return ok && (len(r.Setup) > 0 || r.errand() || app.AllowsRedirect(r.RedirectURL))
}

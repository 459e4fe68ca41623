package authorize

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

const (
	pushedPurpose = "oauth/pushed-request"
	// EventAuthorized tells that a code was made for a client; the target is the client.
	EventAuthorized = "oauth.authorized"
	// EventRefused tells that a person said no on the consent page.
	EventRefused = "oauth.refused"
)

// Logins is the login box. *login.Service is one.
type Logins interface {
	StartErrandIn(ctx context.Context, t tx.Tx, e login.Errand) (login.Started, error)
	Finished(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID) (ident.UserID, ident.SessionID, bool, error)
}

// Sessions knows the browser's session. *session.Service does.
type Sessions interface {
	ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (session.Session, error)
	Resume(ctx context.Context, account ident.AccountID, cookie secret.Text) (session.Session, error)
	Unnoted(found session.Session, now time.Time) bool
	RenewIn(ctx context.Context, t tx.Tx, u session.Use) (session.Session, secret.Text, error)
}

// Users finds people. *user.Service does.
type Users interface {
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Deps is what the service works with.
type Deps struct {
	DB       tx.Runner
	Store    Store
	Codes    oauth.Codes
	Logins   Logins
	Sessions Sessions
	Users    Users
	Consents Consents
	// Enough tells whether a session is what the policy demands of sign-ins to an application, which may be empty.
	Enough func(ctx context.Context, t tx.Tx, v Visit, found session.Session, app ident.ApplicationID) (bool, error)
	// Asked tells whether people are asked before the client gets anything.
	Asked func(oauth.Client) bool
	// Tools is what the checks ask; TakePushed is the service's own.
	Tools check.Tools
	// Sign makes the JWT of an answer for a client (JARM).
	Sign func(ctx context.Context, c oauth.Client, claims map[string]any) (secret.Text, error)
	Log  *slog.Logger
}

// Service holds the verbs of an authorization request.
type Service struct {
	d        Deps
	familiar *familiar
}

// New makes the service.
func New(d Deps) *Service {
	s := &Service{d, newFamiliar()}
	s.d.Tools.TakePushed = s.takePushed
	return s
}

// Begin is a browser's arrival at the authorization endpoint. An error is for a page of ours.
func (s *Service) Begin(ctx context.Context, v Visit, sent check.Sent) (Outcome, error) {
	sent.Account, sent.Stage = v.Account, check.Arrival
	r, err := check.Run(ctx, &s.d.Tools, sent)
	if err != nil {
		return s.refuse(ctx, v, r, err)
	}
	return s.proceed(ctx, v, r, Request{})
}

// Resume is the browser's return from the login box or the consent page. The checks run again:
// what the client lost meanwhile ends the request.
func (s *Service) Resume(ctx context.Context, v Visit, id string) (Outcome, error) {
	row, r, err := s.open(ctx, v, id)
	if err != nil {
		return s.lost(ctx, v, row, r, err)
	}
	return s.proceed(ctx, v, r, row)
}

// ErrGone is for a request that this browser cannot go on with.
var ErrGone = oauth.Fail(oauth.InvalidRequest, "This sign-in request is over, too old, or was begun in another browser. Go back to the application and begin again.")

// open reads a request of this browser and lets the checks look at it again.
func (s *Service) open(ctx context.Context, v Visit, id string) (row Request, r *check.Request, err error) {
	browser := login.BrowserHash(v.Browser)
	if browser == nil || id == "" {
		return Request{}, nil, ErrGone
	}
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		row, err = s.d.Store.Get(ctx, t, v.Account, id, browser)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return Request{}, nil, ErrGone
	}
	if err != nil {
		return Request{}, nil, err
	}
	r, err = check.Run(ctx, &s.d.Tools, check.Sent{
		Account: v.Account, Stage: check.Return, Params: row.Params, Pushed: row.Pushed, Signed: row.Signed, Extension: row.Extension,
	})
	return row, r, err
}

// lost ends a request that cannot go on.
func (s *Service) lost(ctx context.Context, v Visit, row Request, r *check.Request, why error) (Outcome, error) {
	if r == nil {
		if e, ok := errors.AsType[*oauth.Error](why); ok {
			s.note(ctx, v, "", e)
			return Outcome{Problem: e}, nil
		}
		return Outcome{}, why
	}
	if oauth.CodeOf(why) == "" { // it may go on later
		return s.refuse(ctx, v, r, why)
	}
	return s.end(ctx, v, row, r, why)
}

// end uses the request up and tells why.
func (s *Service) end(ctx context.Context, v Visit, row Request, r *check.Request, why error) (Outcome, error) {
	if row.ID != "" {
		err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
			if err := s.d.Store.Take(ctx, t, v.Account, row.ID, row.Browser); err != nil {
				return err
			}
			if oauth.CodeOf(why) != oauth.AccessDenied {
				return nil
			}
			return t.Emit(ctx, event.New(person(v, row.User), EventRefused, r.Client.ID, "request", row.ID))
		})
		if fault.Is(err, fault.NotFound) {
			return Outcome{Problem: ErrGone}, nil
		}
		if err != nil {
			return Outcome{}, err
		}
	}
	return s.refuse(ctx, v, r, why)
}

// proceed decides what is missing, and gets it or gives the code.
func (s *Service) proceed(ctx context.Context, v Visit, r *check.Request, row Request) (Outcome, error) {
	if row.ID == "" && s.familiar.has(v) {
		if out, done, err := s.atOnce(ctx, v, r); done {
			return out, err
		}
	}
	f, err := s.facts(ctx, v, r, row)
	if err != nil {
		return s.refuse(ctx, v, r, err)
	}
	need, err := decide(r, f)
	if err != nil {
		return s.end(ctx, v, row, r, err)
	}
	switch {
	case need.login:
		return s.sendToLogin(ctx, v, r, row, need)
	case need.consent:
		return s.sendToConsent(ctx, v, r, row, f)
	}
	return s.give(ctx, v, r, row, f)
}

// Purge deletes up to limit rows of each kind that nobody can need any more.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-oauth.RequestLife), limit)
		return err
	})
	return n, err
}

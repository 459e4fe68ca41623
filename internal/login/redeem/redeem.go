package redeem

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/demand"
	"github.com/admit-id/admit/internal/session"
)

const (
	minVerifier = 43  // RFC 7636 section 4.1
	maxVerifier = 256 // beyond RFC 7636: the browser SDK makes up to about 234
)

// AnyLogin is the id in the exchange of clients that do not know their request's id. The code
// alone finds the request then; all other bindings hold.
const AnyLogin ident.LoginID = "-"

// ErrRefused is every reason not to redeem a code: unknown, expired, used, or bound to another
// request, application, redirect URL or verifier. Which one it was is not told.
var ErrRefused = fault.New(fault.Invalid, "invalid_request", "The code is wrong, expired or used already. Start a new sign-in.")

// Request is POST /api/authentication/{id}/tokens.
type Request struct {
	Account     ident.AccountID
	Actor       actor.Actor
	ID          ident.LoginID
	Application ident.ApplicationID
	RedirectURL string
	Code        secret.Text
	Verifier    secret.Text
}

// Exchange redeems an authorization code for tokens, once (RFC 6749 section 4.1.3, RFC 7636).
// Redeemed again by one who knows the verifier, it ends the session that the first redemption
// got its tokens from.
func (s *Service) Exchange(ctx context.Context, r Request) (login.Tokens, error) {
	if !validVerifier(r.Verifier.Reveal()) || r.Code.Empty() || r.ID == "" ||
		!s.returns(r.Account, r.Application, r.RedirectURL) {
		return login.Tokens{}, ErrRefused
	}
	want := login.Code{
		Account: r.Account, Hash: login.CodeHash(r.Code), Login: r.ID, Application: r.Application,
		RedirectURL: r.RedirectURL, Challenge: challengeOf(r.Verifier),
	}
	if want.Login == AnyLogin {
		want.Login = ""
	}
	var g login.Grant
	var refused error
	err := s.d.DB.Write(ctx, tx.In(r.Account), func(ctx context.Context, t tx.Tx) (err error) {
		g, refused = login.Grant{}, nil
		code, err := s.d.Codes.TakeCode(ctx, t, want)
		if fault.Is(err, fault.NotFound) {
			refused = ErrRefused
			return s.codeReused(ctx, t, r.Actor, want)
		}
		if err != nil {
			return err
		}
		g, err = s.redeem(ctx, t, r, code)
		return err
	})
	switch {
	case errors.Is(err, session.ErrNone) || fault.Is(err, fault.NotFound):
		return login.Tokens{}, ErrRefused
	case err != nil:
		return login.Tokens{}, err
	case refused != nil:
		return login.Tokens{}, refused
	}
	// Signing takes longer than all of the above, and others wait for the writer. When it
	// fails the code is used up, as it is when the answer gets lost.
	return s.d.Issuer.Issue(ctx, g)
}

// redeem says what a code that was just used up gives, if its session still lives.
func (s *Service) redeem(ctx context.Context, t tx.Tx, r Request, code login.Code) (login.Grant, error) {
	found, err := s.d.Sessions.ByID(ctx, t, r.Account, code.Session)
	if err != nil {
		return login.Grant{}, err
	}
	g, err := s.grant(ctx, t, found, code.Application)
	if err != nil {
		return login.Grant{}, err
	}
	return g, t.Emit(ctx, event.New(r.Actor, "login.code.redeemed", string(code.Login), "session", string(g.Session.ID)))
}

// codeReused ends the session of a code that comes a second time with everything it is bound to.
func (s *Service) codeReused(ctx context.Context, t tx.Tx, a actor.Actor, want login.Code) error {
	spent, err := s.d.Codes.SpentCode(ctx, t, want)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.Emit(ctx, event.New(a, "login.code.reused", string(spent.Login), "session", string(spent.Session))); err != nil {
		return err
	}
	return s.d.Sessions.EndIn(ctx, t, a, spent.Session)
}

// Renewed is what a silent renewal gives. The cookie is to be set, always: it has replaced the one that came.
type Renewed struct {
	Tokens  login.Tokens
	Session session.Session
	Cookie  secret.Text
}

// enough tells whether a session is what the policy demands for the application: one that was begun for
// another application may be less. An application for which it was used has asked the login box before; of
// another one the box alone knows whether the browser is remembered.
func (s *Service) enough(ctx context.Context, t tx.Tx, found session.Session, app ident.ApplicationID) (ok bool, err error) {
	f := demand.Facts{Policy: s.d.Policies.Of(found.Account, found.Tenant(), app), Evidence: found.Evidence, Used: slices.Contains(found.Applications, string(app))}
	if f.Remembered = f.Used; !f.Used && f.Policy.SecondWhen == policy.WhenHeld {
		f.Held, err = s.d.Held(ctx, t, found.Account, found.User)
	}
	return err == nil && demand.Answers(f), err
}

// Renew issues fresh tokens for an application from a living session: silent renewal. The session's
// secret rotates. session.ErrNone when the cookie stands for none.
func (s *Service) Renew(ctx context.Context, a actor.Actor, cookie secret.Text, app ident.ApplicationID) (out Renewed, err error) {
	var g login.Grant
	var mark uint64
	if s.d.People != nil {
		mark = s.d.People.Mark()
	}
	out.Session, out.Cookie, err = s.d.Sessions.Renew(ctx, session.Use{
		Actor: a, Cookie: cookie, Application: string(app),
		Look: func(ctx context.Context, t tx.Tx, found session.Session) (err error) {
			ok, err := s.enough(ctx, t, found, app)
			if err == nil && !ok {
				err = session.ErrNone
			}
			if err != nil {
				return err
			}
			g, err = s.grant(ctx, t, found, app)
			return err
		},
	})
	if fault.Is(err, fault.NotFound) {
		return Renewed{}, session.ErrNone
	}
	if err != nil {
		return Renewed{}, err
	}
	if s.d.People != nil {
		s.d.People.Remember(a.Account, g.User, mark)
	}
	g.Session = out.Session
	out.Tokens, err = s.d.Issuer.Issue(ctx, g)
	return out, err
}

func challengeOf(verifier secret.Text) string {
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// validVerifier holds the unreserved characters of RFC 7636 section 4.1.
func validVerifier(v string) bool {
	if len(v) < minVerifier || len(v) > maxVerifier {
		return false
	}
	for i := range len(v) {
		c := v[i]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

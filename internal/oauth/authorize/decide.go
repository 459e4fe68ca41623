package authorize

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/session"
)

// facts is the stored state that is decided from.
type facts struct {
	now           time.Time
	session       *session.Session // the browser's living session of an active person, or nil
	stale         bool             // its use is to be noted
	begun         time.Time        // when the request was stored; zero on arrival
	back          bool             // the login that the request waited for is finished
	enough        bool             // the session is what the policy demands for the client
	asked         bool             // the client is one that people are asked about
	ask           bool             // this person has not allowed it all before
	decision      Decision         // of this person, on this request
	authorization oauth.Authorization
}

// facts reads the state.
func (s *Service) facts(ctx context.Context, v Visit, r *check.Request, row Request) (f facts, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		f, err = s.factsIn(ctx, t, v, r, row)
		return err
	})
	return f, err
}

func (s *Service) factsIn(ctx context.Context, t tx.Tx, v Visit, r *check.Request, row Request) (facts, error) {
	f := facts{now: t.Now(), begun: row.CreatedAt, asked: s.d.Asked(r.Client)}
	var finished ident.SessionID // in which the login ended that the request waited for
	if row.Login != "" {
		_, in, done, err := s.d.Logins.Finished(ctx, t, v.Account, row.Login)
		if err != nil {
			return f, err
		}
		f.back, finished = done, in
	}
	found, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
	if errors.Is(err, session.ErrNone) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if _, err := s.d.Users.Find(ctx, t, v.Account, found.User); err != nil {
		if fault.Is(err, fault.NotFound) { // a session of somebody who is gone is no session
			return f, nil
		}
		return f, err
	}
	f.session, f.stale = &found, s.d.Sessions.Unnoted(found, f.now)
	f.authorization = authorizationOf(r, found, f.asked)
	if f.enough = f.back && finished == found.ID; !f.enough { // what the login box has just judged is not judged again
		if f.enough, err = s.d.Enough(ctx, t, v, found, r.Client.Application); err != nil {
			return f, err
		}
	}
	if row.User == found.User {
		f.decision = row.Decision
	}
	if f.asked {
		f.ask, err = s.d.Consents.Needed(ctx, t, v.Account, found.User, r.Client, f.authorization)
	}
	return f, err
}

// authorizationOf is what the client gets. Its assurance is that of the session's evidence now (I-9).
// Single claims are within the scopes that people are asked about, or else that the client may ask for.
func authorizationOf(r *check.Request, found session.Session, asked bool) oauth.Authorization {
	may := r.Client.Settings.Scopes
	if asked {
		may = r.Scopes
	}
	return oauth.Authorization{
		Account: r.Account, Client: r.Client.ID, User: found.User, Session: found.ID, Root: found.Root, Connection: found.Connection,
		Scopes: r.Scopes, Resources: r.Resources, Details: r.Details, Claims: oauth.ClaimsWithin(r.Claims, may), Nonce: r.Nonce,
		AuthTime: found.AuthTime(), AMR: found.AMR(), ACR: acrOf(r, found), JKT: r.JKT,
	}
}

// acrOf is the class that the session fulfils. Where some are essential, it is the best of those: the client
// compares (OpenID Connect Core section 5.5.1.1).
func acrOf(r *check.Request, found session.Session) string {
	has := found.ACR()
	for _, one := range slices.Backward(SupportedACR()) {
		if slices.Contains(r.Essential, one) && session.Fulfils(has, one) {
			return one
		}
	}
	return has
}

// need is what a request still needs. The zero value: nothing.
type need struct {
	login, fresh, choose bool
	acr                  string // that the login must reach, or empty
	wish                 bool   // or need not, where the person cannot
	consent              bool
	confirm              bool // the page asks whether to go on, and for nothing else
}

// SupportedACR are the authentication contexts that a session can reach, weakest first.
func SupportedACR() []string { return session.ACRs() }

// wanted is the class to ask for: the first one that is known of those that are essential, or else wished.
func wanted(r *check.Request) string {
	list := r.ACR
	if len(r.Essential) > 0 {
		list = r.Essential
	}
	if i := slices.IndexFunc(list, func(one string) bool { return slices.Contains(SupportedACR(), one) }); i >= 0 {
		return list[i]
	}
	return ""
}

// reached tells whether the session is of one of the classes that are essential, or of the one that is wished.
func reached(r *check.Request, found session.Session) bool {
	if len(r.Essential) > 0 {
		return slices.ContainsFunc(r.Essential, func(one string) bool { return session.Fulfils(found.ACR(), one) })
	}
	return wanted(r) == "" || session.Fulfils(found.ACR(), wanted(r))
}

var (
	errLogin   = oauth.Fail(oauth.LoginRequired, "The person must sign in or prove anew who they are, and prompt is none.")
	errPerson  = oauth.Fail(oauth.LoginRequired, "Another person signed in than the one who was asked for.")
	errACR     = oauth.Fail(oauth.UnmetAuthentication, "None of the authentication contexts that are essential can be reached.")
	errConsent = oauth.Fail(oauth.ConsentRequired, "The person must be asked for consent, and prompt is none.")
	errConfirm = oauth.Fail(oauth.InteractionRequired, "The client cannot prove itself, and any program on the person's machine can have its address: the person must say that they want it, and prompt is none (RFC 8252 section 8.6).")
	errDenied  = oauth.Fail(oauth.AccessDenied, "The person did not allow it.")
)

// decide is a function of the request and stored state alone. What is not provided for ends in a
// login, which grants nothing.
func decide(r *check.Request, f facts) (need, error) {
	if len(r.Essential) > 0 && wanted(r) == "" {
		return need{}, errACR
	}
	n := needLogin(r, f)
	n.acr, n.wish = wanted(r), len(r.Essential) == 0
	switch {
	case n.login && r.Prompt.None:
		return need{}, errLogin
	case n.login && f.wrongPerson(r) && f.back:
		return need{}, errPerson
	case n.login:
		return n, nil
	case !f.enough && r.Prompt.None:
		return need{}, errLogin
	case !f.enough, !reached(r, *f.session) && !r.Prompt.None && !f.back:
		return need{login: true, acr: n.acr, wish: n.wish}, nil
	case !reached(r, *f.session) && len(r.Essential) > 0:
		return need{}, errACR
	}
	return decideConsent(r, f)
}

// decideConsent is for a session that is good enough.
func decideConsent(r *check.Request, f facts) (need, error) {
	switch {
	case f.decision == Denied:
		return need{}, errDenied
	case f.decision == Allowed:
		return need{}, nil
	case f.asked && (f.ask || r.Prompt.Consent):
		if r.Prompt.None {
			return need{}, errConsent
		}
		return need{consent: true}, nil
	case f.unproved(r):
		if r.Prompt.None {
			return need{}, errConfirm
		}
		return need{consent: true, confirm: true}, nil
	}
	return need{}, nil
}

// unproved tells whether a code would go, without a word to the person, to whichever program took the
// client's id and address: the client is public, its address is a private-use one or that of a native
// client on the machine itself, and nobody has just signed in for this request (RFC 8252 section 8.6). The
// page of a web application that is being developed is no native client: it renews in a frame.
func (f facts) unproved(r *check.Request) bool {
	scheme, _, _ := strings.Cut(r.RedirectURI, ":")
	native := r.Client.Settings.Native || scheme != "http" && scheme != "https"
	return r.Client.Public() && native && application.IsLocal(r.RedirectURI) && !f.back
}

// needLogin tells whether the session is none that the request takes.
func needLogin(r *check.Request, f facts) need {
	if f.session == nil {
		return need{login: true, choose: r.Prompt.Select}
	}
	proved := f.session.AuthTime()
	since := !f.begun.IsZero() && !proved.Before(f.begun) // proved for this request, or while it waited
	tooOld := r.MaxAge == 0 || r.MaxAge > 0 && f.now.Sub(proved) > r.MaxAge
	switch {
	case !since && (r.Prompt.Login || tooOld):
		return need{login: true, fresh: true, choose: r.Prompt.Select}
	case f.wrongPerson(r):
		return need{login: true, fresh: true}
	case r.Prompt.Select && !f.back:
		return need{login: true, choose: true}
	}
	return need{}
}

func (f facts) wrongPerson(r *check.Request) bool {
	return f.session != nil && r.Subject != "" && f.session.User != r.Subject
}

// person is the actor of what somebody does on our pages.
func person(v Visit, id ident.UserID) actor.Actor {
	a := v.Actor
	a.Account = v.Account
	if id != "" {
		a.Kind, a.ID = actor.User, string(id)
	}
	return a
}

package front

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// Authorizations are the verbs of an authorization request. *authorize.Service has them.
type Authorizations interface {
	Begin(ctx context.Context, v authorize.Visit, sent check.Sent) (authorize.Outcome, error)
	Resume(ctx context.Context, v authorize.Visit, id string) (authorize.Outcome, error)
	Push(ctx context.Context, p authorize.PushRequest) (authorize.Reference, error)
}

// Clients lets clients prove themselves. *party.Parties does.
type Clients interface {
	Authenticate(ctx context.Context, account ident.AccountID, p party.Presented) (oauth.Client, error)
}

// Proofs judges proofs of possession. *dpop.Service does.
type Proofs interface {
	Check(ctx context.Context, account ident.AccountID, r dpop.Request, w dpop.Want) (jkt string, err error)
	Nonce(account ident.AccountID, kind dpop.Kind) string
}

// Pages are the pages of ours that a request may end at. *ask.Surface has them.
type Pages interface {
	Error(w http.ResponseWriter, r *http.Request, err error)
	// OAuthError says what is wrong with a request that cannot be answered to its client.
	OAuthError(w http.ResponseWriter, r *http.Request, e *oauth.Error) error
	// PostForm is a page that posts values to action by itself.
	PostForm(w http.ResponseWriter, r *http.Request, action string, values url.Values) error
}

// Deps is what the surface works with.
type Deps struct {
	Requests Authorizations
	Clients  Clients
	Proofs   Proofs
	Pages    Pages
	Issuer   func(ident.AccountID) string
	// Home is what stands at / for who brings no client_id; optional.
	Home web.Handler
}

// Surface serves the endpoints.
type Surface struct{ deps Deps }

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d} }

// secure tells whether the account is reached by https, which decides the cookies' names.
func (s *Surface) secure(account ident.AccountID) bool {
	return strings.HasPrefix(s.deps.Issuer(account), "https://")
}

// visit reads what the browser brought.
func (s *Surface) visit(r *http.Request) authorize.Visit {
	account := web.AccountOf(r)
	secure := s.secure(account)
	return authorize.Visit{
		Account: account, Actor: web.ActorOf(r), Host: r.Host,
		Browser: web.Cookie(r, login.BrowserCookieName(secure)),
		Session: web.JoinedCookie(r, session.CookieName(secure), session.BoundCookieName(secure)),
		Device:  web.Cookie(r, login.DeviceCookieName(secure)),
	}
}

var (
	errQuery  = oauth.Fail(oauth.InvalidRequest, "The query of this address cannot be read.")
	errNoPage = fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing at this address.")
)

// authorize is GET and POST /oauth/authorize.
func (s *Surface) authorize(w http.ResponseWriter, r *http.Request) error {
	sent, err := sentOf(r)
	if err != nil {
		return s.tell(w, r, authorize.Outcome{}, err)
	}
	return s.begin(w, r, sent)
}

// extension is GET / with a client_id: the authorization endpoint of extensions.
func (s *Surface) extension(w http.ResponseWriter, r *http.Request) error {
	sent, err := sentOf(r)
	if err != nil || sent.Query.Get("client_id") == "" {
		if s.deps.Home != nil {
			return s.deps.Home(w, r)
		}
		return errNoPage
	}
	sent.Extension = true
	return s.begin(w, r, sent)
}

func (s *Surface) begin(w http.ResponseWriter, r *http.Request, sent check.Sent) error {
	v := s.visit(r)
	if r.Method == http.MethodPost && crossSite(r) {
		// Cookies that are SameSite=Lax stay away from the POST of another site: nobody seems signed
		// in. The same request as a GET brings them.
		if to, ok := asGet(r, sent.Form); ok {
			wire.NoStore(w.Header())
			return web.SeeOther(w, to)
		}
	}
	out, err := s.deps.Requests.Begin(r.Context(), v, sent)
	return s.tell(w, r, out, err)
}

// maxGet is how long a query may be that a POST of another site is turned into, in bytes.
const maxGet = 16 << 10

// crossSite tells whether a browser says that another site's page caused the request.
func crossSite(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "cross-site" }

func asGet(r *http.Request, form url.Values) (string, bool) {
	q := form.Encode()
	return PathAuthorize + "?" + q, r.URL.RawQuery == "" && q != "" && len(q) <= maxGet
}

// sentOf reads the parameters as they came: the checks judge them.
func sentOf(r *http.Request) (check.Sent, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return check.Sent{}, errQuery
	}
	sent := check.Sent{Query: query}
	if r.Method == http.MethodPost {
		if sent.Form, err = wire.Raw(r); err != nil {
			return check.Sent{}, err
		}
	}
	return sent, nil
}

// resume is GET /oauth/resume: back from the login box or the consent page.
func (s *Surface) resume(w http.ResponseWriter, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["request"]) != 1 {
		return s.tell(w, r, authorize.Outcome{}, errQuery)
	}
	out, err := s.deps.Requests.Resume(r.Context(), s.visit(r), query.Get("request"))
	return s.tell(w, r, out, err)
}

// tell answers the browser.
func (s *Surface) tell(w http.ResponseWriter, r *http.Request, out authorize.Outcome, err error) error {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		out.Problem, err = e, nil
	}
	if err != nil {
		return err
	}
	secure := s.secure(web.AccountOf(r))
	if !out.Session.Empty() {
		http.SetCookie(w, &http.Cookie{
			Name: session.CookieName(secure), Value: out.Session.Reveal(), Path: "/", Expires: out.SessionExpires, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	if !out.NewBrowser.Empty() {
		http.SetCookie(w, &http.Cookie{
			Name: login.BrowserCookieName(secure), Value: out.NewBrowser.Reveal(), Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	switch {
	case out.Problem != nil:
		return s.deps.Pages.OAuthError(w, r, out.Problem)
	case out.Form != nil:
		return s.deps.Pages.PostForm(w, r, out.Form.Action, out.Form.Values)
	}
	wire.NoStore(w.Header())
	return web.SeeOther(w, out.Location)
}

type pushedBody struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// push is POST /oauth/par: RFC 9126.
func (s *Surface) push(w http.ResponseWriter, r *http.Request) error {
	form, err := wire.Form(r, "resource")
	if err != nil {
		return err
	}
	account := web.AccountOf(r)
	c, err := s.deps.Clients.Authenticate(r.Context(), account, wire.Presented(r, form, s.deps.Issuer(account)+PathPush))
	if err != nil {
		return err
	}
	jkt, err := s.deps.Proofs.Check(r.Context(), account, wire.Proof(r), dpop.Want{})
	if len(r.Header.Values("Dpop")) > 0 {
		w.Header().Set("DPoP-Nonce", s.deps.Proofs.Nonce(account, dpop.ForServer))
	}
	if err != nil {
		return err
	}
	ref, err := s.deps.Requests.Push(r.Context(), authorize.PushRequest{Account: account, Client: c, Form: form, JKT: jkt})
	if err != nil {
		return err
	}
	wire.NoStore(w.Header())
	return web.JSON(w, http.StatusCreated, pushedBody{ref.URI, int64(ref.Life.Seconds())})
}

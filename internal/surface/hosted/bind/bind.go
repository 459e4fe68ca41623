// Package bind owns the endpoints by which browsers bind sessions to keys of theirs, as Device Bound Session
// Credentials (W3C draft) describe them: the header that offers it, registration, and refresh.
//
// Browsers call the endpoints by themselves, sometimes on behalf of another site's navigation and then
// without this site's cookies. What a request may do is proved by what its headers say and no page can
// send elsewhere, so no origin is asked for.
//
// Entry points: Surface.Routes, Surface.Offer.
//
// Never: what a proof must be (session/dbsc).
package bind

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/dbsc"
)

// The paths.
const (
	PathBind    = "/session/bind"
	PathRefresh = "/session/refresh"
)

// The headers of the draft, in the form that net/http keeps them in.
const (
	headerRegistration = "Secure-Session-Registration"
	headerChallenge    = "Secure-Session-Challenge"
	headerResponse     = "Secure-Session-Response"
	headerID           = "Sec-Secure-Session-Id"
)

// Bindings are the verbs; *dbsc.Service has them.
type Bindings interface {
	Offer(ctx context.Context, account ident.AccountID, cookie secret.Text) (string, error)
	Register(ctx context.Context, r dbsc.Registration) (dbsc.Bound, error)
	Refresh(ctx context.Context, r dbsc.Refreshing) (dbsc.Refreshed, error)
}

// Deps is what the surface works with.
type Deps struct {
	Bindings Bindings
	Issuer   func(ident.AccountID) string
	Log      *slog.Logger
}

// Surface serves the endpoints.
type Surface struct{ d Deps }

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d} }

// Routes declares the endpoints.
func (s *Surface) Routes() []web.Route {
	route := func(path string, h web.Handler) web.Route {
		return web.Route{
			Method: http.MethodPost, Pattern: path, Auth: web.Public, Scope: web.Account,
			Limit: web.LimitSession, CORS: web.NoCORS, Handler: h,
		}
	}
	return []web.Route{route(PathBind, s.bind), route(PathRefresh, s.refresh)}
}

func (s *Surface) secure(account ident.AccountID) bool {
	return strings.HasPrefix(s.d.Issuer(account), "https://")
}

// Offer adds to an answer that gives the browser a new session cookie what lets it bind the session.
// Browsers do so over https only. When it fails, the session is not bound, which a policy may not suffer.
func (s *Surface) Offer(w http.ResponseWriter, r *http.Request, cookie secret.Text) {
	account := web.AccountOf(r)
	if !s.secure(account) {
		return
	}
	challenge, err := s.d.Bindings.Offer(r.Context(), account, cookie)
	if err != nil {
		s.d.Log.WarnContext(r.Context(), "a session could not be offered to be bound", "account", account, "error", err)
		return
	}
	if challenge != "" {
		w.Header().Add(headerRegistration, `(`+dbsc.Algorithm+`);path="`+PathBind+`";challenge="`+challenge+`"`)
	}
}

// bind is POST /session/bind.
func (s *Surface) bind(w http.ResponseWriter, r *http.Request) error {
	account := web.AccountOf(r)
	secure := s.secure(account)
	b, err := s.d.Bindings.Register(r.Context(), dbsc.Registration{
		Actor: web.ActorOf(r), Proofs: texts(r, headerResponse),
		Cookie: web.JoinedCookie(r, session.CookieName(secure), session.BoundCookieName(secure)),
	})
	if err != nil {
		return err
	}
	return s.give(w, account, b)
}

// refresh is POST /session/refresh: without a proof, or with one that is not taken, it is answered by a challenge.
func (s *Surface) refresh(w http.ResponseWriter, r *http.Request) error {
	ids := texts(r, headerID)
	if len(ids) != 1 || ids[0] == "" {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The header "+headerID+" names one session.")
	}
	out, err := s.d.Bindings.Refresh(r.Context(), dbsc.Refreshing{Actor: web.ActorOf(r), ID: ids[0], Proofs: texts(r, headerResponse)})
	if err != nil {
		return err
	}
	if out.Challenge == "" {
		return s.give(w, web.AccountOf(r), out.Bound)
	}
	w.Header().Set(headerChallenge, `"`+out.Challenge+`";id="`+ids[0]+`"`)
	if out.Refused != nil {
		return out.Refused
	}
	return fault.New(fault.Forbidden, fault.CodeForbidden, "Prove the session's key with the challenge of the header "+headerChallenge+".")
}

// texts returns what the values of a header say: an sf-string, whose parameters mean nothing
// (RFC 9651), or, as Chromium sends proofs, the text alone. One that is of another form says "".
func texts(r *http.Request, header string) []string {
	var out []string
	for _, v := range r.Header.Values(header) {
		out = append(out, text(v))
	}
	return out
}

func text(v string) string {
	v = strings.Trim(v, " ")
	if quoted, ok := strings.CutPrefix(v, `"`); ok {
		var after string
		if v, after, ok = strings.Cut(quoted, `"`); !ok || after != "" && after[0] != ';' {
			return ""
		}
	}
	if strings.ContainsFunc(v, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}) {
		return ""
	}
	return v
}

type configBody struct {
	ID          string           `json:"session_identifier"`
	Refresh     string           `json:"refresh_url"`
	Scope       scopeBody        `json:"scope"`
	Credentials []credentialBody `json:"credentials"`
	Initiators  []string         `json:"allowed_refresh_initiators"`
}

type scopeBody struct {
	Origin string     `json:"origin"`
	Site   bool       `json:"include_site"`
	Rules  []ruleBody `json:"scope_specification"`
}

type ruleBody struct {
	Type   string `json:"type"`
	Domain string `json:"domain"`
	Path   string `json:"path"`
}

type credentialBody struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Attributes string `json:"attributes"`
}

// excluded are paths that no session cookie counts for.
var excluded = []string{"/assets", "/v1", "/.well-known", PathBind}

// give sets the bound cookie and tells the browser what the session covers. Navigations from any site
// may have it refreshed: an application's sign-in may begin with a link in somebody's mail.
func (s *Surface) give(w http.ResponseWriter, account ident.AccountID, b dbsc.Bound) error {
	secure := s.secure(account)
	name := session.BoundCookieName(secure) + "-" + b.Suffix()
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: b.Value.Reveal(), Path: "/", MaxAge: int(dbsc.CookieLife / time.Second),
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	attributes := "Path=/; HttpOnly; SameSite=Lax"
	if secure {
		attributes += "; Secure"
	}
	body := configBody{
		ID: b.ID, Refresh: PathRefresh, Scope: scopeBody{Origin: s.d.Issuer(account)},
		Credentials: []credentialBody{{"cookie", name, attributes}}, Initiators: []string{"*"},
	}
	for _, path := range excluded {
		body.Scope.Rules = append(body.Scope.Rules, ruleBody{"exclude", "*", path})
	}
	return web.JSON(w, http.StatusOK, body)
}

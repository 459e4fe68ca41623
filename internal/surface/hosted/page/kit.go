package page

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

// Brand is how an account looks.
type Brand struct {
	Name   string
	Logo   string // a path on this server, or an https URL, which this server fetches; else none
	Accent string // "#rrggbb"; empty or malformed for the built-in one
	Locale string // language when the browser names none that Admit speaks
}

// Accounts knows how accounts look and where they are reached. It answers from memory.
type Accounts interface {
	Brand(account ident.AccountID) Brand
	// Issuer is the account's absolute base URL without a trailing slash.
	Issuer(account ident.AccountID) string
}

// Deps is what the kit works with.
type Deps struct {
	Accounts Accounts
	Clock    clock.Clock
	// Outbound fetches logos from other hosts; without it only those on this server are shown.
	Outbound Client
	// Development shows where the mails and the try-it page are.
	Development bool
}

// Kit is what all pages are made with.
type Kit struct {
	deps      Deps
	catalogue *catalogue.Catalogue
	layout    *template.Template
	own       Set
	assets    assets
	logos     *logos
}

// New reads the layout, the texts and the assets. It fails only when one of them is broken.
func New(d Deps) (*Kit, error) {
	k := &Kit{deps: d, logos: newLogos(d.Outbound, d.Clock)}
	var err error
	if k.catalogue, err = catalogue.Load(); err != nil {
		return nil, err
	}
	if k.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if k.layout, err = template.ParseFS(templateFiles, "templates/layout.html"); err != nil {
		return nil, err
	}
	k.own, err = k.Set(templateFiles)
	return k, err
}

// Routes are the static files.
func (k *Kit) Routes() []web.Route {
	return []web.Route{k.Route("GET", "/assets/{name}", web.Public, web.LimitPage, k.serveAsset)}
}

// Route declares a route of a page.
func (k *Kit) Route(method, pattern string, auth web.Auth, limit web.LimitClass, h web.Handler) web.Route {
	return web.Route{
		Method: method, Pattern: pattern, Auth: auth, Scope: web.Account, Limit: limit, CORS: web.NoCORS,
		Handler: withoutHead(h), Errors: k.Error, MaxBody: maxForm,
	}
}

// maxForm bounds a form: the largest is a provider's form_post with a code and a user's name.
const maxForm = 64 << 10

// withoutHead answers HEAD without asking what stands behind the page: mail scanners and
// link previews send it, and it must not bind or use up anything (I-24).
func withoutHead(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusOK)
			return nil
		}
		return h(w, r)
	}
}

// Development tells whether this is a developer's machine.
func (k *Kit) Development() bool { return k.deps.Development }

// Issuer is the account's absolute base URL without a trailing slash.
func (k *Kit) Issuer(account ident.AccountID) string { return k.deps.Accounts.Issuer(account) }

// Brand is how an account looks.
func (k *Kit) Brand(account ident.AccountID) Brand { return k.deps.Accounts.Brand(account) }

// Secure tells whether the account is reached by https, which decides the cookies' names.
func (k *Kit) Secure(account ident.AccountID) bool {
	return strings.HasPrefix(k.Issuer(account), "https://")
}

// Texts are the texts in a language, or else in the account's.
func (k *Kit) Texts(account ident.AccountID, locale string) catalogue.Texts {
	return k.catalogue.Choose(locale, "", k.Brand(account).Locale)
}

// MinutesUntil counts from now, rounded up, because nobody is told less than they have; 0 for a moment that
// has passed or is none.
func (k *Kit) MinutesUntil(moment time.Time) int {
	if moment.IsZero() {
		return 0
	}
	return Minutes(moment.Sub(k.deps.Clock.Now()))
}

// Minutes rounds a time up to whole minutes.
func Minutes(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Minute - time.Second) / time.Minute)
}

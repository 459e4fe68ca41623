package hosted

import (
	"context"
	"html/template"
	"strings"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

// Steps are the verbs of the login box. *login.Service has them.
type Steps interface {
	View(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	SendCode(ctx context.Context, v login.Visit, id ident.LoginID, email string, compose login.Compose) (login.View, error)
	ChangeEmail(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	EnterCode(ctx context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error)
	Restart(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
}

// Upstream are the verbs of the other ways to sign in. *login.Service has them.
type Upstream interface {
	StartUpstream(ctx context.Context, v login.Visit, id ident.LoginID, c ident.ConnectionID) (login.View, error)
	FinishUpstream(ctx context.Context, v login.Visit, c login.Callback) (login.View, error)
	Continue(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
}

// Links are the verbs of the links that a person opens from a mail or a terminal.
// *login.Service has them.
type Links interface {
	ViewLink(ctx context.Context, v login.Visit, token secret.Text) (login.View, error)
	FollowLink(ctx context.Context, v login.Visit, token secret.Text) (login.View, error)
	ConfirmHandover(ctx context.Context, v login.Visit, token secret.Text) (login.View, error)
	ViewSetup(ctx context.Context, v login.Visit, token secret.Text) (login.View, error)
	StartSetup(ctx context.Context, v login.Visit, token secret.Text) (login.View, error)
	SetupResult(ctx context.Context, v login.Visit, id ident.LoginID) (login.SetupOutcome, error)
}

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

// Deps is what the surface works with.
type Deps struct {
	Steps    Steps
	Upstream Upstream
	Links    Links
	Accounts Accounts
	Clock    clock.Clock
	// Of the authorization server. Pages of what is not there are not there.
	Devices  Devices
	Requests Requests
	Consents Consents
	Logouts  Logouts
	Errands  Errands
	Sessions Sessions
	Users    Users
	// Outbound fetches logos from other hosts; without it only those on this server are shown.
	Outbound Client
	// Development shows where the mails and the try-it page are.
	Development bool
}

// Surface is the pages.
type Surface struct {
	deps      Deps
	catalogue *catalogue.Catalogue
	pages     pages
	assets    assets
	logos     *logos
	codeMail  *template.Template
}

// New reads templates, texts and assets. It fails only when one of them is broken.
func New(d Deps) (*Surface, error) {
	texts, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	p, err := loadPages()
	if err != nil {
		return nil, err
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	m, err := template.ParseFS(mailFiles, "mail/code.html")
	if err != nil {
		return nil, err
	}
	return &Surface{deps: d, catalogue: texts, pages: p, assets: a, logos: newLogos(d.Outbound, d.Clock), codeMail: m}, nil
}

// secure tells whether the account is reached by https, which decides the cookies' names.
func (s *Surface) secure(account ident.AccountID) bool {
	return strings.HasPrefix(s.deps.Accounts.Issuer(account), "https://")
}

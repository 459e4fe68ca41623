package hosted

import (
	"context"
	"embed"
	"net/http"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/surface/hosted/letter"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Steps are the verbs of the login box. *login.Service has them.
type Steps interface {
	View(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	SendCode(ctx context.Context, v login.Visit, id ident.LoginID, email string, compose mailed.Compose) (login.View, error)
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

// Deps is what the surface works with.
type Deps struct {
	Kit        *page.Kit
	Door       page.Door
	Steps      Steps
	Upstream   Upstream
	Links      Links
	Passkeys   Passkeys
	Typed      Typed
	Choices    Choices
	Recoveries Recoveries
	Stops      Stops
	// Offer adds to an answer that sets a new session cookie what lets the browser bind the session. It may be nil.
	Offer func(w http.ResponseWriter, r *http.Request, cookie secret.Text)
}

//go:embed all:templates
var templateFiles embed.FS

// Surface is the pages.
type Surface struct {
	deps    Deps
	kit     *page.Kit
	pages   page.Set
	letters *letter.Writer
}

// New reads the templates. It fails only when one of them is broken.
func New(d Deps) (*Surface, error) {
	p, err := d.Kit.Set(templateFiles)
	if err != nil {
		return nil, err
	}
	m, err := letter.New(d.Kit)
	if err != nil {
		return nil, err
	}
	return &Surface{deps: d, kit: d.Kit, pages: p, letters: m}, nil
}

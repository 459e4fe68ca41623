package ask

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Deps is what the surface works with. Pages of what is not there are not there.
type Deps struct {
	Kit      *page.Kit
	Door     page.Door
	Devices  Devices
	Requests Requests
	Logouts  Logouts
}

//go:embed all:templates
var templateFiles embed.FS

// Surface is the pages.
type Surface struct {
	deps  Deps
	kit   *page.Kit
	pages page.Set
}

// New reads the templates. It fails only when one of them is broken.
func New(d Deps) (*Surface, error) {
	p, err := d.Kit.Set(templateFiles)
	return &Surface{deps: d, kit: d.Kit, pages: p}, err
}

// Routes are the pages' routes.
func (s *Surface) Routes() []web.Route {
	var list []web.Route
	if s.deps.Devices != nil {
		list = append(list, s.deviceRoutes()...)
	}
	if s.deps.Requests != nil {
		list = append(list, s.consentRoutes()...)
	}
	if s.deps.Logouts != nil {
		list = append(list, s.logoutRoutes()...)
	}
	return list
}

// asking is what the templates see.
type asking struct {
	*page.Page
	Ask    *question
	Onward template.URL // after a sign-out
}

// asking starts a page. The title is a key.
func (s *Surface) asking(r *http.Request, title string) asking {
	return asking{Page: s.kit.Page(r, title), Ask: &question{}}
}

// errandOf is the login that a page about a client needs.
func errandOf(c oauth.Client) login.Errand {
	if c.Kind == oauth.Application && c.Application != "" {
		return login.Errand{Application: c.Application}
	}
	return login.Errand{PartyName: page.Visible(c.Name)}
}

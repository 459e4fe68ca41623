package hosted

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// box is what the templates of the login box see.
type box struct {
	*page.Page
	ID          ident.LoginID
	EmailCode   bool
	Email       string
	Connections []connectionButton
	Minutes     int
	OtherURL    string

	// Of the setup.
	Issuer    string
	AccessKey string
}

type connectionButton struct {
	ID   ident.ConnectionID
	Name string
	Icon string
	Last bool
}

// box starts a page of a login, whose id its forms carry. The title is a key.
func (s *Surface) box(r *http.Request, id ident.LoginID, title string) box {
	p := box{Page: s.kit.Page(r, title), ID: id}
	p.Hide("state", string(id))
	return p
}

package page

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Sessions finds who is signed in. *session.Service does.
type Sessions interface {
	Peek(ctx context.Context, account ident.AccountID, cookie secret.Text) (session.Session, error)
}

// Users finds people. *user.Service does.
type Users interface {
	Get(ctx context.Context, account ident.AccountID, id ident.UserID) (user.User, error)
}

// Errands are logins that pages of ours need. *login.Service has them.
type Errands interface {
	StartErrand(ctx context.Context, e login.Errand) (login.Started, error)
}

// Door tells who is signed in, and sends whoever is not to the login box and back.
type Door struct {
	Kit      *Kit
	Sessions Sessions
	Users    Users
	Errands  Errands
}

// Here is who is signed in with this browser, and their session. A fault of kind NotFound when nobody is.
func (d Door) Here(r *http.Request, v login.Visit) (user.User, session.Session, error) {
	found, err := d.Sessions.Peek(r.Context(), v.Account, v.Session)
	if err != nil {
		return user.User{}, found, err
	}
	u, err := d.Users.Get(r.Context(), v.Account, found.User)
	return u, found, err
}

// SignIn sends the browser to the login box and lets it come back to a page of ours. e says what the login
// must prove, and who the party is; the rest is filled in.
func (d Door) SignIn(w http.ResponseWriter, r *http.Request, e login.Errand, path string, q url.Values) error {
	v := d.Kit.Visit(r)
	e.Account, e.Actor, e.Host, e.Return = v.Account, v.Actor, v.Host, Address(r, path, q)
	started, err := d.Errands.StartErrand(r.Context(), e)
	if err != nil {
		return err
	}
	return web.SeeOther(w, started.URL)
}

// PersonOf is a person as the pages show them.
func PersonOf(u user.User) Person { return NewPerson(u.ID, u.Name, u.Email) }

// NewPerson is a person as the pages show them: somebody without a name is called by their address.
func NewPerson(id ident.UserID, name, email string) Person {
	p := Person{Name: name, Email: email}
	if p.Name == "" {
		p.Name, p.Email = email, ""
	}
	if p.Name == "" {
		p.Name = string(id)
	}
	p.Initial = Initial(p.Name)
	return p
}

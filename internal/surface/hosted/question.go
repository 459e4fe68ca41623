package hosted

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/user"
)

// question is what the pages show that ask a person something about a client.
type question struct {
	Name       string // the client's
	Host       string // of a metadata document: whose name it is
	Unverified string // sentence, or empty
	Code       string // of a device
	Scopes     []string
	Resources  []string
	Details    []detail
	Onward     string // host that the browser goes back to
	Policy     string
	Terms      string
	Apps       []app
	Fields     []field
}

// detail is one element of authorization_details (RFC 9396), member by member.
type detail struct {
	Type    string
	Members []field
}

// app is a client that the person has allowed something.
type app struct {
	Client, Name, Host string
	Scopes, Resources  []string
}

// askOf says who asks. The name is the client's own choice, so that the page says more where nobody
// has vouched for it.
func askOf(p page, c oauth.Client) *question {
	a := &question{Name: visible(c.Name), Host: c.Host(), Policy: safeTarget(c.Settings.PolicyURI), Terms: safeTarget(c.Settings.TermsURI)}
	if a.Name == "" {
		a.Name = c.ID
	}
	switch {
	case a.Host != "":
		a.Unverified = p.T("consent.unverified", "Account", p.Brand.Name, "Name", a.Host)
	case c.Settings.Registered != "":
		a.Unverified = p.T("consent.stranger", "Account", p.Brand.Name)
	}
	return a
}

// visible leaves out what is not seen, or turns the text around.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s)
}

// wants adds what is asked for, in plain words.
func (a *question) wants(p page, scopes, resources []string, details json.RawMessage) {
	a.Scopes, a.Resources = sentencesOf(p, scopes), nil
	for _, r := range resources {
		a.Resources = append(a.Resources, visible(r))
	}
	for _, one := range consent.Read(details) {
		d := detail{Type: visible(one.Type)}
		for _, m := range one.Members {
			d.Members = append(d.Members, field{visible(m.Name), visible(m.Value)})
		}
		a.Details = append(a.Details, d)
	}
}

var scopeTexts = map[string]string{
	"openid": "consent.openid", "profile": "consent.profile", "email": "consent.email", "phone": "consent.phone", "address": "consent.address",
	"offline_access": "consent.offline",
}

// sentencesOf says what scopes mean; those that are the client's own are called by their names.
func sentencesOf(p page, scopes []string) []string {
	var out []string
	for _, s := range scopes {
		if key, ok := scopeTexts[s]; ok {
			out = append(out, p.T(key))
		} else {
			out = append(out, p.T("consent.scope", "Name", visible(s)))
		}
	}
	if out == nil {
		out = []string{p.T("consent.nothing")}
	}
	return out
}

func personOf(u user.User) person {
	p := person{Name: u.Name, Email: u.Email}
	if p.Name == "" {
		p.Name, p.Email = u.Email, ""
	}
	if p.Name == "" {
		p.Name = string(u.ID)
	}
	p.Initial = initial(p.Name)
	return p
}

// personNow is who is signed in with this browser. A fault of kind NotFound when nobody is.
func (s *Surface) personNow(r *http.Request, v login.Visit) (user.User, error) {
	found, err := s.deps.Sessions.Peek(r.Context(), v.Account, v.Session)
	if err != nil {
		return user.User{}, err
	}
	return s.deps.Users.Get(r.Context(), v.Account, found.User)
}

// signIn sends the browser to the login box and lets it come back to a page of ours.
func (s *Surface) signIn(w http.ResponseWriter, r *http.Request, c oauth.Client, path string, q url.Values) error {
	v := s.visit(r)
	if locale := wishedLocale(r); locale != "" {
		q.Set("ui_locales", locale)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	e := login.Errand{Account: v.Account, Actor: v.Actor, Host: v.Host, Return: path}
	if c.Kind == oauth.Application && c.Application != "" {
		e.Application = c.Application
	} else {
		e.PartyName = visible(c.Name)
	}
	started, err := s.deps.Errands.StartErrand(r.Context(), e)
	if err != nil {
		return err
	}
	return web.SeeOther(w, started.URL)
}

// formOnce reads a form of ours in which every field stands once.
func formOnce(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, errForm
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, errForm
		}
	}
	return r.PostForm, nil
}

// goTo answers 303 with a page of ours, in the language that this one was asked for.
func goTo(w http.ResponseWriter, r *http.Request, path string, q url.Values) error {
	if locale := wishedLocale(r); locale != "" {
		q.Set("ui_locales", locale)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return web.SeeOther(w, path)
}

// network is what one guesser surely holds: an IPv4 address, or an IPv6 /64.
func network(r *http.Request) string {
	a := web.ClientAddress(r).Unmap()
	if a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
	}
	return a.String()
}

// hostOf is the place that a URL leads to, as a person knows it; a native application's scheme stays.
func hostOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" || u.Scheme == "http":
		return u.Host
	}
	return fmt.Sprintf("%s:", u.Scheme)
}

func isNotFound(err error) bool { return fault.Is(err, fault.NotFound) }

// idOf is an id of the query or a form; what cannot be one is empty.
func idOf(values url.Values, name string) string {
	id := values.Get(name)
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_'
	}) {
		return ""
	}
	return id
}

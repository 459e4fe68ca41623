package hosted

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

// proves tells whether a login is one by which somebody shows anew that it is them, for a change on their own page.
func proves(r *http.Request, v login.View) bool {
	back, err := url.Parse(v.ReturnURL)
	return err == nil && strings.HasPrefix(back.Path, "/settings") && back.Query().Has("confirmed") && !r.URL.Query().Has("other")
}

// showProof is the choice of a way for somebody who is signed in and shows anew that it is them: their own ways,
// and nothing for people who are new here. It tells whether it has answered; the box offers everything else.
func (s *Surface) showProof(w http.ResponseWriter, r *http.Request, v login.View) (bool, error) {
	if !proves(r, v) {
		return false, nil
	}
	u, _, err := s.deps.Door.Here(r, s.kit.Visit(r))
	if err != nil { // nobody is signed in any more
		return false, nil //nolint:nilerr // the box serves them
	}
	address := addressOf(u, v.Email)
	v.Email, v.EmailCode, v.Password = address, v.EmailCode && address != "", v.Password && address != ""
	v.Connections = slices.DeleteFunc(slices.Clone(v.Connections), func(b login.Button) bool {
		return !slices.ContainsFunc(u.Identities, func(i user.Identity) bool { return i.Connection == b.ID })
	})
	if !v.EmailCode && !v.Password && len(v.Connections) == 0 && !v.Passkey {
		return false, nil
	}
	p := s.box(r, v.ID, "second.title")
	p.Person, p.EmailCode, p.Email = page.PersonOf(u), v.EmailCode, v.Email
	p.At(at(v))
	p.OtherURL = at(v, "ui_locales", p.Locale, "other", "1")
	for _, b := range v.Connections {
		p.Connections = append(p.Connections, connectionButton{ID: b.ID, Name: b.Name, Icon: b.Kind})
	}
	s.offerFactors(r, &p, v)
	p.Alert, p.Notice = s.told(r, p, v)
	return true, s.pages.Write(w, statusOf(r, v), "prove", p, page.FormTarget(v.ReturnURL)...)
}

// addressOf is the mailbox that a person proves: the one that is wished if it is theirs, or else their first.
func addressOf(u user.User, wish string) (first string) {
	for _, i := range u.Identities {
		if i.Connection != emailcode.Connection {
			continue
		}
		if strings.EqualFold(i.Subject, wish) {
			return i.Subject
		}
		if first == "" {
			first = i.Subject
		}
	}
	return first
}

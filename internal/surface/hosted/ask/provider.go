package ask

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// OAuthError is the page for an authorization request that cannot be answered to its client: it is
// not known where to, or the client is nobody's that the account knows. The code and its
// description, which repeats nothing of the request, are for those who make the client.
func (s *Surface) OAuthError(w http.ResponseWriter, r *http.Request, e *oauth.Error) error {
	m := page.Message{Status: http.StatusBadRequest, Key: "oauth.error", Sign: "warn"}
	switch e.Code {
	case oauth.TemporarilyUnavailable:
		m.Status = http.StatusServiceUnavailable
	case oauth.ServerError:
		m.Status = http.StatusInternalServerError
	}
	if e == authorize.ErrGone { // the back button, a second window: nobody did anything wrong
		m.Key, m.Sign = "oauth.over", "clock"
	}
	p := s.kit.Message(r, m)
	p.Reference = web.RequestID(r)
	if m.Key == "oauth.error" {
		p.Command = string(e.Code) + ": " + e.Description
	}
	return s.kit.WriteMessage(w, m.Status, p)
}

// PostForm is a page that posts values to a client's redirect URL by itself, or by its button where
// no script runs (OAuth 2.0 Form Post Response Mode). Its policy lets the form lead there and
// nowhere else.
func (s *Surface) PostForm(w http.ResponseWriter, r *http.Request, action string, values url.Values) error {
	p := s.asking(r, "oauth.post.title")
	p.Heading, p.Lead, p.Submit, p.Action = "oauth.post.heading", "oauth.post.lead", "continue", action
	for name, list := range values {
		for _, v := range list {
			p.Fields = append(p.Fields, page.Field{Name: name, Value: v})
		}
	}
	slices.SortFunc(p.Fields, func(a, b page.Field) int { return strings.Compare(a.Name, b.Name) })
	target, err := postTarget(action)
	if err != nil {
		return err
	}
	return s.pages.WriteUnder(w, http.StatusOK, "post", p, closedPolicy(target))
}

// postTarget is the source expression of the place that a form may lead to. The grammar has no IPv6
// addresses; a redirect URL with one is on this machine.
func postTarget(action string) (string, error) {
	u, err := url.Parse(action)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.Host, " ;,'\"*") {
		return "", page.ErrForm
	}
	if strings.HasPrefix(u.Host, "[") {
		return u.Scheme + ":", nil
	}
	return u.Scheme + "://" + u.Host, nil
}

// closedPolicy is the policy of a page whose form may lead to one place.
func closedPolicy(target string) string {
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action " + target +
		"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// Error is the pages' translation of errors.
func (s *Surface) Error(w http.ResponseWriter, r *http.Request, err error) { s.kit.Error(w, r, err) }

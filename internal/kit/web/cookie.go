package web

import (
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/kit/secret"
)

// Cookie returns the value of a cookie. One that is there twice counts as none: one of the two was
// planted by somebody who may write cookies for this host.
func Cookie(r *http.Request, name string) secret.Text {
	if found := r.CookiesNamed(name); len(found) == 1 {
		return secret.New(found[0].Value)
	}
	return secret.Text{}
}

// JoinedCookie returns the value of a cookie together with those of the cookies that it may need beside
// it: the one called beside, and those whose names begin with that and a hyphen, as secret.Join joins
// them. Every surface reads the session's cookie by this, and by nothing else.
func JoinedCookie(r *http.Request, name, beside string) secret.Text {
	own := Cookie(r, name)
	if own.Empty() {
		return own
	}
	seen := map[string]bool{}
	var more []secret.Text
	for _, c := range r.Cookies() {
		if len(more) == secret.MaxParts-1 {
			break
		}
		if rest, ok := strings.CutPrefix(c.Name, beside); !ok || rest != "" && rest[0] != '-' || seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		more = append(more, Cookie(r, c.Name))
	}
	return secret.Join(own, more...)
}

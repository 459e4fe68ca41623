package pipeline

import (
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

// maxResources bounds the audience of one token.
const maxResources = 16

func has(list []string, one string) bool { return slices.Contains(list, one) }

// scopesAsked reads the parameter `scope` (RFC 6749 section 3.3). Nil: nothing was asked.
func scopesAsked(form url.Values) ([]string, error) {
	text := form.Get("scope")
	if text == "" {
		return nil, nil
	}
	var out []string
	for one := range strings.SplitSeq(text, " ") {
		if !scopeToken(one) {
			return nil, oauth.Fail(oauth.InvalidScope, "scope is a list of names with one space between them.")
		}
		if !has(out, one) {
			out = append(out, one)
		}
	}
	return out, nil
}

func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// narrowScopes returns what of the granted scopes the token has: those asked for, or all; never one
// that was not granted, nor one that the client may not have any more (I-11).
func narrowScopes(granted, asked, registered []string) ([]string, error) {
	for _, one := range asked {
		if !has(granted, one) {
			return nil, oauth.Fail(oauth.InvalidScope, "A scope was asked for that was not granted.")
		}
	}
	if asked == nil {
		asked = granted
	}
	out := make([]string, 0, len(asked))
	for _, one := range asked {
		if has(registered, one) {
			out = append(out, one)
		}
	}
	return out, nil
}

// narrowResources does so for resource indicators (RFC 8707 section 2.2).
func narrowResources(granted, asked, registered []string) ([]string, error) {
	if len(asked) > maxResources {
		return nil, oauth.Fail(oauth.InvalidTarget, "Too many resources.")
	}
	if len(asked) == 0 {
		asked = granted
	}
	for _, one := range asked {
		switch {
		case len(granted) > 0 && !has(granted, one):
			return nil, oauth.Fail(oauth.InvalidTarget, "A resource was asked for that was not granted.")
		case !has(registered, one):
			return nil, oauth.Fail(oauth.InvalidTarget, "The client is not registered for a resource that it asked for. Add it to the application's resources.")
		}
	}
	return asked, nil
}

package check

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/oauth"
)

// Mode is how the answer travels. Its zero value is Query.
type Mode struct {
	Where Where
	JWT   bool // as one signed token (JARM)
}

// Where is the place of an answer.
type Where uint8

// The places.
const (
	Query Where = iota
	Fragment
	FormPost
)

var modes = map[string]Mode{
	"query": {Query, false}, "fragment": {Fragment, false}, "form_post": {FormPost, false},
	"jwt": {Query, true}, "query.jwt": {Query, true}, "fragment.jwt": {Fragment, true}, "form_post.jwt": {FormPost, true},
}

// ResponseModes are the values of response_mode that are taken.
func ResponseModes() []string {
	return []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
}

var responseMode = Check{
	Name: "response_mode", Standard: "OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode, JARM",
	Rule:  "response_mode is query (the default), fragment, form_post, or the JWT form of one of them. form_post leads to a web address only.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		list := r.Params["response_mode"]
		if len(list) == 0 {
			return nil
		}
		mode, ok := modes[list[0]]
		if !ok || len(list) > 1 {
			return refuse(oauth.InvalidRequest, "response_mode must be one of "+strings.Join(ResponseModes(), ", ")+".")
		}
		if mode.Where == FormPost && !strings.HasPrefix(r.RedirectURI, "https://") && !strings.HasPrefix(r.RedirectURI, "http://") {
			return refuse(oauth.InvalidRequest, "response_mode form_post needs an http or https redirect_uri.")
		}
		r.Mode = mode
		return nil
	},
}

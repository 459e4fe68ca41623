package check

import (
	"context"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/oauth"
)

const (
	maxParameters = 100
	maxValue      = 64 << 10 // bytes; a signed request object is the longest
	maxState      = 4096     // bytes
)

var once = Check{
	Name: "once", Standard: "RFC 6749 section 3.1",
	Rule:  "Parameters are in the query of a GET or in the body of a POST, not in both. Those that decide whom to trust stand there once. An empty one counts as left out.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		if r.Stage != Arrival {
			return nil
		}
		sent := r.Query
		if r.Form != nil {
			if len(r.Query) > 0 {
				return refuse(oauth.InvalidRequest, "The parameters are in the body of this POST, so none may be in its address.")
			}
			sent = r.Form
		}
		if len(sent) > maxParameters {
			return refuse(oauth.InvalidRequest, "There are too many parameters.")
		}
		for _, name := range []string{"client_id", "redirect_uri", "request", "request_uri"} {
			if len(sent[name]) > 1 {
				return refuse(oauth.InvalidRequest, "The parameter "+name+" stands there more than once.")
			}
		}
		r.Params = url.Values{}
		for name, list := range sent {
			for _, v := range list {
				if len(v) > maxValue || !utf8.ValidString(v) || strings.ContainsFunc(v, control) {
					return refuse(oauth.InvalidRequest, "A parameter is too long, is no valid UTF-8, or holds control characters.")
				}
				if v != "" {
					r.Params.Add(name, v)
				}
			}
		}
		return nil
	},
}

// control are the characters that no parameter has; a line break stands in the JSON of some.
func control(c rune) bool {
	return c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f
}

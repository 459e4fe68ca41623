package wire

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
)

// MaxForm bounds the body of an OAuth request. The largest carry a signed request object, or an
// assertion and the token that is exchanged.
const MaxForm = 64 << 10

const maxParameters = 100

var (
	errType      = oauth.Fail(oauth.InvalidRequest, "The body must be application/x-www-form-urlencoded, in UTF-8.")
	errQuery     = oauth.Fail(oauth.InvalidRequest, "The parameters belong into the body, not into the address.")
	errForm      = oauth.Fail(oauth.InvalidRequest, "The body cannot be read as a form.")
	errRepeated  = oauth.Fail(oauth.InvalidRequest, "A parameter stands there more than once.")
	errTooMany   = oauth.Fail(oauth.InvalidRequest, "There are too many parameters.")
	errParameter = oauth.Fail(oauth.InvalidRequest, "A parameter is no valid UTF-8, or holds control characters.")
)

// Form reads the body of a POST: only application/x-www-form-urlencoded, no parameter twice, none in
// the query. A parameter without a value counts as left out (RFC 6749 section 3.2). Names that may
// be repeated, such as resource, are given as many. The error is an *oauth.Error, or a fault when
// the body is too large.
func Form(r *http.Request, many ...string) (url.Values, error) {
	if r.URL.RawQuery != "" {
		return nil, errQuery
	}
	return Body(r, many...)
}

// Body is Form for an address that may have a query of its own.
func Body(r *http.Request, many ...string) (url.Values, error) {
	values, err := Raw(r)
	if err != nil {
		return nil, err
	}
	return Clean(values, many...)
}

// Raw reads a form as it came, for those who judge repetitions themselves.
func Raw(r *http.Request) (url.Values, error) {
	if types := r.Header.Values("Content-Type"); len(types) != 1 || !isForm(types[0]) {
		return nil, errType
	}
	body, err := web.ReadBody(r, MaxForm)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errForm
	}
	return values, nil
}

// Clean drops parameters without a value and refuses those that stand there twice.
func Clean(values url.Values, many ...string) (url.Values, error) {
	if len(values) > maxParameters {
		return nil, errTooMany
	}
	for name, list := range values {
		if len(list) > 1 && !contains(many, name) {
			return nil, errRepeated
		}
		kept := list[:0]
		for _, v := range list {
			if !plainText(v) && (!utf8.ValidString(v) || strings.ContainsFunc(v, control)) {
				return nil, errParameter
			}
			if v != "" {
				kept = append(kept, v)
			}
		}
		if len(kept) == 0 {
			delete(values, name)
			continue
		}
		values[name] = kept
	}
	return values, nil
}

// plainText tells whether a value is of visible ASCII and spaces alone, as nearly every one is.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// control are the characters that no parameter has; a line break and a tab stand in the JSON of some.
func control(c rune) bool {
	return c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f
}

func contains(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}

const formType = "application/x-www-form-urlencoded"

func isForm(header string) bool {
	if header == formType {
		return true
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil || kind != formType {
		return false
	}
	charset, there := params["charset"]
	return !there || strings.EqualFold(charset, "utf-8")
}

package page

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// What is wrong with addresses and forms that no page of ours has made.
var (
	ErrIncomplete = fault.New(fault.NotFound, fault.CodeNotFound, "This link is incomplete.")
	ErrForm       = fault.New(fault.Invalid, fault.CodeInvalidRequest, "This form cannot be read.")
)

// Query parses a query whose every parameter may stand there only once (RFC 6749, 3.1):
// a second one would be read differently by somebody.
func Query(raw string) (url.Values, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, ErrIncomplete
	}
	for _, values := range q {
		if len(values) > 1 {
			return nil, ErrIncomplete
		}
	}
	return q, nil
}

// Form reads a form of ours in which every field stands once.
func Form(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, ErrForm
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, ErrForm
		}
	}
	return r.PostForm, nil
}

// Address is a page of ours, in the language that this one was asked for.
func Address(r *http.Request, path string, q url.Values) string {
	if q == nil {
		q = url.Values{}
	}
	if locale := WishedLocale(r); locale != "" {
		q.Set("ui_locales", locale)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

// GoTo answers 303 with a page of ours, in the language that this one was asked for.
func GoTo(w http.ResponseWriter, r *http.Request, path string, q url.Values) error {
	return web.SeeOther(w, Address(r, path, q))
}

// ID is an id of the query or a form; what cannot be one is empty.
func ID(values url.Values, name string) string {
	id := values.Get(name)
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_'
	}) {
		return ""
	}
	return id
}

// Network is what one guesser surely holds: an IPv4 address, or an IPv6 /64.
func Network(r *http.Request) string {
	a := web.ClientAddress(r).Unmap()
	if a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
	}
	return a.String()
}

// Visible leaves out what is not seen, or turns the text around.
func Visible(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s)
}

// Grouped is a secret in groups of four, as people read it to each other.
func Grouped(text string) string {
	var parts []string
	for ; len(text) > 4; text = text[4:] {
		parts = append(parts, text[:4])
	}
	return strings.Join(append(parts, text), " ")
}

// SafeTarget lets a button lead to web pages and applications only; the template would
// refuse the rest as well.
func SafeTarget(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

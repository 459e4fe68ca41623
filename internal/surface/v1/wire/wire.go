package wire

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Href is a link. Some SDKs demand its member even when it is empty.
type Href struct {
	Href string `json:"href"`
}

// Links stands in every collection and most single things; self is always there.
type Links struct {
	Self Href  `json:"self"`
	Next *Href `json:"next,omitempty"`
}

// Pagination tells how a list goes on; it has no Next on the last page.
type Pagination struct {
	Next *NextPage `json:"next,omitempty"`
}

// NextPage is where a list goes on.
type NextPage struct {
	Cursor string `json:"cursor"`
}

// AccountRef names an account.
type AccountRef struct {
	AccountID ident.AccountID `json:"accountId"`
}

// SelfLinks links to a thing of the account by its path, for example
// a.SelfLinks(r, "records", id).
func (a *API) SelfLinks(r *http.Request, segments ...string) *Links {
	return &Links{Self: Href{a.Issuers.Issuer(web.AccountOf(r)) + Path(segments...)}}
}

// Path is a path under /v1 with each segment encoded.
func Path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, segment := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(segment))
	}
	return b.String()
}

// Created is the status of an answer to a creating POST: 201, but the Terraform provider
// takes nothing but 200.
func Created(r *http.Request) int {
	if strings.HasPrefix(r.UserAgent(), "Authress SDK; Terraform;") {
		return http.StatusOK
	}
	return http.StatusCreated
}

// Done answers a DELETE: 204, but 200 for the Terraform provider.
func Done(w http.ResponseWriter, r *http.Request) error {
	if Created(r) == http.StatusOK {
		return web.JSONBytes(w, http.StatusOK, []byte("{}"))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// SetLastModified tells in a header what lastUpdated tells in the body.
func SetLastModified(w http.ResponseWriter, t time.Time) {
	w.Header()["Last-Modified"] = []string{t.UTC().Format(http.TimeFormat)}
}

// Timestamp is ISO 8601 in UTC with milliseconds, as JavaScript prints it. The zero time is "".
func Timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// UnmodifiedSince reads If-Unmodified-Since as the SDKs send it: ISO 8601 with or without
// fractions, or an HTTP date. It is the zero time when absent. A value that cannot be read is
// refused: ignoring it would lose somebody's change.
func UnmodifiedSince(r *http.Request) (time.Time, error) {
	text := r.Header.Get("If-Unmodified-Since")
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if t, err := http.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Time{}, fault.New(fault.Invalid, fault.CodeInvalidRequest,
		"If-Unmodified-Since is no time. Send the lastUpdated that you read.")
}

// Page is where and how a list is read. The zero position is the start.
type Page struct {
	After  string // position after which it goes on
	Limit  int
	Filter string

	path    string   // of the list, under the account's base URL
	query   []string // pairs of what else is in the query and shapes the list
	binding []string
}

// PageLimits are the items of a page when the caller says nothing, and at most.
type PageLimits struct{ Normal, Most int }

// ReadPage reads limit, cursor and filter. A limit above the most is lowered to it. What else
// shapes the list comes as pairs of name and value; cursors are bound to it and to the caller.
func (x *API) ReadPage(r *http.Request, q url.Values, l PageLimits, path string, shape ...string) (Page, error) {
	p := Page{Limit: l.Normal, Filter: Value(q, "filter"), path: path, query: shape}
	if text := Value(q, "limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return p, fault.New(fault.Invalid, fault.CodeInvalidRequest, "limit is a number from 1.")
		}
		p.Limit = min(n, l.Most)
	}
	if len(p.Filter) > 256 || !utf8.ValidString(p.Filter) || strings.ContainsRune(p.Filter, 0) {
		return p, fault.New(fault.Invalid, fault.CodeInvalidRequest, "filter has at most 128 characters.")
	}
	a := web.ActorOf(r)
	p.binding = append([]string{string(a.Account), a.String(), path, p.Filter}, shape...)
	var err error
	p.After, err = x.Cursors.Open(Value(q, "cursor"), p.binding...)
	return p, err
}

// Finish returns the links and the pagination of a page. next is the position of its last
// item, or "" when the list ends with it.
func (a *API) Finish(r *http.Request, p Page, next string) (*Links, *Pagination) {
	q := url.Values{}
	for i := 0; i+1 < len(p.query); i += 2 {
		if p.query[i+1] != "" {
			q.Set(p.query[i], p.query[i+1])
		}
	}
	if p.Filter != "" {
		q.Set("filter", p.Filter)
	}
	base := a.Issuers.Issuer(web.AccountOf(r)) + p.path
	l := &Links{Self: Href{withQuery(base, q)}}
	if next == "" {
		return l, nil
	}
	cursor := a.Cursors.Seal(next, p.binding...)
	q.Set("limit", strconv.Itoa(p.Limit))
	q.Set("cursor", cursor)
	l.Next = &Href{withQuery(base, q)}
	return l, &Pagination{Next: &NextPage{Cursor: cursor}}
}

func withQuery(base string, q url.Values) string {
	if len(q) == 0 {
		return base
	}
	return base + "?" + q.Encode()
}

// Value reads a query parameter. SDKs write "undefined" and "null" for what they do not set.
func Value(q url.Values, name string) string {
	v := q.Get(name)
	if v == "undefined" || v == "null" {
		return ""
	}
	return v
}

// Set takes a value over if it is there.
func Set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

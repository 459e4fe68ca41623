package decide

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// userResources is a page of what somebody has. It is written by hand because it is long:
// {account: {accountId}, userId, resources: [{resourceUri}], pagination if it goes on, links}.
type userResources struct {
	account    ident.AccountID
	user       ident.UserID
	resources  []string
	pagination *wire.Pagination
	links      *wire.Links
}

// pages are buffers of pages that have been sent. One that has grown large is not kept.
var pages = sync.Pool{New: func() any { return new([]byte) }}

const pageKept = 128 << 10 // bytes

func (u *userResources) send(w http.ResponseWriter) error {
	buffer := pages.Get().(*[]byte)
	body, err := u.append((*buffer)[:0])
	if err != nil {
		return fault.Wrap("decide.userResources", err)
	}
	err = web.JSONBytes(w, http.StatusOK, body)
	if cap(body) <= pageKept {
		*buffer = body
		pages.Put(buffer)
	}
	return err
}

func (u *userResources) append(to []byte) ([]byte, error) {
	links, err := json.Marshal(u.links)
	if err != nil {
		return nil, err
	}
	to = web.AppendText(append(to, `{"account":{"accountId":`...), u.account)
	to = web.AppendText(append(to, `},"userId":`...), u.user)
	to = append(to, `,"resources":[`...)
	for i, text := range u.resources {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(web.AppendText(append(to, `{"resourceUri":`...), text), '}')
	}
	to = append(to, ']')
	if u.pagination != nil {
		pagination, err := json.Marshal(u.pagination)
		if err != nil {
			return nil, err
		}
		to = append(append(to, `,"pagination":`...), pagination...)
	}
	to = append(append(to, `,"links":`...), links...)
	return append(to, '}'), nil
}

// The limits of a page of resources. SDKs never ask for more than the default.
const (
	userResourcesDefault = 20
	userResourcesMost    = 1000
)

func (s *Surface) listUserResources(w http.ResponseWriter, r *http.Request) error {
	if err := nowOnly(r); err != nil {
		return err
	}
	a, user := web.ActorOf(r), ident.UserID(web.PathValue(r, "userId"))
	if err := s.d.Permissions.AllowAsking(a, user); err != nil {
		return err
	}
	q := r.URL.Query()
	positional(q)
	l := access.Listing{Collection: wire.Value(q, "resourceUri"), Action: wire.Value(q, "permissions")}
	configuration := wire.Value(q, "collectionConfiguration")
	switch configuration {
	case "", "TOP_LEVEL_ONLY":
	case "INCLUDE_NESTED":
		l.Nested = true
	default:
		return fault.New(fault.Invalid, fault.CodeInvalidRequest,
			"collectionConfiguration is TOP_LEVEL_ONLY or INCLUDE_NESTED.")
	}
	p, err := s.api.ReadPage(r, q, wire.PageLimits{Normal: userResourcesDefault, Most: userResourcesMost}, wire.Path("users", string(user), "resources"),
		"resourceUri", l.Collection, "permissions", l.Action, "collectionConfiguration", configuration)
	if err != nil {
		return err
	}
	l.After, l.Limit = p.After, p.Limit
	held, more, err := s.d.Permissions.Resources(a.Account, user, l)
	if err != nil {
		return err
	}
	out := userResources{account: a.Account, user: user, resources: held}
	out.links, out.pagination = s.api.Finish(r, p, wire.NextAfter(held, more))
	return out.send(w)
}

// positional reads a permission that stands in the place of the limit. The JavaScript SDK takes
// limit and cursor before the permission, and calls that name the permission third are common;
// their answer is the one that was meant, which is never more than without it.
func positional(q url.Values) {
	text := wire.Value(q, "limit")
	if text == "" || wire.Value(q, "permissions") != "" {
		return
	}
	if _, err := strconv.Atoi(text); err == nil {
		return
	}
	if _, err := access.ParseAction(text); err == nil {
		q.Del("limit")
		q.Set("permissions", text)
	}
}

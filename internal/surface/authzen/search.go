package authzen

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// The items of a page.
const (
	pageNormal = 100
	pageMost   = 1000
)

// pageWire asks for a page. No limit, or 0, is the normal one.
type pageWire struct {
	Token string `json:"token"`
	Limit int    `json:"limit"`
}

type searchWire struct {
	request
	Page pageWire `json:"page"`
}

type nextWire struct {
	NextToken string `json:"next_token"` // empty on the last page
	Count     int    `json:"count"`
}

type found[T any] struct {
	Page    nextWire `json:"page"`
	Context *extent  `json:"context,omitempty"`
	Results []T      `json:"results"`
}

// extent says that the results are not all there is to say.
type extent struct {
	Everyone bool `json:"everyone"`
}

// search is a search that was read.
type search struct {
	searchWire
	after   string
	limit   int
	binding []string
}

func (s *Surface) read(r *http.Request, kind string) (*search, error) {
	in := &search{}
	if err := web.DecodeJSON(r, &in.searchWire, web.DefaultMaxBody); err != nil {
		return nil, err
	}
	if in.limit = in.Page.Limit; in.limit < 0 {
		return nil, fault.New(fault.Invalid, fault.CodeInvalidRequest, "page.limit is not negative.")
	}
	if in.limit = min(in.limit, pageMost); in.limit == 0 {
		in.limit = pageNormal
	}
	if in.Subject == nil || in.Subject.Type == "" {
		return nil, missing("subject.type")
	}
	if kind != "action" && (in.Action == nil || in.Action.Name == "") {
		return nil, missing("action.name")
	}
	if in.Resource == nil || in.Resource.Type == "" {
		return nil, missing("resource.type")
	}
	switch kind {
	case "subject":
		in.Subject.ID = ""
	case "resource":
		in.Resource.ID = ""
	case "action":
		in.Action = &action{}
	}
	if kind != "subject" && in.Subject.ID == "" {
		return nil, missing("subject.id")
	}
	if kind != "resource" && in.Resource.ID == "" {
		return nil, missing("resource.id")
	}
	by := web.ActorOf(r)
	in.binding = []string{"authzen", kind, string(by.Account), by.String(), in.Subject.Type, in.Subject.ID, in.Action.Name,
		in.Resource.Type, in.Resource.ID, strconv.Itoa(in.Page.Limit)}
	var err error
	in.after, err = s.d.Cursors.Open(in.Page.Token, in.binding...)
	return in, err
}

// next is the page's own word; after is the position of its last item, or "" at the end.
func (s *Surface) next(in *search, after string, count int) nextWire {
	out := nextWire{Count: count}
	if after != "" {
		out.NextToken = s.d.Cursors.Seal(after, in.binding...)
	}
	return out
}

// searchSubjects lists everybody who may. A page may be short, because it is of all principals and
// shows those of one type.
func (s *Surface) searchSubjects(w http.ResponseWriter, r *http.Request) error {
	in, err := s.read(r, "subject")
	if err != nil {
		return err
	}
	path, err := in.Resource.path()
	if err != nil {
		return err
	}
	out := found[entity]{Results: []entity{}}
	if _, ok := in.Subject.principal(); !ok {
		return web.JSON(w, http.StatusOK, out)
	}
	by := web.ActorOf(r)
	held, err := s.d.Subjects.Subjects(r.Context(), by, path, in.Action.Name, time.Time{}, access.Page{After: in.after, Limit: in.limit})
	if err != nil {
		return err
	}
	for _, subject := range held.Subjects {
		kind := typeUser
		if s.d.Clients.Active(by.Account, ident.ServiceClientID(subject.User)) {
			kind = typeClient
		}
		if kind == in.Subject.Type {
			out.Results = append(out.Results, entity{Type: kind, ID: string(subject.User)})
		}
	}
	if held.Everyone {
		out.Context = &extent{Everyone: true}
	}
	after := ""
	if held.More {
		after = string(held.Subjects[len(held.Subjects)-1].User)
	}
	out.Page = s.next(in, after, len(out.Results))
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) searchResources(w http.ResponseWriter, r *http.Request) error {
	in, err := s.read(r, "resource")
	if err != nil {
		return err
	}
	above, err := collection(in.Resource.Type)
	if err != nil {
		return err
	}
	out := found[entity]{Results: []entity{}}
	user, ok := in.Subject.principal()
	if !ok {
		return web.JSON(w, http.StatusOK, out)
	}
	by := web.ActorOf(r)
	if err := s.d.Decisions.AllowAsking(by, user); err != nil {
		return err
	}
	held, more, err := s.d.Decisions.Resources(by.Account, user,
		access.Listing{Collection: above, Action: in.Action.Name, Nested: true, After: in.after, Limit: in.limit})
	if err != nil {
		return err
	}
	for _, text := range held {
		id := text
		if above != "" {
			id = strings.TrimPrefix(text, above+"/")
		}
		out.Results = append(out.Results, entity{Type: in.Resource.Type, ID: id})
	}
	after := ""
	if more {
		after = held[len(held)-1]
	}
	out.Page = s.next(in, after, len(held))
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) searchActions(w http.ResponseWriter, r *http.Request) error {
	in, err := s.read(r, "action")
	if err != nil {
		return err
	}
	path, err := in.Resource.path()
	if err != nil {
		return err
	}
	out := found[action]{Results: []action{}}
	user, ok := in.Subject.principal()
	if !ok {
		return web.JSON(w, http.StatusOK, out)
	}
	by := web.ActorOf(r)
	if err := s.d.Decisions.AllowAsking(by, user); err != nil {
		return err
	}
	held, err := s.d.Decisions.Permissions(by.Account, user, path) // in order
	if err != nil {
		return err
	}
	after := ""
	for _, p := range held {
		if !p.Allow || p.Action <= in.after {
			continue
		}
		if len(out.Results) == in.limit {
			after = out.Results[in.limit-1].Name
			break
		}
		out.Results = append(out.Results, action{Name: p.Action})
	}
	out.Page = s.next(in, after, len(out.Results))
	return web.JSON(w, http.StatusOK, out)
}

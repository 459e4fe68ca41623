package authzen

import (
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// The types of subjects, and the type of resources whose id is the whole path.
const (
	typeUser   = "user"
	typeClient = "service-client"
	typeWhole  = "resource"
)

type entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type action struct {
	Name string `json:"name"`
}

// request is one evaluation. What else it holds decides nothing and is ignored.
type request struct {
	Subject  *entity `json:"subject"`
	Action   *action `json:"action"`
	Resource *entity `json:"resource"`
}

func missing(what string) error {
	return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s is required.", what)
}

// whole tells what a request lacks.
func (q *request) whole() error {
	switch {
	case q.Subject == nil || q.Subject.Type == "":
		return missing("subject.type")
	case q.Subject.ID == "":
		return missing("subject.id")
	case q.Action == nil || q.Action.Name == "":
		return missing("action.name")
	}
	return q.Resource.whole()
}

// whole tells what a resource lacks.
func (e *entity) whole() error {
	switch {
	case e == nil || e.Type == "":
		return missing("resource.type")
	case e.ID == "":
		return missing("resource.id")
	}
	return nil
}

var errType = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"A resource's type is one segment of its path, without slashes and stars. For a whole path as id, the type is: resource.")

// collection is the path above the resources of a type; "" for whole paths.
func collection(kind string) (string, error) {
	if kind == typeWhole {
		return "", nil
	}
	if strings.ContainsAny(kind, "/*") {
		return "", errType
	}
	return kind, nil
}

// path is the resource. The engine judges whether it is one.
func (e *entity) path() (string, error) {
	above, err := collection(e.Type)
	if err != nil || above == "" {
		return e.ID, err
	}
	return above + "/" + e.ID, nil
}

// principal tells who a subject is; nobody of another type holds anything.
func (e *entity) principal() (ident.UserID, bool) {
	return ident.UserID(e.ID), e.Type == typeUser || e.Type == typeClient
}

// question is the request in the engine's words. The request is whole.
func (q *request) question() (access.Question, error) {
	path, err := q.Resource.path()
	user, _ := q.Subject.principal()
	return access.Question{User: user, Resource: path, Action: q.Action.Name}, err
}

// named gives the answer the request's own id, which the specification wants back unchanged.
func named(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		echo(w, r)
		return h(w, r)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	if id := r.Header["X-Request-Id"]; len(id) == 1 && id[0] != "" {
		w.Header()["X-Request-Id"] = id[:1:1]
	}
}

var (
	valueText    = []string{"text/plain; charset=utf-8"}
	valueNoStore = []string{"no-store"}
)

// writeError is the surface's ErrorWriter: a sentence. After a failure of ours it ends with the
// id by which the log tells of it, because the header may hold the caller's.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	echo(w, r)
	f := web.Translate(r, err)
	text := f.Public
	if f.Status >= 500 {
		text += " (" + f.ErrorID + ")"
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = valueText, valueNoStore
	w.WriteHeader(f.Status)
	w.Write([]byte(text)) // a client that has gone is no error of ours
}

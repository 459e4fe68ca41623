// Package authzen owns the Authorization API 1.0 of the OpenID AuthZEN working group: the same
// questions as /v1, in the form that enforcement points of other makers speak.
//
// # How its words map to ours
//
// A subject of type user, or service-client, is the principal with that id; they share one name
// space. Nobody of another type holds anything. An action's name is a permission. A resource is
// the path TYPE/ID: type "documents" and id "7/pages/1" are documents/7/pages/1. The type is one
// segment without stars; the id is the rest. The type "resource" stands for no segment at all:
// its id is the whole path. Properties and context decide nothing; above all not context.time,
// because a caller's clock is not ours.
//
// Who may ask is judged as in /v1. Errors are plain sentences, as the specification has them; what
// concerns one of many evaluations is in its context.
//
// Never: a rule. Handlers read a request, ask the engine and write its answer.
package authzen

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// Decisions answers questions about principals from memory. access.Engine implements it.
type Decisions interface {
	AllowAsking(a actor.Actor, user ident.UserID) error
	Check(account ident.AccountID, user ident.UserID, resource, action string) (bool, error)
	CheckMany(account ident.AccountID, questions []access.Question) []access.Answer
	Permissions(account ident.AccountID, user ident.UserID, resource string) ([]access.Permission, error)
	Resources(account ident.AccountID, user ident.UserID, l access.Listing) (resources []string, more bool, err error)
}

// Subjects answers who may do something, from the database. history.Service implements it.
type Subjects interface {
	Subjects(ctx context.Context, a actor.Actor, resource, action string, at time.Time, page access.Page) (history.Subjects, error)
}

// Clients knows which principals are machines. serviceclient.Directory implements it.
type Clients interface {
	Active(account ident.AccountID, id ident.ServiceClientID) bool
}

// Issuers knows an account's absolute base URL, without a slash at its end.
type Issuers interface {
	Issuer(ident.AccountID) string
}

// Deps is what the surface asks.
type Deps struct {
	Decisions   Decisions
	Subjects    Subjects
	Clients     Clients
	Issuers     Issuers
	Cursors     *cursor.Sealer
	Consistency *consistency.Keeper
}

// Surface is the API.
type Surface struct{ d Deps }

// New returns the API.
func New(d Deps) *Surface { return &Surface{d: d} }

// The addresses, which the metadata tells.
const (
	pathMetadata    = "/.well-known/authzen-configuration"
	pathEvaluation  = "/access/v1/evaluation"
	pathEvaluations = "/access/v1/evaluations"
	pathSubjects    = "/access/v1/search/subject"
	pathResources   = "/access/v1/search/resource"
	pathActions     = "/access/v1/search/action"
)

// Routes declares the API.
func (s *Surface) Routes() []web.Route {
	const aboutOne = "READ Authress:UserPermissions/{subject} or self"
	question := func(path, needs string, h web.Handler) web.Route {
		return web.Route{Method: http.MethodPost, Pattern: path, Permission: needs, Auth: web.Bearer, Scope: web.Account,
			Limit: web.LimitNone, CORS: web.RegisteredOrigins, Hot: path != pathSubjects, Handler: named(h), Errors: writeError}
	}
	many := question(pathEvaluations, aboutOne+", for each evaluation", s.evaluations)
	many.MaxBody = mostOfABatch
	routes := s.d.Consistency.Questions([]web.Route{
		question(pathEvaluation, aboutOne, s.evaluation),
		many,
		question(pathSubjects, "READ Authress:ResourcePermissions/{resource}", s.searchSubjects),
		question(pathResources, aboutOne, s.searchResources),
		question(pathActions, aboutOne, s.searchActions),
	})
	return append(routes, web.Route{Method: http.MethodGet, Pattern: pathMetadata, Auth: web.Public, Scope: web.Account,
		Limit: web.LimitDocument, CORS: web.AnyOrigin, Hot: true, Lasting: true, Handler: s.metadata})
}

// metadataWire describes the decision point; there are no capabilities to tell.
type metadataWire struct {
	Point       string `json:"policy_decision_point"`
	Evaluation  string `json:"access_evaluation_endpoint"`
	Evaluations string `json:"access_evaluations_endpoint"`
	Subjects    string `json:"search_subject_endpoint"`
	Resources   string `json:"search_resource_endpoint"`
	Actions     string `json:"search_action_endpoint"`
}

var cacheMetadata = []string{"public, max-age=3600"}

func (s *Surface) metadata(w http.ResponseWriter, r *http.Request) error {
	base := s.d.Issuers.Issuer(web.AccountOf(r))
	w.Header()["Cache-Control"] = cacheMetadata
	return web.JSON(w, http.StatusOK, metadataWire{Point: base, Evaluation: base + pathEvaluation, Evaluations: base + pathEvaluations,
		Subjects: base + pathSubjects, Resources: base + pathResources, Actions: base + pathActions})
}

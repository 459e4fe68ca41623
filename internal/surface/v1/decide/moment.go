package decide

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// History answers from the database: why, who, and what was so at an earlier time. A zero time
// is now. history.Service implements it; it judges who may ask.
type History interface {
	Check(ctx context.Context, a actor.Actor, q access.Question, at time.Time) (bool, error)
	Explain(ctx context.Context, a actor.Actor, q access.Question, at time.Time) (history.Explanation, error)
	Subjects(ctx context.Context, a actor.Actor, resource, action string, at time.Time, page access.Page) (history.Subjects, error)
}

var errTime = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"at is one time with its zone, such as 2026-03-03T12:00:00Z or 2026-03-03T13:00:00%2B01:00: in a query, + is written %2B.")

// moment reads the parameter at. Without one it is the zero time, and the text is "". What cannot
// be read is refused: an answer about now would be one to another question.
func moment(q url.Values) (at time.Time, text string, err error) {
	values, ok := q["at"]
	if !ok {
		return at, "", nil
	}
	if len(values) != 1 || strings.Contains(values[0], ",") {
		return at, "", errTime
	}
	if at, err = time.Parse(time.RFC3339, values[0]); err != nil || at.IsZero() {
		return time.Time{}, "", errTime.With(err)
	}
	return at, values[0], nil
}

// nowOnly refuses a time where it would be ignored.
func nowOnly(r *http.Request) error {
	if r.URL.RawQuery != "" && r.URL.Query().Has("at") {
		return wire.ErrNowOnly
	}
	return nil
}

// questionOf reads a question from the path.
func questionOf(r *http.Request) access.Question {
	return access.Question{User: ident.UserID(web.PathValue(r, "userId")), Resource: web.PathValue(r, "resourceUri"), Action: web.PathValue(r, "permission")}
}

// checkAt answers a check about an earlier time, from the database.
func (s *Surface) checkAt(w http.ResponseWriter, r *http.Request, at time.Time) error {
	ctx, stop := context.WithTimeout(r.Context(), web.HandlerTimeout) // the route is Hot, so it has none
	defer stop()
	allowed, err := s.d.History.Check(ctx, web.ActorOf(r), questionOf(r), at)
	if err != nil {
		return err
	}
	if !allowed {
		return errNotAllowed
	}
	return web.JSONBytes(w, http.StatusOK, bodyAllowed)
}

package decide

import (
	"net/http"
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

func (s *Surface) batchRoutes() []web.Route {
	return []web.Route{{Method: http.MethodPost, Pattern: "/v1/checks", Handler: s.checkMany, MaxBody: mostOfABatch,
		Permission: "READ Authress:UserPermissions/{userId} or self, for each check", Auth: web.Bearer, Scope: web.Account,
		Limit: web.LimitNone, CORS: web.RegisteredOrigins, Hot: true}}
}

var (
	allowedYes = []byte(`{"allowed":true}`)
	allowedNo  = []byte(`{"allowed":false}`)
	errNoUser  = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A check names a userId.")
)

// checkMany answers many checks of one moment, each with its own answer in the same place.
func (s *Surface) checkMany(w http.ResponseWriter, r *http.Request) error {
	if err := nowOnly(r); err != nil {
		return err
	}
	checks, err := readChecks(r)
	if err != nil {
		return err
	}
	answers, err := s.askMany(web.ActorOf(r), checks)
	if err != nil {
		return err
	}
	body := make([]byte, 0, len(checks)*(len(allowedNo)+1)+64)
	body = append(body, `{"results":[`...)
	for i := range answers {
		if i > 0 {
			body = append(body, ',')
		}
		switch a := &answers[i]; {
		case a.Err != nil:
			body = appendError(body, r, a.Err)
		case a.Allowed:
			body = append(body, allowedYes...)
		default:
			body = append(body, allowedNo...)
		}
	}
	return web.JSONBytes(w, http.StatusOK, append(body, "]}"...))
}

func appendError(to []byte, r *http.Request, err error) []byte {
	f := web.Translate(r, err)
	to = web.AppendText(append(to, `{"error":{"title":`...), f.Public)
	to = web.AppendText(append(to, `,"errorCode":`...), f.Code)
	return append(to, "}}"...)
}

// everybody stands for all users in who may ask.
const everybody ident.UserID = "*"

// mayAsk judges once per user who may ask about them; from the second user on, first who may ask
// about everybody.
type mayAsk struct {
	by       actor.Actor
	asking   Permissions
	last     ident.UserID
	verdict  error
	known    map[ident.UserID]error
	everyone bool
}

func (m *mayAsk) about(user ident.UserID) error {
	switch {
	case user == "":
		return errNoUser
	case m.everyone:
		return nil
	case m.known == nil:
		m.known = map[ident.UserID]error{}
	case user == m.last:
		return m.verdict
	case len(m.known) == 1 && m.asking.AllowAsking(m.by, everybody) == nil:
		m.everyone = true
		return nil
	}
	verdict, ok := m.known[user]
	if !ok {
		verdict = m.asking.AllowAsking(m.by, user)
		m.known[user] = verdict
	}
	m.last, m.verdict = user, verdict
	return verdict
}

// askMany fails only for what is wrong with all checks. Those that the caller may not ask are
// not asked.
func (s *Surface) askMany(by actor.Actor, checks []access.Question) ([]access.Answer, error) {
	may := mayAsk{by: by, asking: s.d.Permissions}
	refused := map[int]error{}
	asked := checks
	for i := range checks {
		err := may.about(checks[i].User)
		if err != nil && len(refused) == 0 {
			asked = slices.Clone(checks[:i])
		}
		switch {
		case err != nil:
			refused[i] = err
		case len(refused) > 0:
			asked = append(asked, checks[i])
		}
	}
	answers := s.d.Permissions.CheckMany(by.Account, asked)
	if len(refused) > 0 {
		all := make([]access.Answer, len(checks))
		for i := range all {
			if err, ok := refused[i]; ok {
				all[i].Err = err
				continue
			}
			all[i], answers = answers[0], answers[1:]
		}
		answers = all
	}
	for i := range answers {
		if err := answers[i].Err; err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Forbidden) {
			return nil, err
		}
	}
	return answers, nil
}

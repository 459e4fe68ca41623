package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// quotas lets one client of one account ask nothing more.
type quotas struct{ taken []string }

func (q *quotas) Take(account ident.AccountID, client ident.ServiceClientID) (time.Duration, bool) {
	q.taken = append(q.taken, string(account)+"/"+string(client))
	return 1500 * time.Millisecond, client != "sc_busy"
}

// callers takes "KIND:ID" for a bearer.
type callers struct{ world }

func (callers) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	kind, id, _ := strings.Cut(bearer, ":")
	return actor.Actor{Account: account, Kind: map[string]actor.Kind{"user": actor.User, "client": actor.ServiceClient}[kind], ID: id}, nil
}

func TestQuota(t *testing.T) {
	reached := 0
	handler := func(w http.ResponseWriter, _ *http.Request) error { reached++; return JSON(w, 200, struct{}{}) }
	q := &quotas{}
	routes := WithQuota([]Route{
		{Method: "GET", Pattern: "/v1/thing", Auth: Bearer, Scope: Account, Permission: "x", Limit: LimitNone, CORS: RegisteredOrigins, Handler: handler},
		{Method: "GET", Pattern: "/open", Auth: Public, Scope: Account, Limit: LimitDocument, CORS: NoCORS, Handler: handler},
	}, q)
	d := deps()
	d.Tokens = callers{}
	rt, err := NewRouter(d, routes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bearer, path string
		status       int
	}{
		{"client:sc_busy", "/v1/thing", 429}, {"client:sc_calm", "/v1/thing", 200}, {"user:sc_busy", "/v1/thing", 200}, {"client:sc_busy", "/open", 200},
	} {
		before := reached
		w := ask(rt, "GET", c.path, "Host", "a.example", "Authorization", "Bearer "+c.bearer)
		if w.Code != c.status || (reached > before) != (c.status == 200) {
			t.Errorf("%+v: %d, %s", c, w.Code, w.Body)
		}
		if c.status == 429 && (w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `"TooManyRequests"`)) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	if len(q.taken) != 2 {
		t.Error(q.taken)
	}
}

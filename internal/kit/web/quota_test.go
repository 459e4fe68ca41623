package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
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
	}, q, NewWriters(clock.NewSystem(), 1))
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

// TestWritesOfAPerson: what one person writes is bounded, by themselves alone; reading and asking, and
// service clients, are not.
func TestWritesOfAPerson(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) error { return JSON(w, 200, struct{}{}) }
	route := func(method, pattern string, hot bool) Route {
		return Route{Method: method, Pattern: pattern, Auth: Bearer, Scope: Account, Permission: "x", Limit: LimitNone, CORS: RegisteredOrigins, Handler: handler, Hot: hot}
	}
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	d := deps()
	d.Tokens, d.Clock = callers{}, clk
	rt, err := NewRouter(d, WithQuota([]Route{route("GET", "/v1/thing", false), route("POST", "/v1/thing", false), route("DELETE", "/v1/thing", false),
		route("POST", "/v1/ask", true), route("POST", "/elsewhere", false)}, &quotas{}, NewWriters(clk, 0.01)))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want int, bearer, method, path string) {
		t.Helper()
		w := ask(rt, method, path, "Host", "a.example", "Authorization", "Bearer "+bearer)
		if w.Code != want {
			t.Errorf("%s %s %s: %d, want %d", bearer, method, path, w.Code, want)
		}
		if w.Code == 429 && (w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), `"TooManyRequests"`)) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	for range 3 {
		expect(200, "user:ann", "POST", "/v1/thing")
		expect(200, "user:ann", "DELETE", "/v1/thing")
	}
	expect(429, "user:ann", "POST", "/v1/thing")
	expect(429, "user:ann", "DELETE", "/v1/thing")
	for range 10 {
		expect(200, "user:ann", "GET", "/v1/thing")
		expect(200, "user:ann", "POST", "/v1/ask")
		expect(200, "user:ann", "POST", "/elsewhere")
		expect(200, "client:ann", "POST", "/v1/thing")
	}
	expect(200, "user:bob", "POST", "/v1/thing")
	clk.Advance(10 * time.Second)
	expect(200, "user:ann", "POST", "/v1/thing")
	expect(429, "user:ann", "POST", "/v1/thing")

	people := NewWriters(clk, 0.01)
	for range 6 {
		people.take(actor.Actor{Kind: actor.User, Account: "acc_a", ID: "ann"})
	}
	if _, ok := people.take(actor.Actor{Kind: actor.User, Account: "acc_a", ID: "ann"}); ok {
		t.Error("no limit")
	}
	if _, ok := people.take(actor.Actor{Kind: actor.User, Account: "acc_b", ID: "ann"}); !ok {
		t.Error("somebody of another account pays")
	}
}

func BenchmarkWriters(b *testing.B) {
	people, a := NewWriters(clock.NewSystem(), 1000), actor.Actor{Kind: actor.User, Account: "acc_a", ID: "usr_01hzy3v7k5"}
	b.ReportAllocs()
	for b.Loop() {
		people.take(a)
	}
}

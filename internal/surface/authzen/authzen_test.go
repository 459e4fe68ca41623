package authzen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/authzen"
)

// world is what surrounds the surface: NAME.example is the account acc_NAME; a token is
// "user:ID", "client:ID" or "operator".
type world struct{}

func (world) ByHost(host string) (ident.AccountID, bool) {
	name, ok := strings.CutSuffix(host, ".example")
	return ident.AccountID("acc_" + name), ok
}
func (world) OriginAllowed(ident.AccountID, string) bool             { return false }
func (world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }
func (world) Issuer(id ident.AccountID) string {
	return "https://" + strings.TrimPrefix(string(id), "acc_") + ".example"
}
func (world) MayReadPermissions(_ ident.AccountID, id ident.ServiceClientID) bool {
	return id == "sc_asker"
}
func (world) Active(_ ident.AccountID, id ident.ServiceClientID) bool {
	return strings.HasPrefix(string(id), "sc_")
}
func (world) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	kind, id, _ := strings.Cut(bearer, ":")
	switch kind {
	case "user":
		return actor.Actor{Kind: actor.User, Account: account, ID: id}, nil
	case "client":
		return actor.Actor{Kind: actor.ServiceClient, Account: account, ID: id}, nil
	case "operator":
		return actor.ForOperator(account), nil
	}
	return actor.Actor{}, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token proves nothing.")
}

type node struct {
	t      *testing.T
	router http.Handler
}

// each runs a test on both databases, in a world where ann and the client sc_bot may read
// documents/1 and all below documents/2, and ann may do everything in folders.
func each(t *testing.T, fn func(t *testing.T, n *node)) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		follower := feed.NewFollower(db, db, time.Minute)
		engine := access.NewEngine(follower.Fresh, world{}, clk)
		verbs := access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
			Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: engine})
		follower.Subscribe(verbs, access.ChangeKinds()...)
		if err := follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.Follow(follower.WaitFor)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		keys, err := crypt.NewKeys(bytes.Repeat([]byte{7}, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		s := authzen.New(authzen.Deps{Decisions: engine, Clients: world{}, Issuers: world{}, Cursors: cursor.New(keys),
			Subjects:    history.New(history.Deps{Runner: db, Store: accessdb.Versions{}, Engine: engine}),
			Consistency: consistency.New(keys, follower, time.Second)})
		router, err := web.NewRouter(web.Deps{Accounts: world{}, Tokens: world{}, Origins: world{}, Limiter: world{},
			Clock: clk, Log: slog.New(slog.DiscardHandler)}, s.Routes())
		if err != nil {
			t.Fatal(err)
		}
		by := actor.ForOperator("acc_one")
		if _, err := verbs.CreateRole(t.Context(), by, access.Role{ID: "ro_reader", Name: "Reader", Permissions: []access.Permission{
			{Action: "can_read", Allow: true}, {Action: "can_list", Allow: true}, {Action: "can_write", Grant: true}}}); err != nil {
			t.Fatal(err)
		}
		give := func(id ident.RecordID, role ident.RoleID, resources []string, users ...ident.UserID) {
			_, err := verbs.CreateRecord(t.Context(), by, access.Record{ID: id, Name: "r", Users: users,
				Statements: []access.Statement{{Roles: []ident.RoleID{role}, Resources: resources}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		give("rec_1", "ro_reader", []string{"documents/1", "documents/2/*", "resource/9", "top"}, "ann", "sc_bot")
		give("rec_2", access.Owner, []string{"folders"}, "ann")
		fn(t, &node{t: t, router: router})
	})
}

type answer struct {
	status int
	header http.Header
	raw    string
}

func (n *node) post(bearer, path, body string, header ...string) answer {
	r := httptest.NewRequest("POST", "https://one.example"+path, strings.NewReader(body))
	r.RequestURI = path
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	n.router.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

const (
	yes = `{"decision":true}`
	no  = `{"decision":false}`
)

// ask spells an evaluation of ann.
func ask(kind, id, action string) string {
	return fmt.Sprintf(`{"subject":{"type":"user","id":"ann"},"action":{"name":%q},"resource":{"type":%q,"id":%q}}`, action, kind, id)
}

func TestEvaluation(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for _, test := range []struct {
			bearer, body string
			status       int
			want         string
		}{
			{"user:ann", ask("documents", "1", "can_read"), 200, yes},
			{"user:ann", ask("documents", "1", "CAN_READ"), 200, yes},
			{"user:ann", ask("documents", "1/pages/7", "can_read"), 200, yes},
			{"user:ann", ask("documents", "1", "can_write"), 200, no}, // to grant it is not to do it
			{"user:ann", ask("documents", "2", "can_read"), 200, no},
			{"user:ann", ask("documents", "2/x", "can_read"), 200, yes},
			{"user:ann", ask("resource", "documents/1", "can_read"), 200, yes},
			{"user:ann", ask("resource", "1", "can_read"), 200, no}, // never documents/1, nor resource/1
			{"user:ann", ask("resource", "9", "can_read"), 200, no},
			{"user:ann", ask("resource", "resource/9", "can_read"), 200, yes},
			{"user:ann", ask("resource", "top", "can_read"), 200, yes},
			{"user:ann", ask("resource", "/top/", "can_read"), 200, yes},
			{"client:sc_asker", ask("documents", "1", "can_read"), 200, yes},
			{"client:sc_bot", `{"subject":{"type":"service-client","id":"sc_bot"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"}}`, 200, yes},
			{"user:ann", `{"subject":{"type":"group","id":"ann"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"}}`, 200,
				`{"decision":false,"context":{"reason":"Subjects are of the type user or service-client."}}`},
			{"user:ann", `{"subject":{"type":"User","id":"ann"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"}}`, 200,
				`{"decision":false,"context":{"reason":"Subjects are of the type user or service-client."}}`},
			// Unknown members, properties and contexts decide nothing.
			{"user:ann", strings.Replace(ask("documents", "2", "can_read"), `"id":"ann"`, `"id":"ann","properties":{"role":"admin","is_admin":true}`, 1), 200, no},
			{"user:ann", strings.Replace(ask("documents", "1", "can_read"), `{"subject"`, `{"context":{"time":"1985-10-26T01:22-07:00"},"x":[null],"subject"`, 1), 200, yes},

			{"user:bob", ask("documents", "1", "can_read"), 403, "You do not have the permission that this needs."},
			{"", ask("documents", "1", "can_read"), 401, "This needs a token: send the header Authorization: Bearer TOKEN."},
			{"x", ask("documents", "1", "can_read"), 401, "The token proves nothing."},
			{"user:ann", ask("documents", "a//b", "can_read"), 400, "A resource has no empty segments."},
			{"user:ann", ask("documents/1", "x", "can_read"), 400, "A resource's type is one segment of its path, without slashes and stars. For a whole path as id, the type is: resource."},
			{"user:ann", ask("*", "x", "can_read"), 400, "A resource's type is one segment of its path, without slashes and stars. For a whole path as id, the type is: resource."},
			{"user:ann", ask("documents", "../1", "can_read"), 400, "A resource has no . and .. segments."},
			{"user:ann", ask("documents", "", "can_read"), 400, "resource.id is required."},
			{"user:ann", ask("", "1", "can_read"), 400, "resource.type is required."},
			{"user:ann", ask("documents", "1", ""), 400, "action.name is required."},
			{"user:ann", `{"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"}}`, 400, "subject.type is required."},
			{"user:ann", `{"subject":{"type":"user"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"}}`, 400, "subject.id is required."},
			{"user:ann", `{"subject":{"type":"user","id":"ann"},"resource":{"type":"documents","id":"1"}}`, 400, "action.name is required."},
			{"user:ann", `{"subject":{"type":"user","id":"ann"},"action":{"name":"can_read"}}`, 400, "resource.type is required."},
			{"user:ann", strings.Replace(ask("documents", "1", "can_read"), `"id":"ann"`, `"id":"bob","id":"ann"`, 1), 400, "The body is not the JSON that this expects: a member appears twice."},
			{"user:ann", strings.Replace(ask("documents", "1", "can_read"), `"id":"ann"`, `"ID":"ann"`, 1), 400, "The body is not the JSON that this expects: a member is spelled in another case."},
			{"user:ann", `[]`, 400, "The body is not the JSON that this expects: the body has the wrong type."},
			{"user:ann", ``, 400, "The body is not the JSON that this expects: it is no valid JSON."},
			{"user:ann", `{"context":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, "The body is not the JSON that this expects: it is nested too deeply."},
		} {
			got := n.post(test.bearer, "/access/v1/evaluation", test.body)
			if got.status != test.status || got.raw != test.want {
				t.Errorf("%s: %s: %d %s", test.bearer, test.body, got.status, got.raw)
			}
			kind := "application/json"
			if test.status != 200 {
				kind = "text/plain"
			}
			if !strings.HasPrefix(got.header.Get("Content-Type"), kind) || test.status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %v", test.body, got.header)
			}
		}
		// The same subject in another account is somebody else.
		if got := n.post("operator", "/access/v1/evaluation", ask("documents", "1", "can_read"), "Host", "two.example"); got.raw != no {
			t.Error(got.raw)
		}
		// The request's own id comes back, also with errors; without one there is ours.
		for bearer, status := range map[string]int{"user:ann": 200, "user:bob": 403, "": 401} {
			got := n.post(bearer, "/access/v1/evaluation", ask("documents", "1", "can_read"), "X-Request-ID", "bfe9eb29-ab87")
			if got.status != status || got.header.Get("X-Request-ID") != "bfe9eb29-ab87" {
				t.Errorf("%q: %d %v", bearer, got.status, got.header)
			}
			if got := n.post(bearer, "/access/v1/evaluation", ask("documents", "1", "can_read")); len(got.header.Get("X-Request-ID")) < 20 {
				t.Errorf("%q: %v", bearer, got.header)
			}
		}
	})
}

func TestEvaluations(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		of := func(semantic string, ids ...string) string {
			var all []string
			for _, id := range ids {
				all = append(all, fmt.Sprintf(`{"resource":{"type":"documents","id":%q}}`, id))
			}
			return `{"subject":{"type":"user","id":"ann"},"action":{"name":"can_read"},"context":{"time":"x"},"options":{"evaluations_semantic":"` + semantic +
				`","other":1},"evaluations":[` + strings.Join(all, ",") + `]}`
		}
		const bad = `{"decision":false,"context":{"error":{"status":400,"message":"A resource has no empty segments."}}}`
		forbidden := `{"decision":false,"context":{"error":{"status":403,"message":"You do not have the permission that this needs."}}}`
		list := func(d ...string) string { return `{"evaluations":[` + strings.Join(d, ",") + `]}` }
		for _, test := range []struct {
			body   string
			status int
			want   string
		}{
			{of("execute_all", "1", "3", "1"), 200, list(yes, no, yes)},
			{of("deny_on_first_deny", "1", "3", "1"), 200, list(yes, no)},
			{of("deny_on_first_deny", "1", "a//b", "1"), 200, list(yes, bad)}, // a failure denies
			{of("permit_on_first_permit", "3", "a//b", "1", "3"), 200, list(no, bad, yes)},
			{of("permit_on_first_permit", "3", "4"), 200, list(no, no)},
			{of("none", "1"), 400, "options.evaluations_semantic is execute_all, deny_on_first_deny or permit_on_first_permit."},
			{of("EXECUTE_ALL", "1"), 400, "options.evaluations_semantic is execute_all, deny_on_first_deny or permit_on_first_permit."},
			// Defaults are replaced whole, and only by what an evaluation names.
			{`{"subject":{"type":"user","id":"ann"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"},"evaluations":[{},{"action":{"name":"can_write"}},` +
				`{"resource":{"type":"documents","id":"3"}},{"subject":{"type":"user","id":"bob"}},{"subject":{"type":"team","id":"ann"}}]}`, 200,
				list(yes, no, no, forbidden, `{"decision":false,"context":{"reason":"Subjects are of the type user or service-client."}}`)},
			{`{"subject":{"type":"user","id":"ann"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"},"evaluations":[{"resource":{"type":"documents"}}]}`, 400,
				"evaluations[0]: resource.id is required."},
			{`{"action":{"name":"can_read"},"evaluations":[{"subject":{"type":"user","id":"ann"},"resource":{"type":"documents","id":"1"}},{"resource":{"type":"documents","id":"1"}}]}`, 400,
				"evaluations[1]: subject.type is required."},
			{`{"subject":{"type":"user","id":"ann"},"action":{"name":"can_read"},"resource":{"type":"documents","id":"1"},"evaluations":[null]}`, 400, "evaluations[0] is null."},
			// Without evaluations it is one.
			{ask("documents", "1", "can_read"), 200, yes},
			{strings.Replace(ask("documents", "3", "can_read"), "{", `{"evaluations":[],`, 1), 200, no},
			{`{}`, 400, "subject.type is required."},
			{of("execute_all", strings.Split(strings.Repeat("1,", 1000)+"1", ",")...), 400, "One request has at most 1000 evaluations."},
			{strings.Replace(of("execute_all", "1"), `"evaluations":`, `"evaluations":[],"evaluations":`, 1), 400, "The body is not the JSON that this expects: a member appears twice."},
			{of("execute_all", strings.Repeat("x", 1<<20)), 413, "The request is larger than this accepts."},
		} {
			if got := n.post("user:ann", "/access/v1/evaluations", test.body); got.status != test.status || got.raw != test.want {
				t.Errorf("%.200s: %d %s", test.body, got.status, got.raw)
			}
		}
	})
}

type page struct {
	Page struct {
		NextToken *string `json:"next_token"`
		Count     int
	}
	Results []map[string]string
}

// all follows the tokens to the end; what is the entity by which results are told apart.
func (n *node) all(bearer, kind, body, what string) (out []string) {
	n.t.Helper()
	token := ""
	for range 20 {
		send := body
		if token != "" {
			send = strings.Replace(body, `"limit":2`, `"limit":2,"token":"`+token+`"`, 1)
		}
		got := n.post(bearer, "/access/v1/search/"+kind, send)
		var p page
		if err := json.Unmarshal([]byte(got.raw), &p); err != nil || got.status != 200 || p.Page.NextToken == nil || p.Page.Count != len(p.Results) || len(p.Results) > 2 {
			n.t.Fatalf("%s: %d %s", send, got.status, got.raw)
		}
		for _, r := range p.Results {
			out = append(out, strings.TrimPrefix(r["type"]+" "+r[what], " "))
		}
		if token = *p.Page.NextToken; token == "" {
			return out
		}
		// A token is for the same search and caller only.
		next := strings.Replace(body, `"limit":2`, `"limit":2,"token":"`+token+`"`, 1)
		for _, other := range []answer{
			n.post("client:sc_asker", "/access/v1/search/"+kind, next),
			n.post(bearer, "/access/v1/search/"+kind, strings.Replace(next, `"limit":2`, `"limit":3`, 1)),
			n.post(bearer, "/access/v1/search/"+kind, strings.Replace(next, `"resource":{"type":"`, `"resource":{"type":"x`, 1)),
		} {
			if other.status == 200 {
				n.t.Errorf("%s: a token of another search: %s", kind, other.raw)
			}
		}
	}
	n.t.Fatal("no end")
	return nil
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		search := func(subject, action, resource string) string {
			return `{"subject":` + subject + `,"action":{"name":"` + action + `"},"resource":` + resource + `,"page":{"limit":2}}`
		}
		const ann = `{"type":"user","id":"ann"}`
		for _, test := range []struct{ kind, body, what, want string }{
			{"resource", search(ann, "can_read", `{"type":"documents","id":"ignored"}`), "id", "[documents 1 documents 2/*]"},
			{"resource", search(ann, "can_read", `{"type":"resource"}`), "id", "[resource documents/1 resource documents/2/* resource folders resource resource/9 resource top]"},
			{"resource", search(ann, "can_read", `{"type":"folders"}`), "id", "[folders *]"},
			{"resource", search(ann, "can_write", `{"type":"documents"}`), "id", "[]"},
			{"resource", search(`{"type":"group","id":"ann"}`, "can_read", `{"type":"documents"}`), "id", "[]"},
			{"subject", search(`{"type":"user","id":"ignored"}`, "can_read", `{"type":"documents","id":"1"}`), "id", "[user ann]"},
			{"subject", search(`{"type":"service-client"}`, "can_read", `{"type":"documents","id":"1"}`), "id", "[service-client sc_bot]"},
			{"subject", search(`{"type":"team"}`, "can_read", `{"type":"documents","id":"1"}`), "id", "[]"},
			{"subject", search(`{"type":"user"}`, "can_read", `{"type":"documents","id":"3"}`), "id", "[]"},
			{"action", search(ann, "ignored", `{"type":"documents","id":"1"}`), "name", "[can_list can_read]"},
			{"action", search(ann, "ignored", `{"type":"folders","id":"1"}`), "name", "[*]"},
			{"action", search(ann, "ignored", `{"type":"documents","id":"3"}`), "name", "[]"},
		} {
			if got := fmt.Sprint(n.all("operator", test.kind, test.body, test.what)); got != test.want {
				t.Errorf("%s %s: %s", test.kind, test.body, got)
			}
		}
		for _, test := range []struct {
			bearer, kind, body string
			status             int
		}{
			{"user:ann", "resource", search(ann, "can_read", `{"type":"documents"}`), 200},
			{"user:bob", "resource", search(ann, "can_read", `{"type":"documents"}`), 403},
			{"user:bob", "action", search(ann, "can_read", `{"type":"documents","id":"1"}`), 403},
			{"user:ann", "subject", search(`{"type":"user"}`, "can_read", `{"type":"documents","id":"1"}`), 403},
			{"", "subject", search(`{"type":"user"}`, "can_read", `{"type":"documents","id":"1"}`), 401},
			{"user:ann", "resource", search(ann, "", `{"type":"documents"}`), 400},
			{"user:ann", "resource", search(ann, "can_read", `{}`), 400},
			{"user:ann", "resource", search(ann, "can_read", `{"type":"*"}`), 400},
			{"user:ann", "resource", search(`{"type":"user"}`, "can_read", `{"type":"documents"}`), 400},
			{"operator", "subject", search(`{}`, "can_read", `{"type":"documents","id":"1"}`), 400},
			{"operator", "subject", search(`{"type":"user"}`, "can_read", `{"type":"documents"}`), 400},
			{"user:ann", "action", search(ann, "x", `{"type":"documents"}`), 400},
			{"user:ann", "action", strings.Replace(search(ann, "x", `{"type":"documents","id":"1"}`), `"limit":2`, `"limit":-1`, 1), 400},
			{"user:ann", "action", strings.Replace(search(ann, "x", `{"type":"documents","id":"1"}`), `"limit":2`, `"limit":1.5`, 1), 400},
			{"user:ann", "action", strings.Replace(search(ann, "x", `{"type":"documents","id":"1"}`), `"limit":2`, `"limit":0`, 1), 200},
			{"user:ann", "action", strings.Replace(search(ann, "x", `{"type":"documents","id":"1"}`), `"limit":2`, `"limit":99999`, 1), 200},
			{"user:ann", "action", strings.Replace(search(ann, "x", `{"type":"documents","id":"1"}`), `"limit":2`, `"token":"x"`, 1), 400},
		} {
			if got := n.post(test.bearer, "/access/v1/search/"+test.kind, test.body); got.status != test.status {
				t.Errorf("%s %s %s: %d %s", test.bearer, test.kind, test.body, got.status, got.raw)
			}
		}
	})
}

func TestMetadata(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for _, host := range []string{"one", "two"} {
			r := httptest.NewRequest("GET", "https://"+host+".example/.well-known/authzen-configuration", nil)
			r.RequestURI = r.URL.Path
			w := httptest.NewRecorder()
			n.router.ServeHTTP(w, r)
			var got map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || len(got) != 6 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			base := "https://" + host + ".example"
			if got["policy_decision_point"] != base || got["access_evaluation_endpoint"] != base+"/access/v1/evaluation" || got["search_action_endpoint"] != base+"/access/v1/search/action" {
				t.Error(got)
			}
		}
	})
}

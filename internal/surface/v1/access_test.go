package v1_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/access/request/requestdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
	v1 "github.com/admit-id/admit/internal/surface/v1"
	"github.com/admit-id/admit/internal/surface/v1/decide"
	"github.com/admit-id/admit/internal/surface/v1/grant"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

const (
	acct ident.AccountID = "acc_1"
	base string          = "https://login.example"
)

// world is what surrounds the surface: one account, everybody's token is "user:ID" or
// "client:ID", and limits that allow everything.
type world struct{}

func (world) ByHost(host string) (ident.AccountID, bool)                     { return acct, host == "login.example" }
func (world) OriginAllowed(ident.AccountID, string) bool                     { return false }
func (world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool)         { return 0, true }
func (world) Issuer(ident.AccountID) string                                  { return base }
func (world) MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool { return true }

func (world) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	kind, id, _ := strings.Cut(bearer, ":")
	a := actor.Actor{Account: account, ID: id}
	switch kind {
	case "user":
		a.Kind = actor.User
	case "client":
		a.Kind = actor.ServiceClient
	default:
		return a, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "no")
	}
	return a, nil
}

type api struct {
	t       testing.TB
	router  http.Handler
	access  *access.Service
	users   *user.Service
	db      *sqldb.DB
	agent   string
	headers map[string]string
	clock   *clock.Fake
}

func newAPI(t testing.TB) *api {
	var (
		users    *user.Service
		rights   *access.Service
		sessions *session.Service
		bus      tx.Bus
	)
	bus.Subscribe(user.EventDeleted, func(ctx context.Context, tr tx.Tx, e event.Event) error { return rights.ForgetUser(ctx, tr, e) })
	bus.Subscribe(user.EventDeleted, func(ctx context.Context, tr tx.Tx, e event.Event) error {
		return sessions.EndUser(ctx, tr, e.Actor, ident.UserID(e.Target))
	})
	db, clk := sqldbtest.SQLite(t, slices.Concat(accessdb.Migrations(), requestdb.Migrations(), userdb.Migrations(), sessiondb.Migrations()), &bus)
	follower := feed.NewFollower(db, db, time.Minute)
	engine := access.NewEngine(follower.Fresh, world{}, clk)
	rights = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: engine})
	users = user.New(db, userdb.Store{}, userdb.Store{})
	sessions = session.New(session.Deps{DB: db, Store: sessiondb.Store{}, Tokens: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: sessiontest.Keys()})
	follower.Subscribe(rights, access.ChangeKinds()...)
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
	s := v1.New(v1.Deps{Issuers: world{}, Cursors: cursor.New(keys), Guard: engine, Users: users,
		TenantMembers: members{}, Tokens: sessions, Sessions: sessions,
		Decide: decide.Deps{Permissions: engine}, Grant: grant.Deps{Records: rights, Roles: rights, Groups: rights,
			Requests:      request.New(request.Deps{Runner: db, Store: requestdb.Store{}, Engine: engine, Access: rights}),
			Resources:     claim.New(claim.Deps{Runner: db, Store: accessdb.Resources{}, Engine: engine, Access: rights}),
			ResourceUsers: history.New(history.Deps{Runner: db, Store: accessdb.Versions{}, Engine: engine})}})
	router, err := web.NewRouter(web.Deps{Accounts: world{}, Tokens: world{}, Origins: world{}, Limiter: world{},
		Clock: clk, Log: slog.New(slog.DiscardHandler)}, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, router: router, access: rights, users: users, db: db, clock: clk, headers: map[string]string{}}
	_, err = rights.CreateRecord(t.Context(), actor.ForOperator(acct), access.Record{ID: "rec_owner", Name: "owner", Users: []ident.UserID{"sc_owner"},
		Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// call sends a request; the body is JSON or empty. It returns the status and the decoded answer.
func (a *api) call(bearer, method, path, body string) (int, map[string]any) {
	a.t.Helper()
	status, raw, _ := a.raw(bearer, method, path, body)
	var out map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			a.t.Fatalf("%s %s: %v in %q", method, path, err, raw)
		}
	}
	if status >= 400 {
		for _, key := range []string{"title", "errorCode", "errorId"} {
			if text, _ := out[key].(string); text == "" {
				a.t.Errorf("%s %s: %d without %s: %q", method, path, status, key, raw)
			}
		}
	}
	return status, out
}

func (a *api) raw(bearer, method, path, body string) (int, []byte, http.Header) {
	a.t.Helper()
	r := httptest.NewRequest(method, base+path, strings.NewReader(body))
	r.RequestURI = path
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	r.Header.Set("User-Agent", a.agent)
	for k, v := range a.headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	a.router.ServeHTTP(w, r)
	if a.agent == "" { // the Terraform provider gets other statuses, which the descriptions tell
		asDocumented(a.t, method, path, w.Code, w.Header(), w.Body.Bytes())
	}
	return w.Code, w.Body.Bytes(), w.Header()
}

func (a *api) want(status int, bearer, method, path, body string) map[string]any {
	a.t.Helper()
	got, out := a.call(bearer, method, path, body)
	if got != status {
		a.t.Errorf("%s %s as %q: %d %v; want %d", method, path, bearer, got, out, status)
	}
	return out
}

const owner = "client:sc_owner"

func (a *api) grant(id, user, role, resource string) {
	a.t.Helper()
	a.want(201, owner, "POST", "/v1/records", fmt.Sprintf(
		`{"recordId":%q,"name":"n","users":[{"userId":%q}],"statements":[{"roles":[%q],"resources":[{"resourceUri":%q}]}]}`, id, user, role, resource))
}

func TestCheckOverHTTP(t *testing.T) {
	a := newAPI(t)
	a.want(201, owner, "POST", "/v1/roles", `{"roleId":"ro_reader","name":"Reader","permissions":[{"action":"Documents:Read","allow":true,"grant":false,"delegate":false}]}`)
	a.grant("rec_1", "ann", "ro_reader", "/documents/1")
	check := func(bearer, user, resource, permission string) int {
		status, _ := a.call(bearer, "GET", "/v1/users/"+user+"/resources/"+resource+"/permissions/"+permission, "")
		return status
	}
	tests := []struct {
		status                             int
		bearer, user, resource, permission string
	}{
		{200, "user:ann", "ann", "documents%2F1", "documents:read"},
		{200, "user:ann", "ann", "documents%2f1", "DOCUMENTS:READ"},
		{200, "user:ann", "ann", "%2Fdocuments%2F1%2Fpages%2F2%2F", "documents%3Aread"},
		{200, "user:ann", "ann", "documents/1", "documents:read"},
		{200, "user:ann", "ann", "documents%2F1%2F%2A", "documents:read"},
		{200, "client:sc_any", "ann", "documents%2F1", "documents:read"},
		{404, "user:ann", "ann", "documents%2F2", "documents:read"},
		{404, "user:ann", "ann", "documents%2F1", "documents:write"},
		{404, "user:ann", "ann", "documents%2F*", "documents:read"},
		{404, owner, "nobody", "documents%2F1", "documents:read"},
		{403, "user:bob", "ann", "documents%2F1", "documents:read"},
		{401, "", "ann", "documents%2F1", "documents:read"},
		{401, "bad", "ann", "documents%2F1", "documents:read"},
		{400, "user:ann", "ann", "documents%2F%2F1", "documents:read"},
		{400, "user:ann", "ann", "documents%2F..%2F1", "documents:read"},
		{400, "user:ann", "ann", "documents%252F1", "documents:read"},
		{400, "user:ann", "ann", "documents%5C1", "documents:read"},
		{400, "user:ann", "ann", "documents%2F1*", "documents:read"},
		{400, "user:ann", "ann", "documents%2F1", "documents::read"},
		{400, "user:ann", "ann", strings.Repeat("a", 600), "documents:read"},
		{400, "user:ann", "ann", "documents%2F1", strings.Repeat("a", 65)},
	}
	for _, test := range tests {
		if got := check(test.bearer, test.user, test.resource, test.permission); got != test.status {
			t.Errorf("%+v: %d", test, got)
		}
	}
	a.want(204, owner, "DELETE", "/v1/records/rec_1", "")
	if got := check("user:ann", "ann", "documents%2F1", "documents:read"); got != 404 {
		t.Errorf("after the removal: %d", got)
	}
}

func TestQuestionsOverHTTP(t *testing.T) {
	a := newAPI(t)
	for i := range 45 {
		a.grant(fmt.Sprintf("rec_%02d", i), "ann", "Authress:ReadResource", fmt.Sprintf("accounts/%02d", i))
	}
	out := a.want(200, "user:ann", "GET", "/v1/users/ann/resources/accounts%2F07/permissions", "")
	if got := fmt.Sprint(out["permissions"], out["userId"], out["account"]); got != "[map[action:read allow:true delegate:false grant:false]]annmap[accountId:acc_1]" {
		t.Error(got)
	}
	out = a.want(200, "user:ann", "GET", "/v1/users/ann/resources/accounts%2F07/roles", "")
	if got := fmt.Sprint(out["roles"]); got != "[map[roleId:Authress:ReadResource]]" {
		t.Error(got)
	}
	a.want(404, "user:ann", "GET", "/v1/users/ann/resources/elsewhere/permissions", "")
	a.want(404, "user:ann", "GET", "/v1/users/ann/resources/accounts%2F07%2Fx/roles", "")
	a.want(403, "user:bob", "GET", "/v1/users/ann/resources", "")
	a.want(400, "user:ann", "GET", "/v1/users/ann/resources?collectionConfiguration=ALL", "")
	a.want(400, "user:ann", "GET", "/v1/users/ann/resources?limit=0", "")
	a.want(400, "user:ann", "GET", "/v1/users/ann/resources?cursor=abc", "")
	a.want(400, "user:ann", "GET", "/v1/users/ann/resources?limit=1.5", "")
	// getUserResources(user, 'accounts/*', 'accounts:read') of the JavaScript SDK.
	if out := a.want(200, "user:ann", "GET", "/v1/users/ann/resources?resourceUri=accounts%2F*&limit=write", ""); len(out["resources"].([]any)) != 0 {
		t.Error(out)
	}
	if out := a.want(200, "user:ann", "GET", "/v1/users/ann/resources?resourceUri=accounts%2F*&limit=read", ""); len(out["resources"].([]any)) != 20 {
		t.Error(out)
	}

	// Page by page, by cursor and by following the link, as the SDKs do.
	for name, next := range map[string]func(out map[string]any) string{
		"cursor": func(out map[string]any) string {
			p, _ := out["pagination"].(map[string]any)
			n, _ := p["next"].(map[string]any)
			c, _ := n["cursor"].(string)
			if c == "" {
				return ""
			}
			return "/v1/users/ann/resources?resourceUri=accounts%2F*&permissions=READ&collectionConfiguration=undefined&cursor=" + url.QueryEscape(c)
		},
		"link": func(out map[string]any) string {
			l, _ := out["links"].(map[string]any)
			n, _ := l["next"].(map[string]any)
			h, _ := n["href"].(string)
			return strings.TrimPrefix(h, base)
		},
	} {
		seen := map[string]bool{}
		for path := "/v1/users/ann/resources?resourceUri=accounts%2F*&permissions=READ"; path != ""; {
			out := a.want(200, "user:ann", "GET", path, "")
			for _, r := range out["resources"].([]any) {
				seen[r.(map[string]any)["resourceUri"].(string)] = true
			}
			if path = next(out); path != "" {
				a.want(400, owner, "GET", path, "") // somebody else's cursor
			}
		}
		if len(seen) != 45 {
			t.Errorf("by %s: %d resources", name, len(seen))
		}
	}
}

func TestRecordsOverHTTP(t *testing.T) {
	a := newAPI(t)
	out := a.want(201, owner, "POST", "/v1/records", `{"name":"n","extra":1,"users":[{"userId":"ann"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"/a"}]}],"tags":{"k":"v"}}`)
	id := out["recordId"].(string)
	for _, key := range []string{"name", "statements", "links", "lastUpdated", "users", "admins", "groups", "capacity", "status", "account"} {
		if out[key] == nil {
			t.Errorf("no %s in %v", key, out)
		}
	}
	if got := fmt.Sprint(out["admins"], out["links"]); got != "[map[userId:sc_owner]] map[self:map[href:"+base+"/v1/records/"+id+"]]" {
		t.Error(got)
	}
	stamp := out["lastUpdated"].(string)
	body, _ := json.Marshal(out)
	a.headers["If-Unmodified-Since"] = stamp
	changed := a.want(200, owner, "PUT", "/v1/records/"+id, string(body))
	a.want(412, owner, "PUT", "/v1/records/"+id, string(body))
	at, _ := time.Parse(time.RFC3339, changed["lastUpdated"].(string))
	a.headers["If-Unmodified-Since"] = at.Format(time.RFC3339) // as Go sends it
	a.want(200, owner, "PUT", "/v1/records/"+id, string(body))
	a.headers["If-Unmodified-Since"] = "yesterday"
	a.want(400, owner, "PUT", "/v1/records/"+id, string(body))
	delete(a.headers, "If-Unmodified-Since")
	a.want(400, owner, "PUT", "/v1/records/other", string(body))
	a.want(403, "user:bob", "GET", "/v1/records/"+id, "")
	a.want(403, "user:bob", "GET", "/v1/records/nothing", "")
	a.want(404, owner, "GET", "/v1/records/nothing", "")
	a.want(409, owner, "POST", "/v1/records", string(body))
	a.want(403, "user:bob", "POST", "/v1/records", `{"name":"n","users":[{"userId":"bob"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"/a"}]}]}`)
	a.want(204, owner, "DELETE", "/v1/records/"+id, "")
	gone := a.want(200, owner, "GET", "/v1/records/"+id, "")
	if gone["status"] != "DELETED" {
		t.Error(gone["status"])
	}
	a.want(201, owner, "POST", "/v1/records", string(body))
	for _, bad := range []string{"", "{", "[]", `{"name":"n","name":"m"}`, `{"Name":"n"}`, `{"name":1}`, `{"name":"n"}`, "null"} {
		a.want(400, owner, "POST", "/v1/records", bad)
	}
	a.want(413, owner, "POST", "/v1/records", `{"name":"`+strings.Repeat("a", 600_000)+`"}`)
	list := a.want(200, owner, "GET", "/v1/records?filter=SC_OWN&status=ACTIVE&limit=100", "")
	if n := len(list["records"].([]any)); n != 2 {
		t.Errorf("%d records", n)
	}
	a.want(400, owner, "GET", "/v1/records?status=OTHER", "")
	a.want(400, owner, "GET", "/v1/records?filter=%00", "")
	a.want(403, "user:bob", "GET", "/v1/records", "")
}

func TestRolesOverHTTP(t *testing.T) {
	a := newAPI(t)
	role := `{"roleId":"ro_1","name":"One","permissions":[{"action":"a:READ","allow":true,"grant":true,"delegate":false}]}`
	a.want(403, "user:bob", "POST", "/v1/roles", role)
	out := a.want(201, owner, "POST", "/v1/roles", role)
	if got := fmt.Sprint(out["permissions"]); got != "[map[action:a:read allow:true delegate:false grant:true]]" {
		t.Error(got)
	}
	if out := a.want(409, owner, "POST", "/v1/roles", role); out["errorCode"] != "RoleAlreadyExists" {
		t.Error(out)
	}
	a.want(409, owner, "POST", "/v1/roles", strings.Replace(role, "ro_1", "Authress:Owner", 1))
	a.want(400, owner, "POST", "/v1/roles", strings.Replace(role, "ro_1", "authress:Other", 1))
	a.want(200, owner, "GET", "/v1/roles/ro_1", "")
	a.want(200, owner, "GET", "/v1/roles/Authress%3AOwner", "")
	a.want(403, owner, "PUT", "/v1/roles/Authress:Owner", `{"name":"x","permissions":[]}`)
	a.want(403, owner, "DELETE", "/v1/roles/Authress:Owner", "")
	a.want(200, owner, "PUT", "/v1/roles/ro_1", strings.Replace(role, "One", "Two", 1))
	a.want(404, owner, "PUT", "/v1/roles/ro_none", strings.Replace(role, "ro_1", "ro_none", 1))
	list := a.want(200, owner, "GET", "/v1/roles/?filter=two&limit=5", "")
	if n := len(list["roles"].([]any)); n != 1 || list["links"] == nil {
		t.Error(list)
	}
	a.agent = "Authress SDK; Terraform; 1.0; "
	a.want(200, owner, "POST", "/v1/roles", strings.Replace(role, "ro_1", "ro_tf", 1))
	a.want(200, owner, "DELETE", "/v1/roles/ro_tf", "")
	a.agent = "Authress SDK; Python; 1.0; "
	a.want(204, owner, "DELETE", "/v1/roles/ro_1", "")
	a.want(404, owner, "DELETE", "/v1/roles/ro_1", "")
}

func TestGroupsOverHTTP(t *testing.T) {
	a := newAPI(t)
	out := a.want(201, owner, "POST", "/v1/groups", `{"name":"Team","users":[{"userId":"ann"}],"admins":[]}`)
	id := out["groupId"].(string)
	if !strings.HasPrefix(id, "grp_") || out["lastUpdated"] == nil || len(out["admins"].([]any)) != 1 {
		t.Error(out)
	}
	a.want(201, owner, "POST", "/v1/records", `{"recordId":"rec_g","name":"n","groups":[{"groupId":"`+id+`"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"team"}]}]}`)
	a.want(200, "user:ann", "GET", "/v1/users/ann/resources/team/permissions/READ", "")
	a.want(200, owner, "PUT", "/v1/groups/"+id, `{"name":"Team","users":[{"userId":"bob"}]}`)
	a.want(404, "user:ann", "GET", "/v1/users/ann/resources/team/permissions/READ", "")
	a.want(200, "user:bob", "GET", "/v1/users/bob/resources/team/permissions/READ", "")
	a.want(403, "user:bob", "GET", "/v1/groups/"+id, "")
	a.want(200, owner, "GET", "/v1/groups/"+id, "")
	if n := len(a.want(200, owner, "GET", "/v1/groups", "")["groups"].([]any)); n != 1 {
		t.Errorf("%d groups", n)
	}
	a.want(400, owner, "POST", "/v1/groups", `{"groupId":"team","name":"Team"}`)
	a.want(204, owner, "DELETE", "/v1/groups/"+id, "")
	a.want(404, "user:bob", "GET", "/v1/users/bob/resources/team/permissions/READ", "")
}

func TestUsersOverHTTP(t *testing.T) {
	a := newAPI(t)
	var ids []string
	for _, name := range []string{"Ann", "Bob"} {
		err := a.db.Write(t.Context(), tx.In(acct), func(ctx context.Context, tr tx.Tx) error {
			u, _, err := a.users.SignIn(ctx, tr, actor.ForSystem(acct), user.Identity{Connection: "con_email", Issuer: "email", Subject: name},
				user.Profile{Name: name, Email: name + "@example.com"})
			ids = append(ids, string(u.ID))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ann, bob := ids[0], ids[1]
	a.grant("rec_1", ann, "Authress:Owner", "x")
	a.want(403, "user:"+ann, "GET", "/v1/users", "")
	a.want(403, "user:"+ann, "GET", "/v1/users/"+bob, "")
	out := a.want(200, "user:"+ann, "GET", "/v1/users/"+ann, "")
	if got := fmt.Sprint(out["name"], out["email"], out["linkedIdentities"]); got != "AnnAnn@example.com[map[connection:map[connectionId:con_email userId:Ann]]]" {
		t.Error(got)
	}
	if n := len(a.want(200, owner, "GET", "/v1/users?limit=1&filter=ANN", "")["users"].([]any)); n != 1 {
		t.Errorf("%d users", n)
	}
	a.want(404, owner, "GET", "/v1/users/nobody", "")
	a.want(403, "user:"+ann, "DELETE", "/v1/users/"+ann, "")
	a.want(202, owner, "DELETE", "/v1/users/"+ann, "")
	a.want(404, owner, "GET", "/v1/users/"+ann, "")
	a.want(404, owner, "GET", "/v1/users/"+ann+"/resources/x/permissions/read", "")
}

func BenchmarkCheckOverHTTP(b *testing.B) {
	a := newAPI(b)
	a.grant("rec_1", "ann", "Authress:ReadResource", "accounts/a1")
	const path = "/v1/users/ann/resources/accounts%2Fa1%2Fprojects%2Fp1/permissions/read"
	r := httptest.NewRequest("GET", base+path, nil)
	r.RequestURI = path
	r.Header.Set("Authorization", "Bearer user:ann")
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		w.Body.Reset()
		clear(w.Header())
		a.router.ServeHTTP(w, r)
	}
	if w.Code != 200 {
		b.Fatal(w.Code)
	}
}

package v1_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/web"
	v1 "github.com/admit-id/admit/internal/surface/v1"
)

// connectionHouse is an account "acc_one" on one.test and another on two.test. The bearer "admin"
// may do everything, "keeper" may keep connections, "reader" may read, anybody else nothing.
type connectionHouse struct{}

func (connectionHouse) ByHost(host string) (ident.AccountID, bool) {
	name, ok := strings.CutSuffix(host, ".test")
	return ident.AccountID("acc_" + name), ok
}

func (connectionHouse) Issuer(a ident.AccountID) string {
	return "https://" + strings.TrimPrefix(string(a), "acc_") + ".test"
}
func (connectionHouse) OriginAllowed(ident.AccountID, string) bool { return false }

func (connectionHouse) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	return actor.Actor{Kind: actor.ServiceClient, Account: account, ID: bearer}, nil
}

func (connectionHouse) Allow(a actor.Actor, action, resource string) error {
	if a.ID == "admin" || a.ID == "keeper" || a.ID == "reader" && action == "READ" || a.ID == "only:"+action+":"+resource {
		return nil
	}
	return fault.New(fault.Forbidden, fault.CodeForbidden, "no")
}

func (connectionHouse) AllowActing(a actor.Actor, _ string) error {
	return connectionHouse{}.AllowActingAsAnyone(a)
}

func (connectionHouse) AllowActingAsAnyone(a actor.Actor) error {
	if a.ID == "admin" {
		return nil
	}
	return fault.New(fault.Forbidden, fault.CodeForbidden, "no")
}

func (connectionHouse) AllowLasting(a actor.Actor, _, _ string) error {
	return connectionHouse{}.AllowActingAsAnyone(a)
}

func connectionAPI(t *testing.T) func(method, path, bearer, body string) (int, map[string]any) {
	t.Helper()
	db, clk := sqldbtest.SQLite(t, connectiondb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	service := connection.New(connection.Deps{Runner: db, Store: connectiondb.New(), Secrets: connection.NewSecrets(keys)})
	surface := v1.New(v1.Deps{Issuers: connectionHouse{}, Cursors: cursor.New(keys), Guard: connectionHouse{}, Acting: connectionHouse{}, Connections: service})
	var routes []web.Route
	for _, r := range surface.Routes() {
		if strings.HasPrefix(r.Pattern, "/v1/connections") {
			routes = append(routes, r)
		}
	}
	router, err := web.NewRouter(web.Deps{
		Accounts: connectionHouse{}, Tokens: connectionHouse{}, Origins: connectionHouse{}, Limiter: web.NewLimiter(clock.NewSystem(), 1000),
		Clock: clk, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, routes)
	if err != nil {
		t.Fatal(err)
	}
	return func(method, path, bearer, body string) (int, map[string]any) {
		t.Helper()
		host, path, _ := strings.Cut(path, "/")
		r := httptest.NewRequest(method, "http://"+host+".test/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "s3cret") {
			t.Errorf("%s %s shows the client secret", method, path)
		}
		var out map[string]any
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Errorf("%s %s: %v in %s", method, path, err, w.Body)
			}
		}
		return w.Code, out
	}
}

const acme = `{"connectionId":"con_acme","type":"OAUTH2","issuerUrl":"https://id.acme.example","clientId":"admit","clientSecret":"s3cret",
	"data":{"name":"Acme","userIdExpression":"{sub}","trustIdentityUserId":false,"extra":1},
	"defaultConnectionProperties":{"scope":"openid email","prompt":"login"},"userDataConfiguration":{"location":null},
	"conditions":{"authenticationLeewayDuration":"PT10M"},"tenantConfiguration":null,"linkingConfiguration":{"type":null},"tags":{"a":"b"},
	"createdTime":"2020-01-01","lastUpdated":null,"account":{"accountId":"acc_two"},"unknown":[]}`

func TestConnectionsOverHTTP(t *testing.T) {
	call := connectionAPI(t)
	status, c := call("POST", "one/v1/connections", "admin", acme)
	if status != 201 || c["connectionId"] != "con_acme" || c["isActiveConnection"] != true || c["createdTime"] != "2026-03-03T12:00:00.000Z" ||
		c["links"].(map[string]any)["self"].(map[string]any)["href"] != "https://one.test/v1/connections/con_acme" ||
		c["data"].(map[string]any)["name"] != "Acme" || c["defaultConnectionProperties"].(map[string]any)["prompt"] != "login" ||
		c["conditions"].(map[string]any)["authenticationLeewayDuration"] != "PT10M" {
		t.Errorf("%d %v", status, c)
	}
	if status, _ := call("POST", "one/v1/connections", "admin", acme); status != 409 {
		t.Errorf("created twice: %d", status)
	}
	// What was read can be written back, with the read-only members in it.
	text, _ := json.Marshal(c)
	if status, again := call("PUT", "one/v1/connections/con_acme", "admin", string(text)); status != 200 || again["clientId"] != "admit" {
		t.Errorf("%d %v", status, again)
	}
	if status, _ := call("PUT", "one/v1/connections/con_sso-acme", "admin", strings.Replace(acme, "con_acme", "con_sso-acme", 1)); status != 200 {
		t.Errorf("PUT of a new one: %d", status)
	}
	if status, _ := call("PUT", "one/v1/connections/con_other", "admin", acme); status != 400 {
		t.Errorf("two ids: %d", status)
	}
	for _, path := range []string{"one/v1/connections", "one/v1/connections/", "one/v1/connections?limit=2&filter=undefined"} {
		status, l := call("GET", path, "reader", "")
		if list, _ := l["connections"].([]any); status != 200 || len(list) < 2 {
			t.Errorf("%s: %d %v", path, status, l)
		}
	}
	_, l := call("GET", "one/v1/connections?limit=1", "reader", "")
	next := l["links"].(map[string]any)["next"].(map[string]any)["href"].(string)
	status, l = call("GET", "one"+strings.TrimPrefix(next, "https://one.test"), "reader", "")
	if list, _ := l["connections"].([]any); status != 200 || len(list) != 1 || list[0].(map[string]any)["connectionId"] != "con_email" {
		t.Errorf("%s: %d %v", next, status, l)
	}
	if status, c := call("PUT", "one/v1/connections/con_email", "admin", `{"isActiveConnection":false}`); status != 200 || c["isActiveConnection"] != false {
		t.Errorf("%d %v", status, c)
	}
	if status, _ := call("DELETE", "one/v1/connections/con_acme", "admin", ""); status != 204 {
		t.Error(status)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if status, e := call(method, "one/v1/connections/con_acme", "admin", ""); status != 404 || e["errorCode"] != "NotFound" || e["errorId"] == "" {
			t.Errorf("%s: %d %v", method, status, e)
		}
	}
}

func TestConnectionsAreGuarded(t *testing.T) {
	call := connectionAPI(t)
	call("POST", "one/v1/connections", "admin", acme)
	for _, c := range []struct {
		method, path, bearer string
		want                 int
	}{
		{"POST", "one/v1/connections", "reader", 403}, {"PUT", "one/v1/connections/con_acme", "reader", 403},
		{"DELETE", "one/v1/connections/con_acme", "reader", 403}, {"GET", "one/v1/connections", "nobody", 403},
		{"GET", "one/v1/connections/", "nobody", 403}, {"GET", "one/v1/connections/con_acme", "nobody", 403},
		{"GET", "one/v1/connections/con_acme", "only:READ:Authress:Connections/con_acme", 200},
		{"GET", "one/v1/connections/con_email", "only:READ:Authress:Connections/con_acme", 403},
		{"GET", "one/v1/connections", "only:READ:Authress:Connections/con_acme", 403},
		{"GET", "two/v1/connections/con_acme", "admin", 404}, {"DELETE", "two/v1/connections/con_acme", "admin", 404},
	} {
		if status, _ := call(c.method, c.path, c.bearer, acme); status != c.want {
			t.Errorf("%s %s as %s: %d", c.method, c.path, c.bearer, status)
		}
	}
}

func TestConnectionBodiesAreChecked(t *testing.T) {
	call := connectionAPI(t)
	for body, want := range map[string]int{
		``:                                400,
		`[]`:                              400,
		`null`:                            400,
		`{"data":1}`:                      400,
		`{"clientId":"a","clientId":"b"}`: 400,
		`{"clientId":"a","CLIENTID":"b"}`: 400,
		`{"clientId":"a"} x`:              400,
		`{}`:                              400,
		`{"type":"SAML2"}`:                422,
		`{"issuerUrl":"http://10.0.0.1","clientId":"a","data":{"name":"x"}}`:                                                     400,
		`{"issuerUrl":"https://x.example","clientId":"a","data":{"name":"x","trustIdentityUserId":true}}`:                        422,
		`{"issuerUrl":"https://x.example","clientId":"a","data":{"name":"x"},"providerCertificate":"x"}`:                         422,
		`{"issuerUrl":"https://x.example","clientId":"a","data":{"name":"x"},"conditions":{"requireBusinessAccount":true}}`:      422,
		`{"issuerUrl":"https://x.example","clientId":"a","data":{"name":"x"},"conditions":{"authenticationLeewayDuration":"5"}}`: 400,
		`{"issuerUrl":"https://x.example","clientId":"a","data":{"name":"x"},"defaultConnectionProperties":{"prompt":1}}`:        400,
		`{"provider":"google","clientId":"a","data":{}}`:                                                                         201,
		`{"provider":"google","clientId":"a"}`:                                                                                   201,
		`{"tags":{"a":"` + strings.Repeat("x", 200<<10) + `"}}`:                                                                  413,
	} {
		status, e := call(http.MethodPost, "one/v1/connections", "admin", body)
		if status != want || want >= 400 && (e["title"] == "" || e["errorCode"] == nil) {
			t.Errorf("%.80s: %d %v", body, status, e)
		}
	}
}

// I-14: whoever says where a connection asks can be anybody who signs in with it, so it takes the
// right to act as anyone, and not only the right over connections.
func TestWhomAConnectionBelievesIsJudged(t *testing.T) {
	call := connectionAPI(t)
	const hub = `{"provider":"github","clientId":"admit","clientSecret":"s3cret","data":{"name":"GitHub"}}`
	if status, _ := call("PUT", "one/v1/connections/con_hub", "keeper", hub); status != 200 {
		t.Fatal(status)
	}
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"a new name":        {`{"provider":"github","clientId":"admit","data":{"name":"Hub"}}`, 200},
		"a new secret":      {hub, 200},
		"somebody's record": {`{"provider":"github","clientId":"admit","data":{"oidcUserEndpointUrl":"https://api.github.com/users/octocat"}}`, 403},
		"another client":    {`{"provider":"github","clientId":"other","clientSecret":"x","data":{}}`, 403},
		"another server":    {`{"provider":"github","clientId":"admit","clientSecret":"x","tokenUrl":"https://api.github.com.evil.example/t","data":{}}`, 403},
		"all addresses":     {`{"provider":"github","clientId":"admit","emailDomains":["victim.example"],"data":{}}`, 403},
	} {
		if status, e := call("PUT", "one/v1/connections/con_hub", "keeper", c.body); status != c.want {
			t.Errorf("%s: %d %v", name, status, e)
		}
		if status, e := call("PUT", "one/v1/connections/con_hub", "admin", c.body); status != 200 {
			t.Errorf("%s as admin: %d %v", name, status, e)
		}
		call("PUT", "one/v1/connections/con_hub", "admin", hub)
	}
	vouching := strings.Replace(acme, `"tags"`, `"emailDomains":["victim.example"],"tags"`, 1)
	for _, method := range []string{"POST one/v1/connections", "PUT one/v1/connections/con_acme"} {
		verb, path, _ := strings.Cut(method, " ")
		if status, _ := call(verb, path, "keeper", vouching); status != 403 {
			t.Errorf("%s of one that vouches: %d", method, status)
		}
	}
}

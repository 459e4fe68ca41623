package v1_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/account/accountdb"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/extension/extensiondb"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/issuer/issuerdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
	"github.com/admit-id/admit/internal/surface/v1"
	"github.com/admit-id/admit/internal/surface/v1/machine"
)

// estate is the API over real features. Its guard lets "owner" do everything and
// "manager" manage, but not give; every question is written down.
type estate struct {
	handler http.Handler
	asked   []string
}

func (e *estate) Allow(a actor.Actor, action, resource string) error {
	e.asked = append(e.asked, action+" "+resource)
	if a.ID == "usr_owner" || a.ID == "usr_friday" || (a.ID == "usr_manager" && !strings.Contains(resource, "UserPermissions")) {
		return nil
	}
	return fault.New(fault.Forbidden, fault.CodeForbidden, "no")
}

func (e *estate) AllowActing(a actor.Actor, subject string) error {
	if a.ID == "usr_owner" || subject != "sc_powerful" && subject != "app_powerful" {
		return nil
	}
	return fault.New(fault.Forbidden, fault.CodeForbidden, "no")
}

func (e *estate) AllowActingAsAnyone(a actor.Actor) error {
	return e.AllowActing(a, "sc_powerful")
}

// AllowLasting knows usr_friday too, who may read permissions until then.
func (e *estate) AllowLasting(a actor.Actor, action, resource string) error {
	return e.AllowActing(a, "sc_powerful")
}

func (*estate) ByHost(host string) (ident.AccountID, bool) {
	return ident.DefaultAccount, host == "login.example.com"
}
func (*estate) Issuer(ident.AccountID) string { return "https://login.example.com" }
func (*estate) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	if bearer == "" {
		return actor.Actor{}, errors.New("no token")
	}
	return actor.Actor{Kind: actor.User, Account: account, ID: bearer}, nil
}
func (*estate) OriginAllowed(ident.AccountID, string) bool { return false }

type noLimit struct{}

func (noLimit) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }

func newEstate(t *testing.T) *estate {
	migrations := slices.Concat(accountdb.Migrations(), applicationdb.Migrations(), serviceclientdb.Migrations(), issuerdb.Migrations(), extensiondb.Migrations())
	db, clk := sqldbtest.SQLite(t, migrations, nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	public, err := account.ParsePublicURL("https://login.example.com")
	if err != nil {
		t.Fatal(err)
	}
	e := &estate{}
	accounts := account.New(account.Deps{DB: db, Store: accountdb.Store{}, Hosts: accountdb.Store{}, PublicURL: public})
	if err := accounts.CreateDefault(t.Context()); err != nil {
		t.Fatal(err)
	}
	applications := application.New(db, applicationdb.Store{})
	err = db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		return applications.CreateDefault(ctx, x, ident.DefaultAccount)
	})
	if err != nil {
		t.Fatal(err)
	}
	clients := serviceclient.New(db, serviceclientdb.Store{}, serviceclientdb.Store{})
	s := v1.New(v1.Deps{Issuers: e, Cursors: cursor.New(keys), Guard: e, Acting: e, Accounts: accounts, Machine: machine.Deps{Applications: applications, Secrets: applications, Clients: clients, AccessKeys: clients,
		Extensions: extension.New(extension.Deps{DB: db, Store: extensiondb.Store{},
			Applications: func(in tx.Runner) extension.Applications { return application.New(in, applicationdb.Store{}) },
			Clients: func(in tx.Runner) extension.Clients {
				return serviceclient.New(in, serviceclientdb.Store{}, serviceclientdb.Store{})
			}})},
		LinkedIssuers: issuer.New(issuer.Deps{DB: db, Store: issuerdb.Store{}, Own: func(u string) bool { return u == "https://login.example.com" }})})
	e.handler, err = web.NewRouter(web.Deps{Accounts: e, Tokens: e, Origins: e, Limiter: noLimit{}, Clock: clk, Log: slog.New(slog.DiscardHandler)}, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (e *estate) call(t *testing.T, who, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, "http://login.example.com"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: w.Code, header: w.Header(), text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("%s %s: %s", method, path, text)
		}
	}
	return a
}

func (e *estate) want(t *testing.T, status int, who, method, path, body string, header ...string) answer {
	t.Helper()
	a := e.call(t, who, method, path, body, header...)
	if a.status != status {
		t.Fatalf("%s %s as %q: %d %s", method, path, who, a.status, a.text)
	}
	if status >= 400 && (a.body["title"] == "" || a.body["errorCode"] == "" || a.body["errorId"] == "") {
		t.Errorf("%s %s: %s", method, path, a.text)
	}
	return a
}

func TestClientsThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	c := e.want(t, 201, "usr_owner", "POST", "/v1/clients", `{"clientId":"sc_mine","createdTime":"2000-01-01T00:00:00Z","name":"Builder",
		"verificationKeys":[{"keyId":"smuggled"}],"rateLimits":[{"duration":"PT1H","quota":1000}],"tags":{"a":"b"},"options":{"grantUserPermissionsAccess":true}}`)
	id := c.body["clientId"].(string)
	if id == "sc_mine" || !strings.HasPrefix(id, "sc_") || len(c.body["verificationKeys"].([]any)) != 0 || c.body["createdTime"] == "2000-01-01T00:00:00Z" ||
		c.body["links"].(map[string]any)["self"].(map[string]any)["href"] != "https://login.example.com/v1/clients/"+id {
		t.Fatal(c.text)
	}
	k := e.want(t, 201, "usr_owner", "POST", "/v1/clients/"+id+"/access-keys", "")
	parts := strings.Split(k.body["accessKey"].(string), ".")
	if len(parts) != 4 || parts[0] != id || parts[1] != k.body["keyId"] || parts[2] != string(ident.DefaultAccount) || k.header.Get("Cache-Control") != "no-store" {
		t.Fatal(k.text)
	}
	der, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/clients/" + id, "/v1/clients"} { // SVC-04: shown once
		a := e.want(t, 200, "usr_owner", "GET", path, "")
		if strings.Contains(a.text, parts[3][22:]) || strings.Contains(a.text, "accessKey\"") || !strings.Contains(a.text, parts[1]) {
			t.Error(a.text)
		}
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := serviceclient.FormatPublicKey(public)
	b := e.want(t, 201, "usr_owner", "POST", "/v1/clients/"+id+"/access-keys", `{"publicKey":"`+own+`"}`)
	if _, there := b.body["accessKey"]; there || b.body["publicKey"] != own {
		t.Fatal(b.text)
	}
	for range 3 {
		e.want(t, 201, "usr_owner", "POST", "/v1/clients/"+id+"/access-keys", "{}")
	}
	if a := e.want(t, 422, "usr_owner", "POST", "/v1/clients/"+id+"/access-keys", ""); a.body["errorCode"] != serviceclient.CodeTooManyKeys {
		t.Error(a.text)
	}
	e.want(t, 204, "usr_owner", "DELETE", "/v1/clients/"+id+"/access-keys/"+parts[1], "")
	e.want(t, 404, "usr_owner", "DELETE", "/v1/clients/"+id+"/access-keys/"+parts[1], "")
	u := e.want(t, 200, "usr_owner", "PUT", "/v1/clients/"+id, `{"clientId":"`+id+`","name":"Other"}`)
	if u.body["name"] != "Other" || len(u.body["verificationKeys"].([]any)) != 4 {
		t.Fatal(u.text)
	}
	e.want(t, 204, "usr_owner", "DELETE", "/v1/clients/"+id, "")
	for _, method := range []string{"GET", "DELETE", "PUT"} {
		e.want(t, 404, "usr_owner", method, "/v1/clients/"+id, map[bool]string{true: "{}"}[method == "PUT"])
	}
}

// TestNobodyGivesWhatTheyDoNotHave is I-14 for the powers of clients.
func TestNobodyGivesWhatTheyDoNotHave(t *testing.T) {
	e := newEstate(t)
	c := e.want(t, 201, "usr_manager", "POST", "/v1/clients", `{"name":"Plain"}`)
	plain := "/v1/clients/" + c.body["clientId"].(string)
	e.want(t, 201, "usr_manager", "POST", plain+"/access-keys", "")
	for _, options := range []string{`{"grantTokenGeneration":true}`, `{"grantUserPermissionsAccess":true}`} {
		e.want(t, 403, "usr_manager", "POST", "/v1/clients", `{"options":`+options+`}`)
		e.want(t, 403, "usr_friday", "POST", "/v1/clients", `{"options":`+options+`}`)
		e.want(t, 403, "usr_friday", "PUT", plain, `{"options":`+options+`}`)
		e.want(t, 403, "usr_manager", "PUT", plain, `{"options":`+options+`}`)
		p := e.want(t, 201, "usr_owner", "POST", "/v1/clients", `{"options":`+options+`}`)
		path := "/v1/clients/" + p.body["clientId"].(string)
		e.want(t, 403, "usr_manager", "POST", path+"/access-keys", "")
		e.want(t, 200, "usr_manager", "PUT", path, `{"name":"renamed","options":`+options+`}`)
		e.want(t, 200, "usr_manager", "PUT", path, `{}`)
		e.want(t, 403, "usr_manager", "PUT", path, `{"options":`+options+`}`)
	}
	for _, route := range []string{"POST /v1/clients", "GET /v1/clients", "GET " + plain, "PUT " + plain, "DELETE " + plain, "POST " + plain + "/access-keys", "DELETE " + plain + "/access-keys/x"} {
		method, path, _ := strings.Cut(route, " ")
		e.want(t, 403, "usr_other", method, path, `{"name":"x"}`)
		e.want(t, 401, "", method, path, `{"name":"x"}`)
	}
}

func TestTheGuardIsAskedWhatTheRouteDeclares(t *testing.T) {
	e := newEstate(t)
	for route, want := range map[string]string{
		"POST /v1/clients": "CREATE Authress:ServiceClients", "GET /v1/clients": "READ Authress:ServiceClients/*", "GET /v1/clients/sc_a": "READ Authress:ServiceClients/sc_a",
		"DELETE /v1/clients/sc_a/access-keys/k": "UPDATE Authress:ServiceClients/sc_a", "GET /v1/applications": "READ Authress:Applications/*",
		"PUT /v1/applications/app_x": "UPDATE Authress:Applications/app_x", "GET /v1/accounts": "READ Authress:Accounts", "PUT /v1/accounts/acc_default": "UPDATE Authress:Accounts/acc_default",
	} {
		method, path, _ := strings.Cut(route, " ")
		e.asked = nil
		e.want(t, 403, "usr_other", method, path, `{}`)
		if fmt.Sprint(e.asked) != "["+want+"]" {
			t.Errorf("%s: %v", route, e.asked)
		}
	}
}

func TestPagesOfClients(t *testing.T) {
	e := newEstate(t)
	for i := range 45 {
		e.want(t, 201, "usr_owner", "POST", "/v1/clients", fmt.Sprintf(`{"name":"Client %d"}`, i))
	}
	seen := map[string]bool{}
	path := "/v1/clients?limit=1000"
	pages := 0
	for path != "" {
		a := e.want(t, 200, "usr_owner", "GET", path, "")
		pages++
		list := a.body["clients"].([]any)
		if len(list) > 20 {
			t.Fatal(len(list))
		}
		for _, c := range list {
			seen[c.(map[string]any)["clientId"].(string)] = true
		}
		path = ""
		if next, ok := a.body["links"].(map[string]any)["next"].(map[string]any); ok {
			path = strings.TrimPrefix(next["href"].(string), "https://login.example.com")
		}
	}
	if len(seen) != 45 || pages != 3 {
		t.Fatal(len(seen), pages)
	}
	for _, bad := range []string{"limit=0", "limit=-1", "limit=abc", "cursor=abc", "filter=" + strings.Repeat("a", 65)} {
		e.want(t, 400, "usr_owner", "GET", "/v1/clients?"+bad, "")
	}
}

// I-14: whoever names where codes go gets the codes of everybody who follows a link, so a new
// place takes the right to act as anyone, and not only the right over applications.
func TestWhereAnApplicationSendsPeopleIsJudged(t *testing.T) {
	e := newEstate(t)
	const shop = `{"name":"Shop","applicationId":"app_shop","redirectUrls":["https://shop.example/cb","https://shop.example/2"]}`
	e.want(t, 403, "usr_manager", "POST", "/v1/applications", shop)
	e.want(t, 201, "usr_owner", "POST", "/v1/applications", shop)
	e.want(t, 201, "usr_manager", "POST", "/v1/applications", `{"name":"Mine","redirectUrls":["http://localhost:3000/cb"],"redirectMode":"origin"}`)
	for body, status := range map[string]int{
		`{"name":"Renamed","redirectUrls":["https://shop.example/2","https://shop.example/cb"]}`:     200,
		`{"name":"Fewer","redirectUrls":["https://shop.example/cb"]}`:                                200,
		`{"name":"Dev","redirectUrls":["http://localhost:3000"]}`:                                    200,
		`{"name":"Evil","redirectUrls":["https://shop.example/cb","https://evil.example/"]}`:         403,
		`{"name":"Scheme","redirectUrls":["com.evil.app:/cb"]}`:                                      403,
		`{"name":"Wide","redirectUrls":["https://shop.example/cb"],"redirectMode":"origin"}`:         403,
		`{"name":"Cookie","redirectUrls":["https://shop.example/cb"],"cookieDomain":"shop.example"}`: 403,
	} {
		e.want(t, status, "usr_manager", "PUT", "/v1/applications/app_shop", body)
		e.want(t, 200, "usr_owner", "PUT", "/v1/applications/app_shop", body)
		e.want(t, 200, "usr_owner", "PUT", "/v1/applications/app_shop", strings.Replace(shop, "{", `{"redirectMode":"exact","cookieDomain":"",`, 1))
	}
}

func TestApplicationsThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	a := e.want(t, 201, "usr_owner", "POST", "/v1/applications", `{"name":"Shop","redirectUrls":["https://shop.example/cb"],"redirectMode":"origin","sessionType":"SINGLE_SESSION"}`)
	path := "/v1/applications/" + a.body["applicationId"].(string)
	if a.body["redirectMode"] != "origin" || a.body["isActiveApplication"] != true || a.body["allowLoopbackTokens"] != false {
		t.Fatal(a.text)
	}
	u := e.want(t, 200, "usr_owner", "PUT", path, `{"name":"Shop 2","redirectUrls":["https://shop.example/cb"]}`)
	if u.body["redirectMode"] != "origin" || u.body["sessionType"] != "MULTI_SESSION" || u.body["name"] != "Shop 2" {
		t.Fatal("an SDK that does not know redirectMode reset it: " + u.text)
	}
	for _, bad := range []string{`{"name":"x","redirectUrls":["https://*.example/"]}`, `{"name":"x","redirectUrls":["http://app.example/"]}`, `{"name":"x","Name":"y"}`, `{"name":1}`, `{`, `{"name":""}`} {
		e.want(t, 400, "usr_owner", "PUT", path, bad)
	}
	e.want(t, 409, "usr_owner", "DELETE", "/v1/applications/app_default", "")
	e.want(t, 200, "usr_owner", "GET", "/v1/applications/app_default", "")
	if l := e.want(t, 200, "usr_owner", "GET", "/v1/applications?filter=SHOP", ""); len(l.body["applications"].([]any)) != 1 {
		t.Fatal(l.text)
	}
	e.want(t, 204, "usr_owner", "DELETE", path, "")
	e.want(t, 404, "usr_owner", "GET", path, "")
	e.want(t, 409, "usr_owner", "POST", "/v1/applications", `{"name":"again","applicationId":"`+a.body["applicationId"].(string)+`"}`)
	e.want(t, 200, "usr_owner", "POST", "/v1/applications", `{"name":"t"}`, "User-Agent", "Authress SDK; Terraform; 1;")
}

func TestAccountsThroughTheAPI(t *testing.T) {
	e := newEstate(t)
	list := e.want(t, 200, "usr_owner", "GET", "/v1/accounts?earliestCacheTime=2026-01-01T00:00:00Z", "", "User-Agent", "Authress SDK; Javascript; 2.3.127;")
	one := list.body["accounts"].([]any)[0].(map[string]any)
	for _, sdk := range []string{"Authress SDK; Go; 0.0.0; x", "Authress SDK; Python; 1; x"} {
		single := e.want(t, 200, "usr_owner", "GET", "/v1/accounts", "", "User-Agent", sdk).body["accounts"].(map[string]any)
		if single["accountId"] != one["accountId"] {
			t.Error(single)
		}
	}
	if one["accountId"] != string(ident.DefaultAccount) || one["domain"] != "login.example.com" || one["createdTime"] == "" || one["company"] == nil {
		t.Fatal(list.text)
	}
	if s := one["settings"].(map[string]any); s["accessTokenDuration"] != "PT24H" || s["sessionIdleDuration"] != "PT720H" || s["locale"] != "en" {
		t.Fatal(s)
	}
	u := e.want(t, 200, "usr_owner", "PUT", "/v1/accounts/acc_default", `{"name":"Acme","settings":{"accentColor":"#0a7cff","accessTokenDuration":"PT15M","sessionIdleDuration":"P7D"}}`)
	if s := u.body["settings"].(map[string]any); u.body["name"] != "Acme" || s["accentColor"] != "#0a7cff" || s["accessTokenDuration"] != "PT15M" || s["sessionIdleDuration"] != "PT168H" || s["locale"] != "en" {
		t.Fatal(u.text)
	}
	for _, bad := range []string{`{"settings":{"accessTokenDuration":"PT25H"}}`, `{"settings":{"accessTokenDuration":"PT0S"}}`, `{"settings":{"accessTokenDuration":"24h"}}`,
		`{"settings":{"accentColor":"red"}}`, `{"settings":{"logoUrl":"//evil.example/x"}}`, `{"name":""}`, `{"accountId":"acc_other"}`} {
		e.want(t, 400, "usr_owner", "PUT", "/v1/accounts/acc_default", bad)
	}
	for _, method := range []string{"GET", "PUT"} {
		e.want(t, 404, "usr_owner", method, "/v1/accounts/acc_other", `{"name":"x"}`)
	}
}

package attack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// route is one line of the router's dump.
type route struct{ Method, Path, Auth, Permission string }

func (r route) String() string { return r.Method + " " + r.Path }

func (w *world) routes() (all []route) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.Run("routes", "--json")), &all); err != nil || len(all) < 100 {
		w.t.Fatalf("%d routes: %v", len(all), err)
	}
	return all
}

// bodies are honest bodies for every route that takes one; {name} is the id of a thing that is there.
var bodies = map[string]string{
	"POST /access/v1/evaluation":                                `{"subject":{"type":"user","id":"u_other"},"resource":{"type":"resource","id":"vault/canary"},"action":{"name":"READ"}}`,
	"POST /access/v1/evaluations":                               `{"evaluations":[{"subject":{"type":"user","id":"u_other"},"resource":{"type":"resource","id":"vault/canary"},"action":{"name":"READ"}}]}`,
	"POST /access/v1/search/action":                             `{"subject":{"type":"user","id":"u_other"},"resource":{"type":"resource","id":"vault/canary"}}`,
	"POST /access/v1/search/resource":                           `{"subject":{"type":"user","id":"u_other"},"resource":{"type":"resource"},"action":{"name":"READ"}}`,
	"POST /access/v1/search/subject":                            `{"subject":{"type":"user"},"resource":{"type":"resource","id":"vault/canary"},"action":{"name":"READ"}}`,
	"PUT /v1/accounts/{accountId}":                              `{"name":"taken"}`,
	"POST /v1/users/{userId}/recovery":                          ``,
	"PUT /v1/sign-in-policy":                                    `{"secondWhen":"newDevice"}`,
	"PUT /v1/tenants/{tenantId}/sign-in-policy":                 `{"secondWhen":"newDevice"}`,
	"PUT /v1/applications/{applicationId}/sign-in-policy":       `{"secondWhen":"newDevice"}`,
	"POST /api/session/devices":                                 `{"name":"canary","type":"TOTP","code":"123456","totpData":{"secret":"AAAA","verificationCode":"123456"}}`,
	"POST /v1/applications":                                     `{"name":"taken","redirectUrls":["https://taken.example/cb"]}`,
	"PUT /v1/applications/{applicationId}":                      `{"name":"taken","redirectUrls":["https://taken.example/cb"]}`,
	"POST /v1/accounts/{accountId}/registration-tokens":         `{"uses":2,"expiresTime":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`,
	"POST /v1/applications/{applicationId}/secrets":             `{}`,
	"POST /v1/checks":                                           `{"checks":[{"userId":"u_other","resourceUri":"vault/canary","permission":"READ"}]}`,
	"POST /v1/claims":                                           `{"collectionResource":"vault","resourceId":"taken"}`,
	"POST /v1/clients":                                          `{"name":"taken"}`,
	"PUT /v1/clients/{clientId}":                                `{"name":"taken"}`,
	"POST /v1/clients/{clientId}/access-keys":                   `{}`,
	"POST /v1/connections":                                      `{"type":"OAUTH2","issuerUrl":"https://idp.example","clientId":"abc","clientSecret":"x","data":{"name":"taken"}}`,
	"PUT /v1/connections/{connectionId}":                        `{"type":"OAUTH2","issuerUrl":"https://idp.example","clientId":"abc","clientSecret":"x","data":{"name":"taken"}}`,
	"POST /v1/extensions":                                       `{"name":"taken"}`,
	"PUT /v1/extensions/{extensionId}":                          `{"name":"taken"}`,
	"POST /v1/groups":                                           `{"name":"taken","users":[{"userId":"mallory"}]}`,
	"PUT /v1/groups/{groupId}":                                  `{"name":"taken","users":[{"userId":"mallory"}]}`,
	"POST /v1/identities":                                       `{"issuer":"https://idp.example","preferredAudience":"x"}`,
	"POST /v1/invites":                                          `{"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"vault"}]}]}`,
	"PATCH /v1/invites/{inviteId}":                              ``,
	"POST /v1/records":                                          `{"name":"taken","users":[{"userId":"mallory"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"vault"}]}]}`,
	"PUT /v1/records/{recordId}":                                `{"name":"taken","users":[{"userId":"mallory"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"vault"}]}]}`,
	"POST /v1/requests":                                         `{"access":{"users":[{"userId":"u_other"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"vault"}]}]}}`,
	"PATCH /v1/requests/{requestId}":                            `{"status":"APPROVED"}`,
	"PUT /v1/resources/{resourceUri***}":                        `{"permissions":[{"action":"PUBLIC","allow":true,"grant":false,"delegate":false}]}`,
	"POST /v1/roles":                                            `{"roleId":"ro_taken","name":"taken","permissions":[{"action":"*","allow":true,"grant":true,"delegate":true}]}`,
	"PUT /v1/roles/{roleId}":                                    `{"name":"taken","permissions":[{"action":"*","allow":true,"grant":true,"delegate":true}]}`,
	"POST /v1/streams":                                          ``,
	"PATCH /v1/streams":                                         `{"stream_id":"{streamId}","description":"taken"}`,
	"PUT /v1/streams":                                           `{"stream_id":"{streamId}","description":"taken"}`,
	"POST /v1/streams/status":                                   `{"stream_id":"{streamId}","status":"disabled"}`,
	"POST /v1/streams/verification":                             `{"stream_id":"{streamId}","state":"taken"}`,
	"POST /v1/streams/{streamId}/events":                        `{"returnImmediately":true,"ack":["set_none"]}`,
	"POST /v1/tenants":                                          `{"tenantId":"taken","tenantLookupIdentifier":"taken","data":{"name":"taken"}}`,
	"PUT /v1/tenants/{tenantId}":                                `{"tenantId":"{tenantId}","tenantLookupIdentifier":"moved","data":{"name":"taken"}}`,
	"PATCH /v1/tenants/{tenantId}/users":                        `{"userId":"{userId}"}`,
	"PUT /v1/users/{userId}":                                    `{"defaultClaims":{"defaultAccessTokenClaims":{"plan":"taken"}}}`,
	"PUT /v1/users/{userId}/token-configuration":                `{"defaultAccessTokenClaims":{"plan":"taken"}}`,
	"POST /api/authentication":                                  ``,
	"PATCH /api/authentication/{authenticationRequestId}":       ``,
	"POST /api/authentication/{authenticationRequestId}/tokens": ``,
	"PATCH /api/session":                                        ``,
}

// own are the routes of which everybody who is signed in gets an answer, about themselves and what is
// theirs. No other route may answer a person without permissions with a success.
var own = map[string]bool{
	"DELETE /api/session": true, "GET /api/session": true, "PATCH /api/session": true, "GET /api/session/profile": true,
	"GET /api/session/devices": true, "POST /api/session/devices": true, // one's own, of which there are none
	"GET /v1/records": true, "GET /v1/requests": true, // those that one may see, which here are none
	"GET /v1/accounts":             true, // the SDKs read the account that they are in
	"PATCH /v1/invites/{inviteId}": true, // whoever has an invite may accept it
	"POST /v1/checks":              true, // each check is judged
	"POST /access/v1/evaluations":  true, // each evaluation is judged
}

var parameter = regexp.MustCompile(`\{(\w+)(\*\*\*)?\}`)

// fit puts ids into a pattern or a body.
func fit(text string, ids map[string]string) string {
	return parameter.ReplaceAllStringFunc(text, func(p string) string {
		if id, ok := ids[parameter.FindStringSubmatch(p)[1]]; ok {
			return id
		}
		return p
	})
}

// settled makes one of everything in an account, with a marker in each name, and returns the ids.
func (w *world) settled(marker string, admin ...string) map[string]string {
	w.t.Helper()
	ids := map[string]string{"userId": "u_other", "resourceUri": "vault%2F" + marker, "permission": "READ", "keyId": "key_none", "tokenId": "jti_" + strings.Repeat("0", 26), "authenticationRequestId": "none", "name": "none"}
	for _, made := range []struct{ noun, id, body string }{
		{"roles", "roleId", `{"roleId":"ro_` + marker + `","name":"` + marker + `","permissions":[{"action":"a:b","allow":true,"grant":false,"delegate":false}]}`},
		{"groups", "groupId", `{"name":"` + marker + `","users":[{"userId":"u_other"}]}`},
		{"records", "recordId", `{"recordId":"rec-` + marker + `","name":"` + marker + `","users":[{"userId":"u_other"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"vault/` + marker + `"}]}]}`},
		{"requests", "requestId", `{"access":{"users":[{"userId":"u_other"}],"statements":[{"roles":["ro_` + marker + `"],"resources":[{"resourceUri":"vault/` + marker + `"}]}]}}`},
		{"invites", "inviteId", `{"statements":[{"roles":["ro_` + marker + `"],"resources":[{"resourceUri":"vault/` + marker + `"}]}]}`},
		{"tenants", "tenantId", `{"tenantId":"t-` + marker + `","tenantLookupIdentifier":"` + marker + `","data":{"name":"` + marker + `"}}`},
		{"applications", "applicationId", `{"name":"` + marker + `","redirectUrls":["https://` + marker + `.example/cb"],"oauth":{"tokenEndpointAuthMethod":"client_secret_basic"}}`},
		{"connections", "connectionId", `{"type":"OAUTH2","issuerUrl":"https://idp.example","clientId":"abc","clientSecret":"x","data":{"name":"` + marker + `"}}`},
		{"extensions", "extensionId", `{"name":"` + marker + `"}`},
		{"clients", "clientId", `{"name":"` + marker + `"}`},
		{"identities", "identityId", `{"issuer":"https://idp.example","preferredAudience":"` + marker + `"}`},
	} {
		a := w.send("POST", "/v1/"+made.noun, made.body, admin...)
		if a.status != 201 {
			w.t.Fatalf("%s: %d %s", made.noun, a.status, a.body)
		}
		var body map[string]any
		json.Unmarshal([]byte(a.body), &body)
		ids[made.id], _ = body[made.id].(string)
		if made.id == "identityId" {
			var list struct{ Identities []struct{ IdentityID string } }
			json.Unmarshal([]byte(w.send("GET", "/v1/identities", "", admin...).body), &list)
			ids[made.id] = list.Identities[0].IdentityID
		}
		if ids[made.id] == "" {
			w.t.Fatalf("%s: no id in %s", made.noun, a.body)
		}
	}
	a := w.send("POST", "/v1/clients/"+ids["clientId"]+"/access-keys", "", admin...)
	var key struct{ KeyID string }
	json.Unmarshal([]byte(a.body), &key)
	ids["keyId"] = key.KeyID
	var accounts struct{ Accounts []struct{ AccountID string } }
	json.Unmarshal([]byte(w.send("GET", "/v1/accounts", "", admin...).body), &accounts)
	ids["accountId"] = accounts.Accounts[0].AccountID
	for path, name := range map[string]string{"/v1/applications/{applicationId}/secrets": "secretId", "/v1/accounts/{accountId}/registration-tokens": "registrationTokenId"} {
		made := w.send("POST", fit(path, ids), bodies["POST "+path], admin...)
		if ids[name] = made.text(strings.Replace(name, "registrationT", "t", 1)); ids[name] == "" {
			w.t.Fatalf("%s: %d %s", path, made.status, made.body)
		}
	}
	stream := w.send("POST", "/v1/streams", `{"description":"`+marker+`"}`, admin...)
	if ids["streamId"] = stream.text("stream_id"); ids["streamId"] == "" {
		w.t.Fatalf("streams: %d %s", stream.status, stream.body)
	}
	return ids
}

// at is a route's path with the ids of things that are there.
func (r route) at(ids map[string]string) string {
	if strings.Contains(r.Path, "/registration-tokens/") {
		return strings.Replace(fit(strings.Replace(r.Path, "{tokenId}", "{registrationTokenId}", 1), ids), "***", "", 1)
	}
	if r.String() == "DELETE /v1/streams" {
		return r.Path + "?stream_id=" + ids["streamId"]
	}
	return fit(r.Path, ids)
}

// portrait is what an administrator reads of everything that settled made.
func (w *world) portrait(ids map[string]string, admin ...string) string {
	w.t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/roles/{roleId}", "/v1/groups/{groupId}", "/v1/records/{recordId}", "/v1/requests/{requestId}", "/v1/invites/{inviteId}", "/v1/tenants/{tenantId}", "/v1/applications/{applicationId}", "/v1/accounts/{accountId}/registration-tokens",
		"/v1/connections/{connectionId}", "/v1/extensions/{extensionId}", "/v1/clients/{clientId}", "/v1/identities", "/v1/accounts/{accountId}", "/v1/resources", "/v1/resources/{resourceUri}/subjects?permission=READ",
		"/v1/roles", "/v1/groups", "/v1/records", "/v1/requests", "/v1/tenants", "/v1/applications", "/v1/connections", "/v1/extensions", "/v1/clients", "/v1/streams", "/v1/users"} {
		a := w.send("GET", fit(path, ids), "", admin...)
		if a.status != 200 {
			w.t.Fatalf("%s: %d %s", fit(path, ids), a.status, a.body)
		}
		fmt.Fprintln(&all, path, moment.ReplaceAllString(a.body, ""))
	}
	return all.String()
}

// moment is what says when a question was answered.
var moment = regexp.MustCompile(`"at":"[^"]*","revision":\d+,`)

// unmoved wants two portraits to be the same.
func unmoved(t *testing.T, before, after string) {
	t.Helper()
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || line != old[i] {
			t.Errorf("something has changed: %s", line)
		}
	}
}

// TestEveryRouteRefusesStrangers asks every route that the router declares, with ids of things that are
// there and an honest body, as nobody, as another account's owner, with the token of a session that has
// ended, and as people and clients without permissions. Nothing is answered, nothing is told and nothing
// changes. A route that is added later is in the sweep by itself.
func TestEveryRouteRefusesStrangers(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		ids := w.settled("canary", admin...)
		ended, nobody := w.signIn("ended@example.com"), w.signIn("nobody@example.com")
		if a := w.send("DELETE", "/api/session", "", "Authorization", "Bearer "+ended.access); a.status >= 300 {
			t.Fatalf("logout: %d", a.status)
		}
		account := w.Run("account", "create", "--name", "Other", "--host", "other.example")
		foreign := w.Run("access-key", "create", "--client", "other", "--admin", "--account", account)
		client := w.clientKey(t, admin...)
		strangers := []struct {
			name, token string
			known       bool // in this account
		}{{"nobody at all", "", false}, {"another account's owner", foreign, false}, {"an ended session", ended.access, false}, {"a person", nobody.access, true}, {"a client", client, true}}
		before := w.portrait(ids, admin...)
		asked := 0
		for _, r := range w.routes() {
			if r.Auth != "bearer" && r.Auth != "bearer or session" {
				continue
			}
			body, listed := bodies[r.String()]
			if !listed && r.Method != "GET" && r.Method != "DELETE" {
				t.Errorf("%s takes a body: add an honest one to this test", r)
			}
			for _, s := range strangers {
				header := []string{"Content-Type", "application/json"}
				if s.token != "" {
					header = append(header, "Authorization", "Bearer "+s.token)
				}
				target := r.at(ids) + map[bool]string{true: "?permission=READ"}[strings.HasSuffix(r.Path, "/subjects")]
				if s.known && own[r.String()] && (r.Method == "PATCH" || r.Method == "DELETE") {
					continue // it would work, as it should
				}
				a := w.send(r.Method, target, fit(body, ids), header...)
				asked++
				if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s by %s may be cached (OAU-28): %q", r, s.name, a.header.Get("Cache-Control"))
				}
				switch {
				case strings.Contains(strings.ReplaceAll(a.body, "vault/canary", ""), "canary") && a.status < 300:
					t.Errorf("%s by %s tells: %d %s", r, s.name, a.status, a.body)
				case strings.HasPrefix(r.Path, "/api/") && (a.status == 200 && a.body == "{}" || a.status == 403 || a.status == 404): // nobody is signed in
				case a.status < 300 && (strings.Contains(a.body, `"allowed":true`) || strings.Contains(a.body, `"decision":true`)):
					t.Errorf("%s by %s answers about others: %s", r, s.name, a.body)
				case !s.known && a.status != 401:
					t.Errorf("%s by %s: %d %.200s", r, s.name, a.status, a.body)
				case s.known && !own[r.String()] && a.status != 403 && a.status != 404:
					t.Errorf("%s by %s: %d %.200s", r, s.name, a.status, a.body)
				}
				if a.status >= 400 {
					w.hygiene(t, r.String(), a)
				}
			}
		}
		unmoved(t, before, w.portrait(ids, admin...))
		t.Logf("%d requests", asked)
	})
}

// clientKey makes a service client without rights and a key of it.
func (w *world) clientKey(t *testing.T, admin ...string) string {
	t.Helper()
	var made struct{ ClientID, AccessKey string }
	json.Unmarshal([]byte(w.send("POST", "/v1/clients", `{"name":"without rights"}`, admin...).body), &made)
	json.Unmarshal([]byte(w.send("POST", "/v1/clients/"+made.ClientID+"/access-keys", "", admin...).body), &made)
	if made.AccessKey == "" {
		t.Fatal("no key")
	}
	return made.AccessKey
}

// TestNothingOfAnotherAccountIsThere gives an owner every id of another account's things: they are not
// there, whichever route is asked, and nothing there changes.
func TestNothingOfAnotherAccountIsThere(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		account := w.Run("account", "create", "--name", "Other", "--host", "other.example")
		key := w.Run("access-key", "create", "--client", "other", "--admin", "--account", account)
		theirs := []string{"Authorization", "Bearer " + key, "Content-Type", "application/json", "Host", "other.example"}
		for range 100 {
			if w.send("GET", "/v1/roles", "", theirs...).status == 200 {
				break
			}
		}
		ids := w.settled("foreign", theirs...)
		if ids["accountId"] != account {
			t.Fatalf("another account: %s, want %s", ids["accountId"], account)
		}
		before, person := w.portrait(ids, theirs...), w.signIn("somebody@example.com")
		for _, r := range w.routes() {
			if r.Auth != "bearer" || !strings.Contains(r.Path, "{") || strings.Contains(r.Path, "{$}") {
				continue
			}
			if strings.HasPrefix(r.Path, "/v1/users/{userId}/") || strings.Contains(r.Path, "***") {
				if r.Method == "GET" { // names that mean nothing here; their answers are this account's
					if a := w.send(r.Method, fit(r.Path, ids)+"?permission=READ", "", admin...); a.status == 200 && strings.Contains(strings.ReplaceAll(strings.ReplaceAll(a.body, "vault/foreign", ""), "vault%2Fforeign", ""), "foreign") {
						t.Errorf("%s tells of another account: %s", r, a.body)
					}
				}
				continue
			}
			a := w.send(r.Method, r.at(ids), fit(bodies[r.String()], ids), admin...)
			made := r.Method == "PUT" && strings.Contains(r.Path, "connectionId") // PUT makes one of that name here
			if r.String() == "PATCH /v1/invites/{inviteId}" {                     // people accept, not clients
				if a.status != 403 {
					t.Errorf("a client accepts an invite: %d", a.status)
				}
				a = w.send(r.Method, fit(r.Path, ids), "", "Authorization", "Bearer "+person.access)
			}
			if a.status != 404 && !(made && a.status == 200) {
				t.Errorf("%s with another account's id: %d %.200s", r, a.status, a.body)
			}
			if strings.Contains(a.body, `"foreign"`) {
				t.Errorf("%s tells of another account: %s", r, a.body)
			}
		}
		// Lists of this account never hold theirs, nor does the change feed, nor a check.
		for _, path := range []string{"roles", "groups", "records", "requests", "tenants", "applications", "connections", "extensions", "clients", "identities", "users", "resources", "changes?since=0"} {
			if a := w.send("GET", "/v1/"+path, "", append(admin, "Connection", "close")...); strings.Contains(a.body, "foreign") {
				t.Errorf("%s tells of another account: %s", path, a.body)
			}
		}
		for host, header := range map[string][]string{"this": admin, "theirs": theirs} {
			want := map[string]int{"this": 404, "theirs": 200}[host]
			if a := w.send("GET", "/v1/users/u_other/resources/vault%2Fforeign/permissions/READ", "", header...); a.status != want {
				t.Errorf("a check in %s account: %d", host, a.status)
			}
		}
		unmoved(t, before, w.portrait(ids, theirs...))
	})
}

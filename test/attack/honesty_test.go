package attack

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/test/process"
)

// ending is something that is to die, how it is ended, and how one sees that it lives.
type ending struct {
	name  string
	end   func() answer
	lives func() bool
}

// claim is a claim of a JWT.
func claim(token, name string) string {
	value, _ := claimOf(token, name).(string)
	return value
}

func claimNumber(token, name string) int64 {
	value, _ := claimOf(token, name).(float64)
	return int64(value)
}

func claimOf(token, name string) any {
	part := strings.Split(token+"..", ".")[1]
	text, _ := base64.RawURLEncoding.DecodeString(part)
	var all map[string]any
	json.Unmarshal(text, &all)
	return all[name]
}

// endings are all that can be ended, each of somebody of their own.
func (w *world) endings() []ending {
	w.t.Helper()
	remove := func(path string) func() answer { return func() answer { return w.admin("DELETE", path, "") } }
	active := func(c *party, token string) func() bool {
		return func() bool { return c.post("/oauth/introspect", "token", token).text("active") == "true" }
	}
	secret := func(settings string) *party {
		return w.party(`"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["authorization_code","refresh_token"],"scopes":["openid","email","offline_access"]` + settings)
	}
	plain, opaque, kept := secret(""), secret(`,"accessTokenFormat":"opaque"`), secret("")
	ann, bob, eve, joe := w.visitor("ann@x.example"), w.visitor("bob@x.example"), w.visitor("eve@x.example"), w.visitor("joe@x.example")
	refresh, looked, byID := ann.tokens(plain, "openid offline_access").text("refresh_token"), ann.tokens(opaque, "openid").text("access_token"), ann.tokens(plain, "openid").text("access_token")
	ofBob, ofEve, ofJoe := bob.tokens(plain, "openid"), eve.tokens(plain, "openid"), joe.tokens(kept, "openid")
	cookie := eve.jar()

	record := `{"recordId":"rec_held","name":"held","users":[{"userId":"held"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"held"}]}]}`
	if a := w.admin("POST", "/v1/records", record); a.status != 201 {
		w.t.Fatal(a.status, a.body)
	}
	service := w.admin("POST", "/v1/clients", `{"name":"service"}`).text("clientId")
	key := w.admin("POST", "/v1/clients/"+service+"/access-keys", "{}")
	second := w.admin("POST", "/v1/applications/"+kept.id+"/secrets", "{}")
	other := &party{w: w, id: kept.id, secret: second.text("clientSecret")}
	userinfo := func(of answer) func() bool {
		return func() bool { return w.userinfo(of.text("access_token")).status == 200 }
	}
	return []ending{
		{"a refresh token", func() answer { return w.formOf("/oauth/revoke", plain.as("token", refresh)...) }, active(plain, refresh)},
		{"an opaque token", func() answer { return w.formOf("/oauth/revoke", opaque.as("token", looked)...) }, active(opaque, looked)},
		{"a token by its jti", remove("/v1/users/" + claim(byID, "sub") + "/tokens/" + claim(byID, "jti")), active(plain, byID)},
		{"all sessions of a person", remove("/v1/users/" + claim(ofBob.text("access_token"), "sub") + "/sessions"), userinfo(ofBob)},
		{"one's own session", func() answer {
			return w.send("DELETE", "/api/session", "", "Cookie", cookie, "Origin", w.public, "Sec-Fetch-Site", "same-origin")
		}, userinfo(ofEve)},
		{"all sessions of an application", remove("/v1/applications/" + kept.id + "/sessions"), active(kept, ofJoe.text("access_token"))},
		{"a grant", remove("/v1/records/rec_held"), func() bool {
			return w.admin("GET", "/v1/users/held/resources/held/permissions/read", "").status == 200
		}},
		{"an access key", remove("/v1/clients/" + service + "/access-keys/" + key.text("keyId")), func() bool {
			return w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+key.text("accessKey")).status == 403
		}},
		{"a client secret", remove("/v1/applications/" + kept.id + "/secrets/" + second.text("secretId")), func() bool {
			return other.post("/oauth/introspect", "token", "x").status == 200
		}},
	}
}

// formOf posts a form that may be answered with 503.
func (w *world) formOf(path string, pairs ...string) answer {
	var form, header []string
	for i := 0; i < len(pairs); i += 2 {
		if name, ok := strings.CutSuffix(pairs[i], ":"); ok {
			header = append(header, name, pairs[i+1])
			continue
		}
		form = append(form, pairs[i]+"="+pairs[i+1])
	}
	return w.send("POST", path, strings.Join(form, "&"), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// OAU-25: what ends something says so only when that is durable. While nothing can be written the answer is 503, with
// the time to come again, and nothing has ended; when it says yes, it is dead.
func TestOAU25_NothingIsSaidToBeDone(t *testing.T) {
	attack := func(t *testing.T, w *world, broken func(bool)) {
		all := w.endings()
		for _, e := range all {
			if !e.lives() {
				t.Fatalf("%s does not live before the attack", e.name)
			}
		}
		broken(true)
		var waiting sync.WaitGroup // each until the server gives up
		for _, e := range all {
			waiting.Go(func() {
				a := e.end()
				if a.status != 503 || a.header.Get("Retry-After") == "" {
					t.Errorf("%s is ended while nothing can be written: %d, Retry-After %q, %.300s", e.name, a.status, a.header.Get("Retry-After"), a.body)
				}
				if len(a.header["Set-Cookie"]) > 0 {
					t.Errorf("%s: the browser is told that it is out: %q", e.name, a.header["Set-Cookie"])
				}
			})
		}
		waiting.Wait()
		broken(false)
		w.ready()
		for _, e := range all { // connections that are gone show when they are used
			eventually(t, e.name+" to live on: its end was refused with 503", e.lives)
		}
		for _, e := range all {
			var a answer
			eventually(t, e.name+" to be ended", func() bool { a = e.end(); return a.status != 503 })
			if a.status != 204 && a.status != 200 {
				t.Errorf("%s is not ended: %d %.300s", e.name, a.status, a.body)
			} else if e.lives() {
				t.Errorf("%s lives after %d", e.name, a.status)
			}
		}
	}
	breaking(t, attack)
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		return
	}
	t.Run("postgres that is read-only", func(t *testing.T) {
		t.Parallel()
		w := &world{t: t, database: process.Database(t)}
		w.Server = process.Start(t, process.Options{Database: w.database, Env: []string{"ADMIT_MASTER_KEY=" + masterKey, "ADMIT_RATE_LIMIT_SCALE=1000"}})
		w.public, w.key = w.URL, w.AdminKey()
		w.hear()
		attack(t, w, w.readOnly)
	})
}

// readOnly makes the database refuse to write, as one that takes the place of another does; what is read is answered.
func (w *world) readOnly(on bool) {
	w.t.Helper()
	value := map[bool]string{true: "on", false: "off"}[on]
	conn := w.connect()
	defer conn.Close()
	for _, statement := range []string{
		`SET default_transaction_read_only = off`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ` + value + `', current_database()); END $$`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
	} {
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			w.t.Fatal(err)
		}
	}
	w.ready()
}

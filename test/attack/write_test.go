package attack

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/admit-id/admit/test/process"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Members that only the server may set are ignored or refused, wherever they are sent.
func TestLNK13_MassAssignment(t *testing.T) {
	const forged = `"account":{"accountId":"acc_other"},"accountId":"acc_other","createdTime":"1999-01-01T00:00:00Z","lastUpdated":"1999-01-01T00:00:00Z","status":"DELETED","emailVerified":true,"email_verified":true,"groups":["grp_x"],"owner":true,"system":true,"builtIn":true`
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		for path, made := range map[string]struct{ id, body string }{
			"/v1/roles":   {"ro_x", `{"roleId":"ro_x","name":"x","permissions":[{"action":"a:b","allow":true,"grant":false,"delegate":false}],` + forged + `}`},
			"/v1/records": {"rec_x", `{"recordId":"rec_x","name":"x","users":[{"userId":"u"}],"statements":[{"roles":["ro_x"],"resources":[{"resourceUri":"a"}]}],` + forged + `}`},
			"/v1/groups":  {"", `{"name":"x","users":[{"userId":"u"}],` + forged + `}`},
			"/v1/clients": {"", `{"name":"x","clientId":"sc_mine","verificationKeys":[{"keyId":"k"}],` + forged + `}`},
		} {
			a := w.send("POST", path, made.body, admin...)
			if a.status >= 500 || a.status == 401 || a.status == 404 {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
			if a.status >= 300 {
				continue
			}
			for _, word := range []string{"acc_other", "1999", "DELETED", "sc_mine", `"emailVerified"`, `"owner"`} {
				if strings.Contains(a.body, word) {
					t.Errorf("%s took %s: %s", path, word, a.body)
				}
			}
			if made.id == "" {
				continue
			}
			if read := w.send("GET", path+"/"+made.id, "", admin...); strings.Contains(read.body, "acc_other") || strings.Contains(read.body, "1999") || strings.Contains(read.body, "DELETED") {
				t.Errorf("%s kept a forged member: %s", path, read.body)
			}
		}
		// A login takes no claims about the person, and a person's own token changes nobody.
		p := w.person()
		if a := p.start(map[string]any{"userId": "u_admin", "sub": "u_admin", "emailVerified": true, "roles": []string{"Authress:Owner"}, "user": map[string]any{"email_verified": true}}); a.status != 200 {
			t.Errorf("start with more members: %d %s", a.status, a.body)
		}
		alice := w.signIn("alice@example.com")
		for _, target := range []string{"PUT", "PATCH", "POST"} {
			for _, path := range []string{"/v1/users/" + subject(alice.access), "/api/session/profile", "/v1/accounts/acc_default"} {
				a := w.send(target, path, `{"emailVerified":true,"userId":"u_admin","email":"admin@example.com",`+forged+`}`, "Authorization", "Bearer "+alice.access, "Content-Type", "application/json")
				if a.status < 400 || a.status >= 500 {
					t.Errorf("%s %s: %d %s", target, path, a.status, a.body)
				}
			}
		}
	})
}

// A write that is sent again, because its answer was lost, makes nothing twice.
func TestCMP16_ReplayedWrites(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		for path, body := range map[string]string{
			"/v1/roles":   `{"roleId":"ro_again","name":"x","permissions":[{"action":"a:b","allow":true,"grant":false,"delegate":false}]}`,
			"/v1/records": `{"recordId":"rec_again","name":"x","users":[{"userId":"u"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"a"}]}]}`,
			"/v1/tenants": `{"tenantId":"again","tenantLookupIdentifier":"again","data":{"name":"x"}}`,
		} {
			if a := w.send("POST", path, body, admin...); a.status != 201 {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
			first := w.send("GET", path, "", admin...).body
			for range 5 {
				if a := w.send("POST", path, body, admin...); a.status != 409 {
					t.Errorf("%s again: %d %s", path, a.status, a.body)
				}
			}
			if again := w.send("GET", path, "", admin...).body; again != first {
				t.Errorf("%s: a replay changed the list:\n%s\n%s", path, first, again)
			}
		}
		for n, want := range []int{201, 409, 409} {
			if a := w.send("POST", "/v1/claims", `{"collectionResource":"again","resourceId":"1"}`, admin...); a.status != want {
				t.Errorf("claim %d: %d %s", n, a.status, a.body)
			}
		}
		var asked struct{ RequestID string }
		json.Unmarshal([]byte(w.send("POST", "/v1/requests", `{"access":{"users":[{"userId":"u"}],"statements":[{"roles":["ro_again"],"resources":[{"resourceUri":"b"}]}]}}`, admin...).body), &asked)
		approve := func() int {
			return w.send("PATCH", "/v1/requests/"+asked.RequestID, `{"status":"APPROVED"}`, admin...).status
		}
		if status := approve(); status != 200 {
			t.Errorf("an approval: %d", status)
		}
		once := len(w.dump()["access_records"])
		for range 3 {
			approve()
		}
		if again := len(w.dump()["access_records"]); again != once {
			t.Errorf("an approval that is sent again makes more records: %d, %d", once, again)
		}
		p := w.signIn("alice@example.com")
		if a := p.exchange(); a.status < 400 || strings.Contains(a.body, "access_token") {
			t.Errorf("a code works twice: %d", a.status)
		}
	})
}

// Every change leaves an entry with who, what and from where, and entries cannot be changed.
func TestADM05_EveryChangeIsAudited(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		count := func() int { return len(w.dump()["audit_entries"]) }
		evil := `"name":"a\r\n\"><script>alert(1)</script>"`
		var client struct{ ClientID string }
		steps := []struct{ method, path, body string }{
			{"POST", "/v1/roles", `{"roleId":"ro_a",` + evil + `,"permissions":[{"action":"a:b","allow":true,"grant":false,"delegate":false}]}`},
			{"PUT", "/v1/roles/ro_a", `{"roleId":"ro_a","name":"b","permissions":[{"action":"a:c","allow":true,"grant":false,"delegate":false}]}`},
			{"POST", "/v1/records", `{"recordId":"rec_a","name":"x","users":[{"userId":"u"}],"statements":[{"roles":["ro_a"],"resources":[{"resourceUri":"a"}]}]}`},
			{"PUT", "/v1/records/rec_a", `{"recordId":"rec_a","name":"y","users":[{"userId":"v"}],"statements":[{"roles":["ro_a"],"resources":[{"resourceUri":"a"}]}]}`},
			{"DELETE", "/v1/records/rec_a", ""},
			{"DELETE", "/v1/roles/ro_a", ""},
			{"POST", "/v1/clients", `{"name":"c"}`},
			{"POST", "/v1/clients/{id}/access-keys", ""},
			{"DELETE", "/v1/clients/{id}", ""},
		}
		for _, step := range steps {
			before := count()
			a := w.send(step.method, strings.Replace(step.path, "{id}", client.ClientID, 1), step.body, admin...)
			if a.status >= 300 {
				t.Errorf("%s %s: %d %s", step.method, step.path, a.status, a.body)
				continue
			}
			if step.path == "/v1/clients" {
				json.Unmarshal([]byte(a.body), &client)
			}
			if count() == before {
				t.Errorf("%s %s left no entry", step.method, step.path)
			}
		}
		before := count()
		w.signIn("alice@example.com")
		if count() == before {
			t.Error("a login left no entry")
		}
		before = count()
		if a := w.send("POST", "/v1/roles", `{"roleId":"no"}`, admin...); a.status < 400 {
			t.Errorf("a role without permissions: %d", a.status)
		}
		if count() != before {
			t.Error("a refused change left an entry")
		}
		text := strings.Join(w.dump()["audit_entries"], "\n")
		for _, want := range []string{"client:sc_", "127.0.0.1", "ro_a", "rec_a"} {
			if !strings.Contains(text, want) {
				t.Errorf("no entry names %s", want)
			}
		}
		if strings.Contains(text, "alice@example.com") || strings.Contains(text, "<script>") {
			t.Error("the entries hold what people typed")
		}
	})
}

func TestRED12_LogoutRedirects(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		p := w.signIn("alice@example.com")
		for _, target := range []string{"https://evil.example/", "//evil.example", "http://127.0.0.1:3000.evil.example/", "http://127.0.0.1:3000@evil.example/", "javascript:alert(1)", "http://127.0.0.1:3001/", "https://127.0.0.1:3000/", `http://127.0.0.1:3000\@evil.example`, "/\\evil.example", "http://127.0.0.1:3000/\r\nX:y", "data:text/html,x", "HTTP://127.0.0.1:3000/", " http://127.0.0.1:3000/"} {
			for _, rest := range []string{"", "&client_id=app_default", "&client_id=app_other"} {
				a := w.send("GET", "/logout?redirect_uri="+queryEscape(target)+rest, "")
				if location := a.header.Get("Location"); strings.Contains(location, "evil") || location == target || a.status >= 500 {
					t.Errorf("%s%s: %d to %q", target, rest, a.status, location)
				}
			}
		}
		for _, dest := range []string{"image", "script", "style", "iframe", "font", "empty"} {
			a := w.send("GET", "/logout?client_id=app_default&redirect_uri="+queryEscape(application), "", "Cookie", p.jar(), "Sec-Fetch-Dest", dest, "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "cross-site")
			if a.status < 400 && strings.Contains(strings.Join(a.header["Set-Cookie"], " "), "admit-session=;") {
				t.Errorf("a cross-site %s logs the person out: %d", dest, a.status)
			}
		}
		if a := w.send("GET", "/v1/users/"+subject(p.access)+"/resources/x/permissions/y", "", "Authorization", "Bearer "+p.access); a.status == 401 {
			t.Error("the session was ended by one of the refused requests")
		}
		a := p.browse("GET", "/logout?client_id=app_default&redirect_uri="+queryEscape(application), "")
		if a.status != 303 || a.header.Get("Location") != application {
			t.Errorf("an honest logout: %d to %q", a.status, a.header.Get("Location"))
		}
		if a := w.send("GET", "/v1/users/"+subject(p.access)+"/resources/x/permissions/y", "", "Authorization", "Bearer "+p.access); a.status != 401 {
			t.Errorf("the token outlives the logout: %d", a.status)
		}
	})
}

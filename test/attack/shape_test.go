package attack

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/admit-id/admit/test/process"
)

// writes are the routes of /v1 that take a JSON object from an administrator.
func (w *world) writes() (all []route) {
	for _, r := range w.routes() {
		if r.Auth == "bearer" && strings.HasPrefix(bodies[r.String()], "{") && bodies[r.String()] != "{}" {
			all = append(all, r)
		}
	}
	return all
}

var firstMember = regexp.MustCompile(`^\{("\w+":)`)

// A body that two parsers could read in two ways is refused by every route that takes one, and so is one
// that says to be something else, or is of another shape. Nothing of it happens.
func TestEveryBodyIsReadInOneWay(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key}
		ids := w.settled("canary", append(admin, "Content-Type", "application/json")...)
		before := w.portrait(ids, admin...)
		for _, r := range w.writes() {
			honest := fit(bodies[r.String()], ids)
			name := firstMember.FindStringSubmatch(honest)[1]
			for what, body := range map[string]string{
				"a member twice":             `{` + name + `null,` + honest[1:],
				"a member twice, at the end": strings.TrimSuffix(honest, "}") + `,` + name + `null}`,
				"an escaped name twice":      `{"\u00` + hexOf(name[1]) + name[2:] + `null,` + honest[1:],
				"two values":                 honest + honest,
				"a tail":                     honest + "x",
				"a byte-order mark":          "\ufeff" + honest,
				"an array":                   `[` + honest + `]`,
				"null":                       `null`,
				"a string":                   `"x"`,
				"a number":                   `1`,
				"nothing":                    ``,
				"no UTF-8":                   strings.TrimSuffix(honest, "}") + `,"x":"` + "\xff" + `"}`,
				"half a surrogate":           strings.TrimSuffix(honest, "}") + `,"x":"\ud800"}`,
				"deep":                       strings.TrimSuffix(honest, "}") + `,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
				"a form":                     url.Values{"name": {"taken"}, "userId": {"mallory"}}.Encode(),
				"XML":                        `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><name>&x;</name>`,
			} {
				a := w.send(r.Method, fit(r.Path, ids), body, append(admin, "Content-Type", "application/json")...)
				if a.status != 400 && a.status != 413 && a.status != 422 {
					t.Errorf("%s takes %s: %d %.200s", r, what, a.status, a.body)
				}
				w.hygiene(t, r.String()+" with "+what, a)
			}
		}
		unmoved(t, before, w.portrait(ids, admin...))
	})
}

func hexOf(c byte) string { return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]) }

// What a header, a query or a form says about the method is not heard.
func TestTheMethodIsTheMethod(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key}
		ids := w.settled("canary", append(admin, "Content-Type", "application/json")...)
		before := w.portrait(ids, admin...)
		for _, r := range w.routes() {
			if r.Auth != "bearer" || r.Method != "GET" {
				continue
			}
			for _, method := range []string{"DELETE", "PUT", "POST", "PATCH"} {
				header := append([]string{"X-Http-Method-Override", method, "X-Http-Method", method, "X-Method-Override", method, "X-Original-Method", method}, admin...)
				a := w.send("GET", fit(r.Path, ids)+"?_method="+method+"&method="+method+"&permission=READ", "", header...)
				if a.status >= 500 {
					t.Errorf("%s: %d", r, a.status)
				}
			}
		}
		for _, r := range w.routes() { // a body whose GET would be honest, sent as what changes
			if r.Auth == "bearer" && r.Method == "DELETE" {
				w.send("GET", fit(r.Path, ids), `{"_method":"DELETE"}`, append(admin, "Content-Type", "application/json")...)
				w.send("POST", fit(r.Path, ids), `_method=DELETE`, append(admin, "Content-Type", "application/x-www-form-urlencoded")...)
				w.send("HEAD", fit(r.Path, ids), "", admin...)
				w.send("OPTIONS", fit(r.Path, ids), "", append(admin, "Origin", "http://localhost:3000", "Access-Control-Request-Method", "DELETE")...)
			}
		}
		unmoved(t, before, w.portrait(ids, admin...))
	})
}

// Members that only the server sets are ignored or refused in every body (LNK-13 for every route).
func TestLNK13_EveryBody(t *testing.T) {
	const forged = `,"account":{"accountId":"acc_forged"},"accountId":"acc_forged","createdTime":"1999-01-01T00:00:00Z","createdAt":"1999-01-01T00:00:00Z","lastUpdated":"1999-01-01T00:00:00Z","generationDate":"1999-01-01T00:00:00Z",
		"capacity":-1,"owner":"forged","system":true,"builtIn":true,"emailVerified":true,"requestedBy":{"userId":"forged"},"identityId":"idn_forged","userIdPrefix":"forged","verificationKeys":[{"keyId":"forged","publicKey":"forged"}],"links":{"self":{"href":"https://forged.example"}}}`
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		ids := w.settled("canary", admin...)
		ids["userId"] = subject(w.signIn("person@example.com").access)
		for _, r := range w.writes() {
			body := strings.TrimSuffix(fit(bodies[r.String()], ids), "}") + forged
			a := w.send(r.Method, fit(r.Path, ids), body, admin...)
			if a.status >= 500 || a.status == 401 || a.status == 404 {
				t.Errorf("%s: %d %.200s", r, a.status, a.body)
			}
			for _, word := range []string{"forged", "1999"} {
				if strings.Contains(a.body, word) && a.status < 300 {
					t.Errorf("%s took %s: %s", r, word, a.body)
				}
			}
		}
		for table, rows := range w.dump() {
			for _, value := range rows {
				if strings.Contains(value, "acc_forged") || strings.Contains(value, "idn_forged") || value == "forged" {
					t.Errorf("%s keeps a forged member: %s", table, value)
				}
			}
		}
	})
}

// A cursor belongs to one caller, one list and one question.
func TestDOS07_CursorsAreBound(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		w.settled("canary", admin...)
		w.settled2(admin...)
		other := w.Run("access-key", "create", "--client", "second", "--admin")
		for range 100 {
			if w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+other).status == 200 {
				break
			}
		}
		lists := []string{"/v1/records", "/v1/requests", "/v1/users/u_other/resources?permissions=READ&resourceUri=vault%2F*", "/v1/groups", "/v1/tenants", "/v1/clients", "/v1/applications", "/v1/connections", "/v1/extensions", "/v1/roles",
			"/v1/resources/vault%2Fcanary/users", "/v1/resources/vault%2Fcanary/subjects?permission=READ", "/v1/resources", "/v1/users"}
		cursors := map[string]string{}
		for _, list := range lists {
			a := w.send("GET", with(list, "limit=1"), "", admin...)
			var page struct {
				Pagination struct{ Next struct{ Cursor string } }
				Links      struct{ Next struct{ Href string } }
			}
			if json.Unmarshal([]byte(a.body), &page); a.status != 200 {
				t.Errorf("%s: %d %s", list, a.status, a.body)
			}
			if cursor := page.Pagination.Next.Cursor; cursor != "" {
				cursors[list] = cursor
				next, err := url.Parse(page.Links.Next.Href)
				if err != nil || page.Links.Next.Href == "" {
					t.Errorf("%s: a cursor and no link: %s", list, a.body)
					continue
				}
				if a := w.send("GET", next.RequestURI(), "", admin...); a.status != 200 {
					t.Errorf("%s: following the link: %d %s", list, a.status, a.body)
				}
			}
		}
		if len(cursors) < 6 {
			t.Errorf("only %d lists have a second page", len(cursors))
		}
		for list, cursor := range cursors {
			refused := func(what, target string, header ...string) {
				t.Helper()
				if a := w.send("GET", target, "", header...); a.status != 400 {
					t.Errorf("%s, its cursor %s: %d %.200s", list, what, a.status, a.body)
				}
			}
			query := "limit=1&cursor=" + cursor
			if a := w.send("GET", with(list, query), "", admin...); a.status != 200 {
				t.Errorf("%s: its own cursor: %d %s", list, a.status, a.body)
			}
			refused("by another caller", with(list, query), "Authorization", "Bearer "+other)
			refused("cut short", with(list, "limit=1&cursor="+cursor[:len(cursor)-1]), admin...)
			refused("longer", with(list, query+"A"), admin...)
			refused("with its first letter changed", with(list, "limit=1&cursor="+map[bool]string{true: "B", false: "A"}[cursor[0] == 'A']+cursor[1:]), admin...)
			for _, another := range lists {
				if another != list && cursors[another] != "" {
					refused("in "+another, with(another, query), admin...)
				}
			}
		}
	})
}

func with(list, query string) string {
	if strings.Contains(list, "?") {
		return list + "&" + query
	}
	return list + "?" + query
}

// settled2 makes a second one of what lists hold.
func (w *world) settled2(admin ...string) {
	w.t.Helper()
	for _, made := range []string{"records", "requests", "groups", "tenants", "clients", "applications", "connections", "extensions", "roles"} {
		body := strings.NewReplacer("taken", "second", "ro_taken", "ro_second").Replace(bodies["POST /v1/"+made])
		if a := w.send("POST", "/v1/"+made, body, admin...); a.status != 201 {
			w.t.Fatalf("%s: %d %s", made, a.status, a.body)
		}
	}
	for _, uri := range []string{"vault/second", "vault/third", "vault/canary"} {
		body := `{"name":"more","users":[{"userId":"u_other"},{"userId":"u_second"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"` + uri + `"}]}]}`
		if a := w.send("POST", "/v1/records", body, admin...); a.status != 201 {
			w.t.Fatalf("records: %d %s", a.status, a.body)
		}
	}
}

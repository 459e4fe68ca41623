package attack

import (
	"strings"
	"testing"
)

// Every route that asks for no token bears whatever comes: no fault of ours, nothing echoed as markup,
// no way out to another site, no override of the method. A route that is added later is in the sweep by itself.
func TestEveryPublicRouteBearsGarbage(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		const markup, form = `"><script>evil()</script>`, "application/x-www-form-urlencoded"
		names := "client_id redirect_uri state request request_uri code token user_code device_code grant_type client_secret id_token_hint post_logout_redirect_uri refresh_token subject_token assertion client_assertion scope prompt response_mode email lang ui_locales hop"
		query := []string{}
		for name := range strings.FieldsSeq(names) {
			query = append(query, name+"=%22%3E%3Cscript%3Eevil()%3C/script%3E")
		}
		all := strings.Join(query, "&")
		ids := map[string]string{"clientId": "app_default%00", "authenticationRequestId": "..%2f..", "name": "%2e%2e%2fx"}
		bodies := []struct{ kind, body string }{
			{"", ""}, {form, all}, {form, all + "&" + all}, {form, "%zz=%"}, {form, "a=\xff\xfe&client_id=\x00"}, {form, strings.Repeat("a=b&", 20000)}, {form, "client_id=app_default&code=" + strings.Repeat("x", 60<<10)}, {form, "//evil.example=//evil.example"},
			{"application/json", `{}`}, {"application/json", `[]`}, {"application/json", `null`}, {"application/json", strings.Repeat(`[`, 50000)}, {"application/json", `{"redirectUrl":"https://evil.example","client_id":1,"code":{}}`}, {"multipart/form-data; boundary=x", "--x--"}, {"text/html; charset=\xff", "x"},
		}
		asked := 0
		for _, r := range w.routes() {
			if r.Auth != "public" && r.Auth != "browser" && r.Auth != "session" {
				continue
			}
			for i, b := range bodies {
				for _, q := range []string{"", "?" + all, "?%zz&;&=&redirect_uri=//evil.example"} {
					if r.Method == "GET" && b.body != "" && i != 4 {
						continue
					}
					header := []string{"Origin", "https://evil.example", "Cookie", "admit_session=x; admit_browser=\"; __Host-admit_session=y", "Authorization", "Basic Og==", "DPoP", "x.y.z", "X-HTTP-Method-Override", "DELETE", "Accept", "text/html"}
					if b.kind != "" {
						header = append(header, "Content-Type", b.kind)
					}
					path := strings.TrimSuffix(fit(r.Path, ids), "{$}")
					a := w.send(r.Method, path+q, b.body, header...)
					asked++
					switch {
					case a.status >= 500 || a.status == 0:
						t.Errorf("%s%.20s with %s %.40q: %d %.200s", r, q, b.kind, b.body, a.status, a.body)
					case strings.Contains(a.body, markup) || strings.Contains(a.body, "<script>evil"):
						t.Errorf("%s echoes markup: %.300s", r, a.body)
					case strings.HasPrefix(a.header.Get("Location"), "//") || strings.HasPrefix(a.header.Get("Location"), "https://evil"):
						t.Errorf("%s leads to %s", r, a.header.Get("Location"))
					case a.header.Get("Access-Control-Allow-Origin") == "https://evil.example":
						t.Errorf("%s has CORS for everybody", r)
					case strings.HasPrefix(r.Path, "/oauth/") && !strings.Contains(a.header.Get("Cache-Control"), "no-store"):
						t.Errorf("%s may be cached: %d", r, a.status)
					}
				}
			}
		}
		t.Logf("%d requests", asked)
	})
}

package decide_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

const (
	one   = "https://one.example"
	other = "https://other.example"
)

func checks(lines ...string) string {
	var all []string
	for _, line := range lines {
		words := strings.Split(line, " ")
		all = append(all, fmt.Sprintf(`{"userId":%q,"resourceUri":%q,"permission":%q}`, words[0], words[1], words[2]))
	}
	return `{"checks":[` + strings.Join(all, ",") + `]}`
}

func TestBatch(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		w := reader("ann")
		n.put("acc_one", &w)
		const yes, no = `{"allowed":true}`, `{"allowed":false}`
		forbidden := `{"error":{"title":"You do not have the permission that this needs.","errorCode":"Forbidden"}}`
		for _, test := range []struct{ bearer, body, want string }{
			{"user:ann", checks("ann documents/1 documents:read", "ann documents/2 documents:read"), yes + "," + no},
			{"client:sc_asker", checks("bob documents/1 documents:read", "ann /documents/1/ DOCUMENTS:READ"), no + "," + yes},
			// About others: told in place, and nothing of the answer leaks.
			{"user:ann", checks("bob documents/1 documents:read", "ann documents/1 documents:read", "bob x y"), forbidden + "," + yes + "," + forbidden},
			{"user:bob", checks("ann documents/1 documents:read", "bob documents/1 documents:read"), forbidden + "," + no},
			{"user:ann", checks("Ann documents/1 documents:read"), forbidden},
			{"client:sc_other", checks("ann documents/1 documents:read"), forbidden},
			{"user:ann", checks("ann documents//1 documents:read", "ann documents/1 documents:read"),
				`{"error":{"title":"A resource has no empty segments.","errorCode":"InvalidRequest"}},` + yes},
			{"user:ann", `{"checks":[{"resourceUri":"documents/1","permission":"documents:read"}]}`, `{"error":{"title":"A check names a userId.","errorCode":"InvalidRequest"}}`},
			{"user:ann", `{"checks":[{"userId":"ann","resourceUri":"documents/1","permission":"documents:read","extra":[{}]}]}`, yes},
			{"user:ann", `{"checks":[{"userId":"\u0061nn","resourceUri":"documents\/1","permission":"documents:read"}]}`, yes},
		} {
			got := n.want(200, test.bearer, "POST", one+"/v1/checks", test.body)
			if got.raw != `{"results":[`+test.want+`]}` {
				t.Errorf("%s: %s: %s", test.bearer, test.body, got.raw)
			}
		}
		many := func(k int) string {
			return checks(strings.Split(strings.TrimSuffix(strings.Repeat("ann documents/1 documents:read,", k), ","), ",")...)
		}
		if got := n.want(200, "user:ann", "POST", one+"/v1/checks", many(1000)); strings.Count(got.raw, yes) != 1000 {
			t.Error(len(got.raw))
		}
		for name, test := range map[string]struct {
			status       int
			bearer, body string
		}{
			"1,001":              {422, "user:ann", many(1001)},
			"1,001, escaped":     {422, "user:ann", strings.ReplaceAll(many(1001), "documents:", `documents\u003a`)},
			"too large":          {413, "user:ann", `{"checks":[{"userId":"` + strings.Repeat("a", 1<<20) + `"}]}`},
			"none":               {400, "user:ann", `{"checks":[]}`},
			"no list":            {400, "user:ann", `{}`},
			"null":               {400, "user:ann", `null`},
			"null inside":        {200, "user:ann", `{"checks":[null]}`},
			"empty":              {400, "user:ann", ``},
			"trailing":           {400, "user:ann", many(1) + "{}"},
			"duplicate member":   {400, "user:ann", `{"checks":[{"userId":"ann","userId":"bob","resourceUri":"documents/1","permission":"documents:read"}]}`},
			"duplicate list":     {400, "user:ann", `{"checks":[{"userId":"ann","resourceUri":"x","permission":"y"}],"checks":[]}`},
			"mixed case":         {400, "user:ann", `{"checks":[{"userId":"ann","userid":"bob","resourceUri":"documents/1","permission":"documents:read"}]}`},
			"other case":         {400, "user:ann", `{"Checks":[]}`},
			"deep":               {400, "user:ann", `{"checks":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`},
			"deep, unknown":      {400, "user:ann", `{"x":` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + `}`},
			"half a character":   {400, "user:ann", `{"checks":[{"userId":"\ud800","resourceUri":"x","permission":"y"}]}`},
			"no UTF-8":           {400, "user:ann", "{\"checks\":[{\"userId\":\"\xff\",\"resourceUri\":\"x\",\"permission\":\"y\"}]}"},
			"a number":           {400, "user:ann", `{"checks":[{"userId":1,"resourceUri":"x","permission":"y"}]}`},
			"no token":           {401, "", many(1)},
			"about another time": {400, "user:ann", ""},
		} {
			url := one + "/v1/checks"
			if name == "about another time" {
				url, test.body = url+"?at=2026-03-03T12:00:00Z", many(1)
			}
			n.want(test.status, test.bearer, "POST", url, test.body)
		}
		// The same ids in another account are other people.
		if got := n.want(200, "user:ann", "POST", other+"/v1/checks", checks("ann documents/1 documents:read")); got.raw != `{"results":[`+no+`]}` {
			t.Error(got.raw)
		}
	})
}

// sink forgets the answer.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkBatch is the server's time for a request with 1,000 checks, from its headers to its
// answer: of one person by a service client, and of 1,000 people by somebody whom a record lets ask.
func BenchmarkBatch(b *testing.B) {
	db, clk := sqldbtest.SQLite(b, accessdb.Migrations(), nil)
	n := newNode(b, db, clk, nil)
	w := accesstest.World{
		Roles: []access.Role{{ID: "ro_reader", Name: "Reader", Permissions: []access.Permission{{Action: "documents:read", Allow: true}}}},
		Records: []access.Record{{ID: "rec_asker", Name: "r", Users: []ident.UserID{"boss"}, Status: access.Active,
			Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"Authress:UserPermissions/*"}}}}},
	}
	for i := range 1000 {
		w.Records = append(w.Records, access.Record{ID: ident.RecordID(fmt.Sprint("rec_", i)), Name: "r", Status: access.Active,
			Users:      []ident.UserID{"auth0|5f7c8ec7c33c6c004bbafe82", ident.UserID(fmt.Sprint("auth0|5f7c8ec7c33c6c004bba", i))},
			Statements: []access.Statement{{Roles: []ident.RoleID{"ro_reader"}, Resources: []string{fmt.Sprintf("accounts/a%d", i)}}}})
	}
	n.put("acc_one", &w)
	var same, apart []string
	for i := range 1000 {
		what := fmt.Sprintf("accounts/a%d/projects/p%d documents:read", i, i)
		same = append(same, "auth0|5f7c8ec7c33c6c004bbafe82 "+what)
		apart = append(apart, fmt.Sprint("auth0|5f7c8ec7c33c6c004bba", i, " ", what))
	}
	for _, test := range []struct{ name, bearer, body string }{
		{"of one person", "client:sc_asker", checks(same...)},
		{"of 1000 people", "user:boss", checks(apart...)},
		{"by the strict decoder", "client:sc_asker", strings.ReplaceAll(checks(same...), "documents:", `documents\u003a`)},
	} {
		b.Run(test.name, func(b *testing.B) {
			if got := n.call(test.bearer, "POST", one+"/v1/checks", test.body); strings.Count(got.raw, "true") != 1000 {
				b.Fatal(got.raw[:200])
			}
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", one+"/v1/checks", strings.NewReader(test.body))
				r.RequestURI = "/v1/checks"
				r.Header.Set("Authorization", "Bearer "+test.bearer)
				n.router.ServeHTTP(&sink{http.Header{}}, r)
			}
		})
	}
}

package decide_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/ident"
)

// TestTruth asks every case of the truth over HTTP in every way: about now, and once more, when
// it is all over, about then.
func TestTruth(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		asked := 0
		for i, s := range accesstest.Truth(t) {
			x := &asker{node: n, name: s.Name, base: fmt.Sprintf("https://%d.example", i)}
			asks := slices.Clone(s.Asks)
			slices.SortStableFunc(asks, func(a, b accesstest.Ask) int { return a.At.Compare(b.At) })
			shift := n.clock.Now().Add(time.Hour).Sub(asks[0].At)
			w := shifted(s.World, shift)
			n.put(ident.AccountID(fmt.Sprint("acc_", i)), &w)
			n.clock.Advance(time.Second)
			for _, a := range asks {
				asked++
				a.At = a.At.Add(shift)
				n.clock.Advance(a.At.Sub(n.clock.Now()))
				x.now(a)
				x.ever(a, "")
			}
			n.clock.Advance(time.Hour)
			for k := range asks {
				asks[k].At = asks[k].At.Add(shift)
				x.check(asks[k], "?at="+url.QueryEscape(asks[k].At.Format(time.RFC3339)))
				x.ever(asks[k], "at="+url.QueryEscape(asks[k].At.In(time.FixedZone("", 5400)).Format(time.RFC3339)))
			}
		}
		if asked < 330 {
			t.Errorf("only %d cases", asked)
		}
	})
}

// asker asks as the operator, in one account.
type asker struct {
	*node
	name, base string
}

func (x *asker) tell(way string, a accesstest.Ask, allowed bool, got answer) {
	x.t.Helper()
	if allowed != a.Allowed {
		x.t.Errorf("%s: by %s, %s is %v: %d %s", x.name, way, a, allowed, got.status, got.raw)
	}
}

func (x *asker) user(a accesstest.Ask) string {
	return x.base + "/v1/users/" + url.PathEscape(string(a.User)) + "/resources/" + url.PathEscape(a.Resource) + "/permissions/" + url.PathEscape(a.Action)
}

func (x *asker) check(a accesstest.Ask, query string) {
	x.t.Helper()
	got := x.call("operator", "GET", x.user(a)+query, "")
	if unnameable(a) {
		if got.status != 400 {
			x.t.Errorf("%s: check %s: %d", x.name, a, got.status)
		}
		return
	}
	if got.status != 200 && got.status != 404 {
		x.t.Errorf("%s: check %s: %d %s", x.name, a, got.status, got.raw)
	}
	x.tell("check"+query, a, got.status == 200, got)
}

// now asks in the ways that know no other time.
func (x *asker) now(a accesstest.Ask) {
	x.t.Helper()
	x.check(a, "")
	wrong := map[string]string{"userId": string(a.User), "resourceUri": "a//b", "permission": a.Action}
	right := map[string]string{"userId": string(a.User), "resourceUri": a.Resource, "permission": a.Action}
	body, _ := json.Marshal(map[string]any{"checks": []any{wrong, right, right}})
	got := x.want(200, "operator", "POST", x.base+"/v1/checks", string(body))
	results, _ := got.body["results"].([]any)
	if len(results) != 3 || results[0].(map[string]any)["error"] == nil {
		x.t.Fatalf("%s: batch: %s", x.name, got.raw)
	}
	x.tell("batch", a, results[1].(map[string]any)["allowed"] == true, got)
	x.tell("batch", a, results[2].(map[string]any)["allowed"] == true, got)

	resource := strings.Trim(a.Resource, "/")
	parent := "*"
	if i := strings.LastIndexByte(resource, '/'); i >= 0 {
		parent = resource[:i]
	}
	x.authzen(a, resource)
	if unnameable(a) {
		return
	}
	got = x.want(200, "operator", "GET", x.base+"/v1/users/"+url.PathEscape(string(a.User))+"/resources?collectionConfiguration=INCLUDE_NESTED&limit=1000&resourceUri="+
		url.QueryEscape(parent)+"&permissions="+url.QueryEscape(a.Action), "")
	listed := slices.ContainsFunc(got.body["resources"].([]any), func(r any) bool {
		return accesstest.PathCovers(r.(map[string]any)["resourceUri"].(string), resource, "/")
	})
	x.tell("list", a, listed, got)
}

// unnameable tells whether the user cannot stand in a path: a part between slashes that leads elsewhere.
func unnameable(a accesstest.Ask) bool {
	return slices.ContainsFunc(strings.Split(string(a.User), "/"), func(part string) bool { return part == "." || part == ".." })
}

func (x *asker) authzen(a accesstest.Ask, resource string) {
	x.t.Helper()
	subject, action := map[string]any{"type": "user", "id": a.User}, map[string]any{"name": a.Action}
	whole := map[string]any{"type": "resource", "id": a.Resource}
	spellings := []map[string]any{whole}
	if kind, id, ok := strings.Cut(resource, "/"); ok && !strings.Contains(kind, "*") && kind != "resource" {
		spellings = append(spellings, map[string]any{"type": kind, "id": id})
	}
	for _, r := range spellings {
		body, _ := json.Marshal(map[string]any{"subject": subject, "action": action, "resource": r, "context": map[string]any{"time": "1985-10-26T01:22-07:00"}})
		got := x.want(200, "operator", "POST", x.base+"/access/v1/evaluation", string(body))
		x.tell("evaluation", a, got.body["decision"] == true, got)
	}
	body, _ := json.Marshal(map[string]any{"subject": subject, "action": action, "evaluations": []any{map[string]any{"resource": whole}, map[string]any{"resource": map[string]any{"type": "resource", "id": "a//b"}}}})
	got := x.want(200, "operator", "POST", x.base+"/access/v1/evaluations", string(body))
	all, _ := got.body["evaluations"].([]any)
	if len(all) != 2 || all[1].(map[string]any)["decision"] != false || all[1].(map[string]any)["context"] == nil {
		x.t.Fatalf("%s: evaluations: %s", x.name, got.raw)
	}
	x.tell("evaluations", a, all[0].(map[string]any)["decision"] == true, got)

	body, _ = json.Marshal(map[string]any{"subject": subject, "action": action, "resource": map[string]any{"type": "resource"}, "page": map[string]any{"limit": 1000}})
	got = x.want(200, "operator", "POST", x.base+"/access/v1/search/resource", string(body))
	found := slices.ContainsFunc(got.body["results"].([]any), func(r any) bool {
		return accesstest.PathCovers(r.(map[string]any)["id"].(string), resource, "/")
	})
	x.tell("search for resources", a, found, got)

	body, _ = json.Marshal(map[string]any{"subject": subject, "resource": whole})
	got = x.want(200, "operator", "POST", x.base+"/access/v1/search/action", string(body))
	found = slices.ContainsFunc(got.body["results"].([]any), func(r any) bool {
		return accesstest.PathCovers(r.(map[string]any)["name"].(string), strings.ToLower(a.Action), ":")
	})
	x.tell("search for actions", a, found, got)
}

// ever asks in the ways that know any time.
func (x *asker) ever(a accesstest.Ask, at string) {
	x.t.Helper()
	may, everyone := x.subjects(a, at)
	x.tell("subjects "+at, a, everyone || slices.Contains(may, string(a.User)), answer{})
	if unnameable(a) {
		return
	}
	got := x.want(200, "operator", "GET", x.user(a)+"/explanation?"+at, "")
	x.tell("explanation "+at, a, got.body["allowed"] == true, got)
	because, _ := got.body["because"].([]any)
	nearest, _ := got.body["nearest"].([]any)
	if (len(because) > 0) != a.Allowed || (len(nearest) > 0) == a.Allowed {
		x.t.Errorf("%s: explanation %s: %s", x.name, a, got.raw)
	}
}

// subjects follows the links from page to page.
func (x *asker) subjects(a accesstest.Ask, at string) (may []string, everyone bool) {
	x.t.Helper()
	next := x.base + "/v1/resources/" + url.PathEscape(a.Resource) + "/subjects?limit=2&permission=" + url.QueryEscape(a.Action) + "&" + at
	for next != "" {
		got := x.want(200, "operator", "GET", next, "")
		list, _ := got.body["subjects"].([]any)
		for _, s := range list {
			may = append(may, s.(map[string]any)["userId"].(string))
		}
		everyone = got.body["everyone"] == true
		links, _ := got.body["links"].(map[string]any)
		link, _ := links["next"].(map[string]any)
		next, _ = link["href"].(string)
	}
	return may, everyone
}

// reader gives everybody named the permission to read documents.
func reader(users ...ident.UserID) accesstest.World {
	return accesstest.World{
		Roles: []access.Role{{ID: "ro_reader", Name: "Reader", Permissions: []access.Permission{{Action: "documents:read", Allow: true}}}},
		Records: []access.Record{{ID: "rec_1", Name: "Readers", Users: users, Status: access.Active,
			Statements: []access.Statement{{Roles: []ident.RoleID{"ro_reader"}, Resources: []string{"documents/1"}}}}},
	}
}

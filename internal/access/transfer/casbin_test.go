package transfer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/admit-id/admit/internal/kit/ident"
)

const casbinModel = `[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act%s
[role_definition]
g = _, _
[policy_effect]
e = %s
[matchers]
m = g(r.sub, p.sub) && %s && %s
`

const (
	allowWins = "some(where (p.eft == allow))"
	denyWins  = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
)

// casbinSays evaluates a policy as Casbin does. The matcher is equality, keyMatch or keyMatch2.
func casbinSays(rules [][]string, match string, deny bool, user, obj, act string) bool {
	var has func(name, role string, depth int) bool
	has = func(name, role string, depth int) bool {
		return name == role || depth < 9 && slices.ContainsFunc(rules, func(r []string) bool {
			return r[0] == "g" && r[1] == name && has(r[2], role, depth+1)
		})
	}
	same := func(pattern string) bool {
		star := strings.IndexByte(pattern, '*')
		switch {
		case match == "keyMatch2":
			pattern = regexp.MustCompile(`:[^/]+`).ReplaceAllString(strings.ReplaceAll(pattern, "/*", "/.*"), "[^/]+")
			return regexp.MustCompile("^" + pattern + "$").MatchString(obj)
		case match == "" || star < 0:
			return obj == pattern
		case len(obj) > star:
			return obj[:star] == pattern[:star]
		}
		return obj == pattern[:star]
	}
	yes, no := false, false
	for _, r := range rules {
		if r[0] == "p" && has(user, r[1], 0) && same(r[2]) && (r[3] == act || r[3] == "*") {
			no = no || len(r) == 5 && r[4] == "deny"
			yes = yes || len(r) == 4 || r[4] == "allow"
		}
	}
	return yes && !(deny && no)
}

func TestCasbinNeverWider(t *testing.T) {
	exact := 0
	rapid.Check(t, func(r *rapid.T) {
		pick := func(what ...string) string { return rapid.SampledFrom(what).Draw(r, "pick") }
		match, deny := pick("", "keyMatch", "keyMatch2"), rapid.Bool().Draw(r, "deny")
		object, effect, eft := "r.obj == p.obj", allowWins, ""
		if match != "" {
			object = match + "(r.obj, p.obj)"
		}
		if deny {
			effect, eft = denyWins, ", eft"
		}
		var rules [][]string
		objects := map[string][]string{"": {"data1", "data2", "data/1"}, "keyMatch": {"/a/*", "/a/b/*", "/a", "/*", "/a*"},
			"keyMatch2": {"/a/*", "/a/:id/*", "/a/:id", "/:x/b/*", "/a/b"}}[match]
		for range rapid.IntRange(0, 8).Draw(r, "n") {
			if rapid.Bool().Draw(r, "g") {
				rules = append(rules, []string{"g", pick("u", "v", "admin", "staff"), pick("admin", "staff")})
				continue
			}
			p := []string{"p", pick("u", "v", "admin", "staff", "w"), pick(objects...), pick("read", "write", "*")}
			if deny {
				p = append(p, pick("allow", "allow", "allow", "deny"))
			}
			rules = append(rules, p)
		}
		var policy strings.Builder
		for _, p := range rules {
			fmt.Fprintln(&policy, strings.Join(p, ", "))
		}
		model := fmt.Sprintf(casbinModel, eft, effect, object, `(r.act == p.act || p.act == "*")`)
		p, err := Casbin("casbin", Source{"m", []byte(model)}, Source{"p", []byte(policy.String())}, false)
		if err != nil {
			r.Fatal(err)
		}
		may := world(t, &p)
		for _, user := range []string{"u", "v", "w"} {
			for _, obj := range map[bool][]string{true: {"data1", "data2"}, false: {"/a", "/a/b", "/a/b/c", "/a/c", "/x/b", "/x/b/c"}}[match == ""] {
				for _, act := range []string{"read", "write", "drop"} {
					want, got := casbinSays(rules, match, deny, user, obj, act), may(user, act, obj)
					if got && !want || want && !got && len(p.Problems) == 0 {
						r.Fatalf("%s %s %s: the source says %v, Admit %v\n%s%s\n%v", user, act, obj, want, got, model, policy.String(), p.Problems)
					}
				}
			}
		}
		if len(p.Problems) == 0 && len(rules) > 3 {
			exact++
		}
	})
	if exact == 0 {
		t.Error("no policy was mapped whole")
	}
}

func TestCasbinRefuses(t *testing.T) {
	good := fmt.Sprintf(casbinModel, "", allowWins, "r.obj == p.obj", "r.act == p.act")
	if _, err := Casbin("x", Source{"m", []byte(good)}, Source{"p", nil}, false); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"g = _, _", "g = _, _, _"}, {"r = sub, obj, act", "r = sub, dom, obj, act"}, {allowWins, "priority(p.eft) || deny"},
		{"r.act == p.act", `r.act == p.act || r.sub == "root"`}, {" && r.act == p.act", ""}, {"r.obj == p.obj", "r.obj.Owner == r.sub"},
		{"r.act == p.act", "r.obj == p.obj"}, {"[matchers]", "[role_definition]\ng2 = _, _\n[matchers]"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if _, err := Casbin("x", Source{"m", []byte(text)}, Source{"p", nil}, false); err == nil || text == good {
			t.Errorf("%s was read", text)
		}
	}
}

func TestCasbinLeaves(t *testing.T) {
	model := Source{"m", []byte(fmt.Sprintf(casbinModel, "", allowWins, "keyMatch2(r.obj, p.obj)", "r.act == p.act"))}
	policy := Source{"p", []byte("p, ann, /books/:id, GET\np, ann, /shelf, get\np, bob, /shelf, GET\n")}
	p, err := Casbin("x", model, policy, true)
	if err != nil || len(p.Problems) != 1 || p.Problems[0].Line != 2 {
		t.Fatal(p.Problems, err)
	}
	may := world(t, &p)
	if !may("ann", "get", "books/7") || may("ann", "get", "books") || !may("bob", "get", "shelf") || may("bob", "get", "books/7") {
		t.Errorf("%+v", p.Records)
	}
}

func TestCSV(t *testing.T) {
	p, err := CSV("people", Source{"x.csv", []byte(`user,group,role,resource,startsAt,expiresAt
ann,,editor,accounts/acme,,
sam,support,,,,
,support,editor,accounts/*,2026-03-01,2026-04-01
,grp_old,editor,files,,
eve,support,editor,accounts,,
,,editor,accounts,,
zoe,,editor,a//b,,
zoe,,editor,files,soon,
zoe,,editor,files,2026-03-01,2026-02-01
`)})
	if err != nil || len(p.Problems) != 5 || p.Problems[0].Line != 6 || p.Problems[4].Line != 10 {
		t.Fatal(p.Problems, err)
	}
	if needs := fmt.Sprint(p.Needs(), p.NeedsGroups()); needs != "[editor] [grp_old]" {
		t.Error(needs)
	}
	if len(p.Groups) != 1 || p.Groups[0].ID != "grp_support" || len(p.Records) != 3 {
		t.Errorf("%+v", p)
	}
	for _, text := range []string{"", "user,rolle,resource\n", "role,resource\n", "user,role,resource\nann,editor\n", "user,user\n"} {
		if _, err := CSV("x", Source{"x.csv", []byte(text)}); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// Two groups of the source never become one: the members of either would have what the other has.
func TestGroupsKeepApart(t *testing.T) {
	many := ""
	for i := range 150 {
		many += fmt.Sprintf("g, user_%d, admins\n", i)
	}
	model := `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`
	for _, name := range []string{"grp_admins", "admins--2"} {
		p, err := Casbin("casbin", Source{"m", []byte(model)}, Source{"p",
			[]byte("p, admins, vault, open\np, " + name + ", lobby, open\ng, mallory, " + name + "\n" + many)}, false)
		if err != nil {
			t.Fatal(err)
		}
		seen, in := map[ident.GroupID]bool{}, map[ident.GroupID]bool{}
		for _, g := range p.Groups {
			if seen[g.ID] {
				t.Errorf("%s: the group %s is there twice", name, g.ID)
			}
			seen[g.ID] = true
			in[g.ID] = slices.Contains(g.Users, "mallory")
		}
		for _, r := range p.Records {
			for _, g := range r.Groups {
				if in[g] && r.Statements[0].Resources[0] == "vault" {
					t.Errorf("%s: mallory has the vault", name)
				}
			}
		}
		if len(p.Problems) != 1 || !strings.Contains(p.Problems[0].What, name) {
			t.Errorf("%s: problems %v", name, p.Problems)
		}
	}
}

package transfer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// world puts a plan into an index, and asks it.
func world(t testing.TB, p *Plan) func(user, action, resource string) bool {
	t.Helper()
	x := access.NewIndex()
	x.Update("", func(e *index.Editor) {
		for i := range p.Roles {
			e.SetRole(p.Roles[i].ID, p.Roles[i].Compiled())
		}
		for i := range p.Groups {
			if err := p.Groups[i].Validate(); err != nil {
				t.Fatal(err)
			}
			e.SetGroup(p.Groups[i].ID, p.Groups[i].Members())
		}
		for i := range p.Records {
			if err := p.Records[i].Validate(); err != nil {
				t.Fatalf("%+v: %v", p.Records[i], err)
			}
			e.SetRecord(p.Records[i].ID, p.Records[i].Blocks())
		}
		for _, c := range p.Resources {
			if effective := c.Effective(); effective.Public {
				e.SetPublic(parse(t, c.Resource), true)
			}
		}
	})
	snap := x.At("")
	return func(user, action, resource string) bool {
		r := parse(t, resource)
		a, err := check.ParseAction(action)
		if err != nil {
			t.Fatal(err)
		}
		var q check.Question
		q.Ask(&r, &a, check.Allow)
		q.During = check.At(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))
		return snap.Check(user, &q)
	}
}

func parse(t testing.TB, text string) check.Resource {
	t.Helper()
	r, err := check.ParseResource(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// oracle evaluates a model as OpenFGA says it does, without any cleverness.
type oracle struct {
	m      *fgaModel
	tuples []tuple
}

func (o *oracle) valid(t *tuple) bool {
	r := o.m.find(t.object.typ).find(t.relation)
	return r != nil && !t.conditional && slices.Contains(r.direct, allowed{t.user.typ, t.userset, t.user.id == "*", false})
}

func (o *oracle) check(user, obj object, relation string, path []string) bool {
	key := obj.String() + "#" + relation
	r := o.m.find(obj.typ).find(relation)
	return r != nil && !slices.Contains(path, key) && o.eval(user, obj, relation, r.rewrite, append(slices.Clone(path), key))
}

func (o *oracle) eval(user, obj object, relation string, w *rewrite, path []string) bool {
	switch w.op {
	case opThis:
		return slices.ContainsFunc(o.tuples, func(t tuple) bool {
			if t.object != obj || t.relation != relation || !o.valid(&t) {
				return false
			}
			if t.userset != "" {
				return o.check(user, t.user, t.userset, path)
			}
			return t.user == user || t.user == object{user.typ, "*"}
		})
	case opComputed:
		return o.check(user, obj, w.relation, path)
	case opFrom:
		return slices.ContainsFunc(o.tuples, func(t tuple) bool {
			return t.object == obj && t.relation == w.tupleset && t.userset == "" && t.user.id != "*" && o.valid(&t) && o.check(user, t.user, w.relation, path)
		})
	}
	yes := func(c *rewrite) bool { return o.eval(user, obj, relation, c, path) }
	switch w.op {
	case opUnion:
		return slices.ContainsFunc(w.children, yes)
	case opIntersection:
		return !slices.ContainsFunc(w.children, func(c *rewrite) bool { return !yes(c) })
	}
	return yes(w.children[0]) && !yes(w.children[1])
}

const drive = `model
  schema 1.1
# people
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define owner: [user, group#member]
    define viewer: [user, user:*, group#member] or owner or viewer from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define blocked: [user]
    define editor: [user, group#member, user with in_office] or owner
    define viewer: [user, user:*] or editor or viewer from parent
    define can_print: viewer but not blocked
    define can_share: [user] or (owner and viewer) or owner from parent
condition in_office(ip: ipaddress) {
  ip.in_cidr("10.0.0.0/8")
}
`

func plan(t testing.TB, model, tuples string) Plan {
	t.Helper()
	p, err := OpenFGA("openfga", Source{"model.fga", []byte(model)}, Source{"tuples.yaml", []byte(tuples)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDrive(t *testing.T) {
	p := plan(t, drive, `
- {user: user:ann, relation: owner, object: folder:root}
- {user: folder:root, relation: parent, object: folder:sub}
- {user: folder:sub, relation: parent, object: document:plan}
- {user: user:eve, relation: member, object: group:eng}
- {user: group:eng#member, relation: viewer, object: folder:sub}
- {user: user:bob, relation: editor, object: document:plan}
- {user: user:joe, relation: editor, object: document:plan, condition: {name: in_office}}
- {user: "user:*", relation: viewer, object: document:plan}
- {user: user:zoe, relation: reader, object: document:plan}
- {user: user:zoe, relation: viewer, object: "document:a/b"}
`)
	may := world(t, &p)
	for _, q := range []struct {
		user, action, resource string
		want                   bool
	}{
		{"ann", "folder:owner", "folders/root", true},
		{"ann", "folder:viewer", "folders/sub", true},
		{"ann", "folder:owner", "folders/sub", false},
		{"ann", "document:viewer", "folders/sub/documents/plan", true},
		{"ann", "document:can_share", "folders/sub/documents/plan", false},
		{"ann", "document:can_share", "folders/root/documents/x", true},
		{"eve", "document:viewer", "folders/sub/documents/plan", true},
		{"eve", "document:viewer", "folders/root", false},
		{"bob", "document:viewer", "folders/sub/documents/plan", true},
		{"bob", "document:owner", "folders/sub/documents/plan", false},
		{"bob", "document:can_print", "folders/sub/documents/plan", false},
		{"joe", "document:viewer", "folders/sub/documents/plan", false},
		{"zoe", "document:viewer", "folders/sub/documents/plan", false},
	} {
		if got := may(q.user, q.action, q.resource); got != q.want {
			t.Errorf("%+v: %v", q, got)
		}
	}
	var told []string
	for _, problem := range p.Problems {
		told = append(told, problem.String())
	}
	text := strings.Join(told, "\n")
	for _, want := range []string{
		"model.fga:20: relation can_print of type document", "model.fga:21: relation can_share of type document",
		"tuples.yaml:8: user:joe editor document:plan: it holds under a condition only",
		"tuples.yaml:9: user:* viewer document:plan: it is for everybody",
		"tuples.yaml:10: user:zoe reader document:plan: the model has no such relation",
		"tuples.yaml:11: user:zoe viewer document:a/b",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if len(p.Problems) != 6 {
		t.Error(text)
	}
}

func TestPathFollowsOneParent(t *testing.T) {
	p := plan(t, `{"schema_version":"1.1","type_definitions":[{"type":"user"},
{"type":"folder","relations":{"viewer":{"this":{}}},"metadata":{"relations":{"viewer":{"directly_related_user_types":[{"type":"user"}]}}}},
{"type":"document","relations":{"parent":{"this":{}},"viewer":{"union":{"child":[{"this":{}},{"tupleToUserset":{"tupleset":{"relation":"parent"},"computedUserset":{"relation":"viewer"}}}]}}},
"metadata":{"relations":{"parent":{"directly_related_user_types":[{"type":"folder"}]},"viewer":{"directly_related_user_types":[{"type":"user"},{"type":"user","wildcard":{}}]}}}}]}`,
		`[{"user":"folder:2","relation":"parent","object":"document:1"},{"key":{"user":"user:ann","relation":"viewer","object":"folder:2"}},
{"user":"user:*","relation":"viewer","object":"document:1"}]`)
	if len(p.Problems) != 0 {
		t.Fatal(p.Problems)
	}
	if !world(t, &p)("ann", "document:viewer", "folders/2/documents/1") {
		t.Error("the folder's viewer does not see the document")
	}
	if len(p.Resources) != 1 || p.Resources[0].Resource != "folders/2/documents/1" || p.Resources[0].Permissions[0] != (claim.Permission{Action: claim.Public, Allow: true}) {
		t.Errorf("%+v", p.Resources)
	}
}

// Whatever the source says: an import allows nothing that the source does not, and when it reports nothing, it
// allows all that the source does.
func TestNeverWider(t *testing.T) {
	exact := 0
	rapid.Check(t, func(r *rapid.T) {
		model, tuples := generate(r)
		m, err := readFGAModel([]byte(model))
		if err != nil {
			r.Fatalf("%v\n%s", err, model)
		}
		in := Source{"t", []byte(tuples)}
		p, err := OpenFGA("x", Source{"m", []byte(model)}, in)
		if err != nil {
			r.Fatalf("%v\n%s\n%s", err, model, tuples)
		}
		again, _ := OpenFGA("x", Source{"m", []byte(model)}, in)
		if fmt.Sprint(p) != fmt.Sprint(again) {
			r.Fatalf("two plans of one source:\n%v\n%v", p, again)
		}
		all, err := readTuples(in.Data)
		if err != nil {
			r.Fatal(err)
		}
		compare(t, r, &oracle{m, all}, &p, model+"\n"+tuples)
		if len(p.Problems) == 0 && len(all) > 5 {
			exact++
		}
	})
	if exact == 0 {
		t.Error("no source was mapped whole")
	}
}

func compare(t *testing.T, r *rapid.T, o *oracle, p *Plan, source string) {
	may := world(t, p)
	f := &fga{builder: newBuilder("x", "x", "x"), model: o.m, facts: map[object]map[string][]*tuple{}, parents: map[object][]link{},
		children: map[object][]link{}, above: map[object]link{}, broken: map[[2]string]bool{}, paths: map[object]string{},
		reach: map[relationName]map[string]set{}, users: map[string]object{}, roles: map[relationName]bool{}, bad: map[relationName]bool{}}
	f.readRelations()
	f.sort(o.tuples)
	f.settle()
	for _, typ := range []string{"a", "b", "c"} {
		for id := range 3 {
			thing := object{typ, fmt.Sprint(id)}
			path, err := f.path(thing)
			if err != nil {
				r.Fatal(err)
			}
			for _, rel := range o.m.find(typ).relations {
				if slices.Contains(f.tuplesets(typ), rel.name) {
					continue
				}
				for _, user := range []string{"u0", "u1", "u2", "nobody"} {
					want := o.check(object{"user", user}, thing, rel.name, nil)
					got := may(user, typ+":"+rel.name, path)
					if got && !want {
						r.Fatalf("%s %s %s is allowed at %s, and not by the source\n%s\n%v", user, rel.name, thing, path, source, p.Records)
					}
					if want && !got && len(p.Problems) == 0 {
						r.Fatalf("%s %s %s is allowed by the source, not at %s, and nothing is reported\n%s\n%v", user, rel.name, thing, path, source, p.Records)
					}
				}
			}
		}
	}
}

// generate makes a model and tuples. Most are harmless, so that many are mapped whole.
func generate(r *rapid.T) (model, tuples string) {
	types, names := []string{"a", "b", "c"}, []string{"r0", "r1", "r2"}
	odd := rapid.IntRange(0, 2).Draw(r, "odd") == 0
	pick := func(what ...string) string { return rapid.SampledFrom(what).Draw(r, "pick") }
	var b strings.Builder
	b.WriteString("model\n  schema 1.1\ntype user\n")
	for _, typ := range types {
		fmt.Fprintf(&b, "type %s\n  relations\n    define parent: [%s]\n    define other: [%s]\n", typ, pick("a", "b", "c", "a, b"), pick(types...))
		for _, name := range names {
			direct := pick("user", "user", "user, "+pick(types...)+"#"+pick(names...))
			if odd {
				direct += pick("", ", user:*", ", user with x")
			}
			terms := []string{"[" + direct + "]"}
			for range rapid.IntRange(0, 2).Draw(r, "terms") {
				term := pick(names...)
				switch kind := rapid.IntRange(0, 5).Draw(r, "kind"); {
				case kind < 2:
					term = pick(names...) + " from parent"
				case kind == 2:
					term = pick(names...) + " from other"
				case kind == 3 && odd:
					term = fmt.Sprintf("(%s and %s)", pick(names...), pick(names...))
				case kind == 4 && odd:
					term = fmt.Sprintf("(%s but not %s)", pick(names...), pick(names...))
				}
				terms = append(terms, term)
			}
			fmt.Fprintf(&b, "    define %s: %s\n", name, strings.Join(terms, " or "))
		}
	}
	var out []string
	for range rapid.IntRange(0, 14).Draw(r, "tuples") {
		user, relation := "user:"+pick("u0", "u1", "u2"), pick(names...)
		switch rapid.IntRange(0, 6).Draw(r, "user") {
		case 0, 1, 2:
			user, relation = pick(types...)+":"+pick("0", "1", "2"), pick("parent", "parent", "parent", "other")
		case 3:
			user = pick(types...) + ":" + pick("0", "1", "2") + "#" + pick(names...)
		case 4:
			if odd {
				user = "user:*"
			}
		}
		condition := ""
		if odd {
			condition = pick("", "", "", `,"condition":{"name":"x"}`)
		}
		out = append(out, fmt.Sprintf(`{"user":%q,"relation":%q,"object":"%s:%s"%s}`, user, relation, pick(types...), pick("0", "1", "2"), condition))
	}
	// Tuples that the model does not allow are reported; keep them rare.
	if m, err := readFGAModel([]byte(b.String())); err == nil && !odd {
		all, _ := readTuples([]byte(strings.Join(out, "\n")))
		o, kept := oracle{m, nil}, out[:0]
		for i := range all {
			if o.valid(&all[i]) {
				kept = append(kept, out[i])
			}
		}
		out = kept
	}
	return b.String(), strings.Join(out, "\n")
}

func TestLargeSourcesAreSplit(t *testing.T) {
	var b strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&b, "{\"user\":\"user:ann\",\"relation\":\"owner\",\"object\":\"folder:%s%d\"}\n", strings.Repeat("x", 20), i)
	}
	for i := range 250 {
		fmt.Fprintf(&b, "{\"user\":\"user:u%d\",\"relation\":\"member\",\"object\":\"group:eng\"}\n", i)
	}
	b.WriteString(`{"user":"group:eng#member","relation":"viewer","object":"folder:f"}`)
	p := plan(t, drive, b.String())
	ids := map[ident.RecordID]bool{}
	for i := range p.Records {
		ids[p.Records[i].ID] = true
	}
	if len(ids) != len(p.Records) || len(p.Groups) != 3 {
		t.Errorf("%d ids of %d records, %d groups", len(ids), len(p.Records), len(p.Groups))
	}
	may := world(t, &p)
	if !may("ann", "folder:owner", "folders/xxxxxxxxxxxxxxxxxxxx11999") || !may("u249", "folder:viewer", "folders/f") {
		t.Error("something was lost")
	}
}

func TestRefusedModels(t *testing.T) {
	for _, model := range []string{
		"", "model\n  schema 1.0\ntype user\n", "type user", "model\n  schema 1.1\ntype a\n  relations\n    define r [user]\n",
		"model\n  schema 1.1\ntype a\n  relations\n    define r: [user] or\n", "model\n  schema 1.1\ntype a\n  relations\n    define r: a or b and c\n",
		"model\n  schema 1.1\ntype a\ntype a\n", "{", `{"schema_version":"1.1"}`,
		`{"schema_version":"1.1","type_definitions":[{"type":"a","relations":{"r":{"later":{}}}}]}`,
		"model\n  schema 1.1\nextend type a\n",
	} {
		if _, err := OpenFGA("x", Source{"m", []byte(model)}, Source{"t", nil}); err == nil {
			t.Errorf("%q was read", model)
		}
	}
}

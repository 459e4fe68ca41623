package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/kit/ident"
)

// OpenFGA reads a model and its tuples.
//
// A relation R of a type T becomes the role T.R. It allows the action T:R, that of every relation
// which the model computes from it with "or", and what passes down with "from" to objects below. An object becomes a
// resource, below its parent where the model has one to inherit from: document:1 with the parent
// folder:2 is folders/2/documents/1. Where a path would pass down more than the model does, or an object has several
// parents, what they inherit is written out instead. A userset becomes a group.
func OpenFGA(label string, model, tuples Source) (Plan, error) {
	m, err := readFGAModel(model.Data)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", model.Name, err)
	}
	all, err := readTuples(tuples.Data)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", tuples.Name, err)
	}
	f := &fga{
		builder: newBuilder(label, "OpenFGA", tuples.Name), modelFile: model.Name, model: m,
		facts: map[object]map[string][]*tuple{}, parents: map[object][]link{}, children: map[object][]link{},
		above: map[object]link{}, broken: map[[2]string]bool{}, paths: map[object]string{}, users: map[string]object{},
		reach: map[relationName]map[string]set{}, roles: map[relationName]bool{}, bad: map[relationName]bool{},
	}
	f.readRelations()
	f.sort(all)
	f.settle()
	f.emit(all)
	return f.done(), nil
}

type set map[string]bool

type relationName struct{ typ, name string }

// link is an object and the relation by which it hangs on another.
type link struct {
	to       object
	tupleset string
}

// fga is the mapping of one model.
type fga struct {
	*builder
	modelFile string
	model     *fgaModel
	rules     map[relationName]*rule
	facts     map[object]map[string][]*tuple // that count, without links to parents
	parents   map[object][]link
	children  map[object][]link
	above     map[object]link // the one parent that is above in the path
	broken    map[[2]string]bool
	paths     map[object]string
	users     map[string]object // by the user id that they get
	reach     map[relationName]map[string]set
	roles     map[relationName]bool
	bad       map[relationName]bool // no role can be made
	loose     bool                  // some inheritance is written out
}

// rule is what of a relation can be mapped: a union.
type rule struct {
	this     bool
	computed []string
	from     []rewrite
	whole    bool // there is nothing else in it
}

// readRelations takes every relation apart, and reports what is not a union.
func (f *fga) readRelations() {
	f.rules = map[relationName]*rule{}
	actions := map[string]relationName{}
	for _, t := range f.model.types {
		for _, r := range t.relations {
			name := relationName{t.name, r.name}
			out := &rule{whole: true}
			f.flatten(out, r.rewrite)
			f.rules[name] = out
			if !out.whole {
				f.problemIn(f.modelFile, r.line, "relation "+r.name+" of type "+t.name, "what it computes with and, or with but not, gives nothing: Admit has no such rule")
			}
			action := strings.ToLower(t.name + ":" + r.name)
			if _, err := check.ParseAction(action); err != nil || strings.Contains(action, "*") {
				f.problemIn(f.modelFile, r.line, "relation "+r.name+" of type "+t.name, "its name is no permission")
				f.bad[name] = true
			} else if _, twice := actions[action]; twice {
				f.problemIn(f.modelFile, r.line, "relation "+r.name+" of type "+t.name, "another differs in upper and lower case only")
				f.bad[name] = true
			}
			actions[action] = name
		}
	}
}

func (f *fga) flatten(out *rule, w *rewrite) {
	switch w.op {
	case opThis:
		out.this = true
	case opComputed:
		out.computed = append(out.computed, w.relation)
	case opFrom:
		out.from = append(out.from, *w)
	case opUnion:
		for _, child := range w.children {
			f.flatten(out, child)
		}
	default:
		out.whole = false
	}
}

// tuplesets are the relations of a type that others are inherited through, in order.
func (f *fga) tuplesets(typ string) (out []string) {
	t := f.model.find(typ)
	if t == nil {
		return nil
	}
	for _, r := range t.relations {
		for _, w := range f.rules[relationName{typ, r.name}].from {
			if !slices.Contains(out, w.tupleset) {
				out = append(out, w.tupleset)
			}
		}
	}
	return out
}

// principal tells whether things of the type are people or machines: they have no relations.
func (f *fga) principal(typ string) bool {
	t := f.model.find(typ)
	return t != nil && len(t.relations) == 0
}

// sort keeps the tuples that count, and reports the others.
func (f *fga) sort(all []tuple) {
	for i := range all {
		t := &all[i]
		if why := f.refuse(t); why != "" {
			f.problem(t.line, t.String(), why)
			continue
		}
		if slices.Contains(f.tuplesets(t.object.typ), t.relation) && t.userset == "" && t.user.id != "*" && !f.principal(t.user.typ) {
			l := link{t.user, t.relation}
			if !slices.Contains(f.parents[t.object], l) {
				f.parents[t.object] = append(f.parents[t.object], l)
				f.children[t.user] = append(f.children[t.user], link{t.object, t.relation})
			}
			continue
		}
		if t.userset == "" && t.user.id != "*" && !f.principal(t.user.typ) {
			f.problem(t.line, t.String(), t.user.typ+" has relations, so it is nobody who could be given something")
			continue
		}
		if f.facts[t.object] == nil {
			f.facts[t.object] = map[string][]*tuple{}
		}
		f.facts[t.object][t.relation] = append(f.facts[t.object][t.relation], t)
	}
}

// refuse says why a tuple cannot count, or nothing.
func (f *fga) refuse(t *tuple) string {
	r := f.model.find(t.object.typ).find(t.relation)
	switch {
	case r == nil:
		return "the model has no such relation"
	case t.conditional:
		return "it holds under a condition only"
	case !f.rules[relationName{t.object.typ, t.relation}].this:
		return "the model does not let it be given directly, or only together with and, or but not"
	}
	want := allowed{t.user.typ, t.userset, t.user.id == "*", false}
	if !slices.Contains(r.direct, want) {
		return "the model does not allow this kind of user here, or only under a condition"
	}
	if _, err := segment(t.object); err != nil {
		return plain(err).Error()
	}
	return ""
}

// closure adds to relations of a type all that are computed from them.
func (f *fga) closure(typ string, state set) set {
	for grown := true; grown; {
		grown = false
		for _, r := range f.model.find(typ).relations {
			if state[r.name] {
				continue
			}
			for _, c := range f.rules[relationName{typ, r.name}].computed {
				if state[c] {
					state[r.name], grown = true, true
				}
			}
		}
	}
	return state
}

// inherit is what somebody has on a child, by a tupleset, who has the relations on its parent.
func (f *fga) inherit(child, tupleset string, state set) (direct, whole set) {
	direct = set{}
	for _, r := range f.model.find(child).relations {
		for _, w := range f.rules[relationName{child, r.name}].from {
			if w.tupleset == tupleset && state[w.relation] {
				direct[r.name] = true
			}
		}
	}
	return direct, f.closure(child, maps.Clone(direct))
}

// settle decides where every object is, so that what a role gives on a path is exactly what the
// model gives: every relation must give the same on all things of one type below it.
func (f *fga) settle() {
	for {
		f.place()
		if !f.uneven() {
			break
		}
	}
	for child, links := range f.parents {
		for _, l := range links {
			if f.above[child] != l {
				f.loose = true
			}
		}
	}
}

// place finds the one parent of every object, where it has one.
func (f *fga) place() {
	clear(f.above)
	clear(f.paths)
	for child, links := range f.parents {
		names := f.tuplesets(child.typ)
		var found []link
		for _, l := range links {
			if l.tupleset == names[0] {
				found = append(found, l)
			}
		}
		if len(found) == 1 && !f.broken[[2]string{found[0].to.typ, child.typ}] {
			if _, err := segment(found[0].to); err == nil {
				f.above[child] = found[0]
			}
		}
	}
	// A path that comes back to itself, or is too long, is no path. The order of deletions must not
	// depend on the order of a map.
	for _, child := range slices.SortedFunc(maps.Keys(f.above), compareObjects) {
		text, _ := segment(child)
		steps := 1
		for o, ok := f.above[child]; ok && steps < 8; o, ok = f.above[o.to] {
			s, _ := segment(o.to)
			text, steps = s+"/"+text, steps+1
		}
		if r, err := check.ParseResource(text); steps >= 8 || err != nil || r.Pattern() {
			delete(f.above, child)
		}
	}
}

func compareObjects(a, b object) int { return strings.Compare(a.String(), b.String()) }

// uneven breaks a kind of links by which a relation would give different things on two objects of
// one type, and tells whether there was one.
func (f *fga) uneven() bool {
	edges := map[string]map[string]bool{} // type of parent, type of child
	for child, l := range f.above {
		if edges[l.to.typ] == nil {
			edges[l.to.typ] = map[string]bool{}
		}
		edges[l.to.typ][child.typ] = true
	}
	clear(f.reach)
	for _, t := range f.model.types {
		for _, r := range t.relations {
			name := relationName{t.name, r.name}
			rule := f.rules[name]
			if !rule.this && len(rule.from) == 0 || slices.Contains(f.tuplesets(t.name), r.name) {
				continue
			}
			reached := map[string]set{t.name: f.closure(t.name, set{r.name: true})}
			for queue := []string{t.name}; len(queue) > 0; queue = queue[1:] {
				for _, child := range slices.Sorted(maps.Keys(edges[queue[0]])) {
					_, state := f.inherit(child, f.tuplesets(child)[0], reached[queue[0]])
					before, known := reached[child]
					if known && !maps.Equal(before, state) {
						f.broken[[2]string{queue[0], child}] = true
						f.note("A %s below a %s has a path of its own, and what it inherits is written out: %s of %s does not pass down whole.", child, queue[0], r.name, t.name)
						return true
					}
					if !known {
						reached[child] = state
						queue = append(queue, child)
					}
				}
			}
			f.reach[name] = reached
		}
	}
	return false
}

// emit writes what every tuple gives.
func (f *fga) emit(all []tuple) {
	for _, o := range slices.SortedFunc(maps.Keys(f.facts), compareObjects) {
		for _, relation := range slices.Sorted(maps.Keys(f.facts[o])) {
			if slices.Contains(f.tuplesets(o.typ), relation) {
				for _, t := range f.facts[o][relation] {
					f.problem(t.line, t.String(), "the relation leads to parents, and these are no parents")
				}
				continue
			}
			for _, t := range f.facts[o][relation] {
				f.tuple(t)
			}
		}
	}
	if f.loose {
		f.note("Objects with several parents, or with parents that cannot be above them in a path, have what they inherit written out: new tuples of their parents do not reach them.")
	}
}

func (f *fga) tuple(t *tuple) {
	var who grant
	var err error
	switch {
	case t.user.id == "*":
		f.everybody(t)
		return
	case t.userset != "":
		who.group, err = f.userset(t)
	default:
		who.user, err = f.user(t.user)
	}
	if err != nil {
		f.problem(t.line, t.String(), plain(err).Error())
		return
	}
	f.give(t, who, t.object, t.relation)
	if f.loose {
		f.walk(t, who, t.object, f.closure(t.object.typ, set{t.relation: true}), map[string]bool{})
	}
}

// give writes one right.
func (f *fga) give(t *tuple, who grant, o object, relation string) {
	name := relationName{o.typ, relation}
	if !f.role(name) {
		f.problem(t.line, t.String(), "the relation "+relation+" of "+o.typ+" became no role")
		return
	}
	path, err := f.path(o)
	if err != nil {
		f.problem(t.line, t.String(), plain(err).Error())
		return
	}
	who.role, who.resource = roleID(name), path
	f.grants[who] = true
}

// walk writes out what is inherited where the path does not pass it down.
func (f *fga) walk(t *tuple, who grant, o object, state set, seen map[string]bool) {
	key := o.String() + " " + strings.Join(slices.Sorted(maps.Keys(state)), " ")
	if seen[key] {
		return
	}
	seen[key] = true
	for _, c := range f.children[o] {
		direct, whole := f.inherit(c.to.typ, c.tupleset, state)
		if len(direct) == 0 {
			continue
		}
		if f.above[c.to] != (link{o, c.tupleset}) {
			for _, relation := range slices.Sorted(maps.Keys(direct)) {
				f.give(t, who, c.to, relation)
			}
		}
		f.walk(t, who, c.to, whole, seen)
	}
}

func roleID(n relationName) ident.RoleID { return ident.RoleID(n.typ + "." + n.name) }

// role makes the role of a relation, and tells whether there is one.
func (f *fga) role(n relationName) bool {
	if f.roles[n] || f.bad[n] {
		return !f.bad[n]
	}
	var actions []string
	for typ, state := range f.reach[n] {
		for relation := range state {
			if !f.bad[relationName{typ, relation}] && !slices.Contains(f.tuplesets(typ), relation) {
				actions = append(actions, typ+":"+relation)
			}
		}
	}
	if err := f.builder.role(roleID(n), actions); err != nil {
		f.problemIn(f.modelFile, 0, "relation "+n.name+" of type "+n.typ, err.Error())
		f.bad[n] = true
	}
	f.roles[n] = true
	return !f.bad[n]
}

// path is the resource of an object.
func (f *fga) path(o object) (string, error) {
	if text, ok := f.paths[o]; ok {
		return text, nil
	}
	text, err := f.segment(o)
	if err != nil {
		return "", err
	}
	if l, ok := f.above[o]; ok {
		parent, err := f.path(l.to)
		if err != nil {
			return "", err
		}
		text = parent + "/" + text
	}
	f.paths[o] = text
	return text, nil
}

// user is the id of a person. Things of the type user keep theirs; others have their type before it.
func (f *fga) user(o object) (ident.UserID, error) {
	id := o.String()
	if o.typ == "user" {
		id = o.id
	}
	if err := access.ValidUser(ident.UserID(id)); err != nil {
		return "", err
	}
	if first, known := f.users[id]; known && first != o {
		return "", fmt.Errorf("%s and %s would be one user", first, o)
	}
	f.users[id] = o
	return ident.UserID(id), nil
}

// everybody opens an object whose every relation, on it and on all that is below it, is everybody's.
func (f *fga) everybody(t *tuple) {
	why := "it is for everybody, and a public resource would allow more than this relation does"
	reach := f.reach[relationName{t.object.typ, t.relation}]
	for typ, state := range reach {
		for _, r := range f.model.find(typ).relations {
			if !state[r.name] && !slices.Contains(f.tuplesets(typ), r.name) {
				f.problem(t.line, t.String(), why)
				return
			}
		}
	}
	people := 0
	for _, typ := range f.model.types {
		if len(typ.relations) == 0 {
			people++
		}
	}
	path, err := f.path(t.object)
	switch {
	case len(reach) == 0:
		f.problem(t.line, t.String(), why)
	case people != 1:
		f.problem(t.line, t.String(), "it is for one kind of users, and a public resource is for all")
	case err != nil:
		f.problem(t.line, t.String(), plain(err).Error())
	default:
		f.plan.Resources = append(f.plan.Resources, claim.Config{Resource: path, Permissions: []claim.Permission{{Action: claim.Public, Allow: true}}})
		if f.loose {
			f.problem(t.line, t.String(), "the object is public, but what inherits from it without being below it in the path is not")
		}
	}
}

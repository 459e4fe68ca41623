// Package org owns the organisation that authorization servers are compared on: accounts with
// projects with documents, people in two groups each, roles given to people and groups at every
// level, and questions with their right answers. It is the same for every server and every run:
// the seeds are fixed.
package org

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The roles, each with all that the one before has.
const (
	Viewer = "viewer"
	Editor = "editor"
	Owner  = "owner"
)

// Roles lists the roles from the weakest to the strongest.
var Roles = []string{Viewer, Editor, Owner}

// Actions lists what a role allows.
var Actions = map[string][]string{Viewer: {"read"}, Editor: {"read", "update"}, Owner: {"read", "update", "delete"}}

var (
	strength = map[string]int{Viewer: 1, Editor: 2, Owner: 3}
	needs    = map[string]int{"read": 1, "update": 2, "delete": 3}
)

// RoleFor names the weakest role that allows an action.
func RoleFor(action string) string { return Roles[needs[action]-1] }

// Grant gives a role on a resource to a user or a group.
type Grant struct{ User, Group, Role, Resource string }

// Member is in a group.
type Member struct{ Group, User string }

// Check is a question with its right answer.
type Check struct {
	User, Action, Resource string
	Allow                  bool
}

// Org is the whole organisation.
type Org struct {
	Resources []string // with parents before children
	Members   []Member
	Grants    []Grant
	Checks    []Check

	size   Size
	random *rand.Rand
	held   map[string]map[string]string // "u:" or "g:" with a name, then resource, to role
	groups map[string][]string          // of a user
}

// Size says how large an organisation is.
type Size struct {
	Name                                                    string
	Grants, Users, Groups, Accounts, Projects, Docs, Checks int
	Seed                                                    uint64
}

// The sizes: a thousand, a hundred thousand and a million grants.
var (
	Small  = Size{"1,000", 1000, 100, 10, 4, 10, 50, 20_000, 1}
	Medium = Size{"100,000", 100_000, 10_000, 500, 100, 20, 50, 20_000, 2}
	Large  = Size{"1,000,000", 1_000_000, 100_000, 5000, 1000, 20, 50, 20_000, 3}
)

// Account, Project and Doc name resources.
func Account(a int) string      { return fmt.Sprintf("accounts/a%d", a) }
func Project(a, p int) string   { return fmt.Sprintf("accounts/a%d/projects/p%d", a, p) }
func Doc(a, p, d int) string    { return fmt.Sprintf("accounts/a%d/projects/p%d/docs/d%d", a, p, d) }
func user(n int) string         { return fmt.Sprintf("u%d", n) }
func group(n int) string        { return fmt.Sprintf("g%d", n) }
func holder(u, g string) string { return map[bool]string{true: "u:" + u, false: "g:" + g}[g == ""] }

// Parent returns the resource above, or "".
func Parent(resource string) string {
	for range 2 {
		resource = resource[:max(0, strings.LastIndexByte(resource, '/'))]
	}
	return resource
}

// Object names a resource as servers of relations do: a type and an identifier.
func Object(resource string) (kind, id string) {
	parts := strings.Split(resource, "/")
	kind = [...]string{"account", "project", "doc"}[len(parts)/2-1]
	id = parts[1]
	for i := 3; i < len(parts); i += 2 {
		id += "-" + parts[i]
	}
	return kind, id
}

// New makes the organisation. The people named first take the place of as many users.
func New(s Size, people ...string) *Org {
	o := &Org{size: s, random: rand.New(rand.NewPCG(s.Seed, 7)), held: map[string]map[string]string{}, groups: map[string][]string{}}
	for a := range s.Accounts {
		o.Resources = append(o.Resources, Account(a))
		for p := range s.Projects {
			o.Resources = append(o.Resources, Project(a, p))
			for d := range s.Docs {
				o.Resources = append(o.Resources, Doc(a, p, d))
			}
		}
	}
	name := func(n int) string {
		if n < len(people) {
			return people[n]
		}
		return user(n)
	}
	for u := range s.Users {
		first := o.random.IntN(s.Groups)
		second := (first + 1 + o.random.IntN(s.Groups-1)) % s.Groups
		o.join(group(first), name(u))
		o.join(group(second), name(u))
	}
	o.listUsers()
	for len(o.Grants) < s.Grants {
		o.give(o.grant(name))
	}
	o.Checks = o.ask(s.Checks, nil)
	return o
}

// Name says how large the organisation is, without commas.
func (o *Org) Name() string { return strings.ReplaceAll(o.size.Name, ",", "") }

func (o *Org) join(group, user string) {
	o.Members = append(o.Members, Member{group, user})
	o.groups[user] = append(o.groups[user], group)
}

func (o *Org) give(g Grant) {
	who := holder(g.User, g.Group)
	if o.held[who] == nil {
		o.held[who] = map[string]string{}
	}
	if o.held[who][g.Resource] == "" {
		o.held[who][g.Resource] = g.Role
		o.Grants = append(o.Grants, g)
	}
}

// listUsers gives two people exactly 10 and 1,000 documents to read, part of them by a group.
func (o *Org) listUsers() {
	o.join("glist10", "list10")
	o.join("glist1000", "list1000")
	for d := range 10 {
		if d < 4 {
			o.give(Grant{User: "list10", Role: Viewer, Resource: Doc(0, 0, d)})
		} else {
			o.give(Grant{Group: "glist10", Role: Viewer, Resource: Doc(0, 0, d)})
		}
	}
	for p := range 8 {
		o.give(Grant{User: "list1000", Role: Viewer, Resource: Project(1, p)})
		o.give(Grant{Group: "glist1000", Role: Viewer, Resource: Project(2, p)})
	}
	for d := range 200 {
		o.give(Grant{User: "list1000", Role: Viewer, Resource: Doc(3, d/50, d%50)})
	}
}

func (o *Org) pick(s ...string) string { return s[o.random.IntN(len(s))] }

func (o *Org) doc() string {
	return Doc(o.random.IntN(o.size.Accounts), o.random.IntN(o.size.Projects), o.random.IntN(o.size.Docs))
}

// grant draws one: 62 % to a person on a document, 22 % on a project, 1 % on an account, the rest
// to groups.
func (o *Org) grant(name func(int) string) Grant {
	g, x := Grant{}, o.random.Float64()
	if x < 0.85 {
		g.User = name(o.random.IntN(o.size.Users))
	} else {
		g.Group = group(o.random.IntN(o.size.Groups))
	}
	switch {
	case x < 0.62, x >= 0.85 && x < 0.90:
		g.Resource = o.doc()
	case x < 0.84, x >= 0.90 && x < 0.995:
		g.Resource = Project(o.random.IntN(o.size.Accounts), o.random.IntN(o.size.Projects))
	default:
		g.Resource = Account(o.random.IntN(o.size.Accounts))
	}
	g.Role = o.pick(Viewer, Viewer, Viewer, Viewer, Viewer, Viewer, Editor, Editor, Editor, Owner)
	return g
}

// Allowed is the oracle: it looks at every grant that could matter. How says why: directly, from
// above, or by a group.
func (o *Org) Allowed(user, action, resource string) (how string, ok bool) {
	at := func(who string) (string, bool) {
		for r := resource; r != ""; r = Parent(r) {
			if strength[o.held[who][r]] >= needs[action] {
				return r, true
			}
		}
		return "", false
	}
	if r, ok := at("u:" + user); ok {
		if r == resource {
			return "direct", true
		}
		return "inherited", true
	}
	for _, g := range o.groups[user] {
		if _, ok := at("g:" + g); ok {
			return "group", true
		}
	}
	return "", false
}

// HeldRoles returns the roles that a user has on a resource, in any way: what an engine that holds
// no grants must be told.
func (o *Org) HeldRoles(user, resource string) (out []string) {
	best := 0
	for _, action := range []string{"read", "update", "delete"} {
		if _, ok := o.Allowed(user, action, resource); ok {
			best = needs[action]
		}
	}
	if best > 0 {
		out = Roles[best-1 : best]
	}
	return out
}

// AskAbout returns n questions about the given people, half of them allowed.
func (o *Org) AskAbout(n int, people ...string) []Check {
	among := map[string]bool{}
	for _, p := range people {
		among[p] = true
	}
	return o.ask(n, among)
}

// ask draws questions: a sixth allowed each directly, by a group and from above, a quarter denied
// near what the person has, a quarter denied anywhere.
func (o *Org) ask(n int, among map[string]bool) []Check {
	members := map[string][]string{}
	for _, m := range o.Members {
		if among == nil && !strings.HasPrefix(m.User, "list") || among[m.User] {
			members[m.Group] = append(members[m.Group], m.User)
		}
	}
	want := map[string]int{"direct": n / 6, "group": n / 6, "inherited": n/2 - 2*(n/6), "near": n / 4, "far": n - n/2 - n/4}
	var grants []Grant
	for _, g := range o.Grants {
		if g.User != "" && (among[g.User] || among == nil && !strings.HasPrefix(g.User, "list")) || g.Group != "" && members[g.Group] != nil {
			grants = append(grants, g)
		}
	}
	var out []Check
	for tries := 0; len(out) < n && tries < 1000*n; tries++ {
		g := grants[o.random.IntN(len(grants))]
		c := Check{User: g.User, Action: o.pick("read", "read", "read", "read", "read", "read", "read", "update", "update", "delete")}
		if g.Group != "" {
			c.User = o.pick(members[g.Group]...)
		}
		class := "near"
		switch o.random.IntN(3) {
		case 0:
			c.Resource = o.below(g.Resource)
		case 1:
			c.Resource = o.below(strings.Join(strings.Split(g.Resource, "/")[:2], "/"))
		default:
			c.Resource, class = o.doc(), "far"
		}
		how, ok := o.Allowed(c.User, c.Action, c.Resource)
		if c.Allow = ok; ok {
			class = how
		}
		if want[class] > 0 {
			want[class]--
			out = append(out, c)
		}
	}
	o.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// below returns a document at or below a resource.
func (o *Org) below(resource string) string {
	switch strings.Count(resource, "/") {
	case 1:
		return fmt.Sprintf("%s/projects/p%d/docs/d%d", resource, o.random.IntN(o.size.Projects), o.random.IntN(o.size.Docs))
	case 3:
		return fmt.Sprintf("%s/docs/d%d", resource, o.random.IntN(o.size.Docs))
	}
	return resource
}

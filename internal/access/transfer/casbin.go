package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Casbin reads a model and its policy: subject, object, action, with roles (g) and without domains.
//
// A role of the policy becomes a group of all who have it, an action becomes the role casbin.ACTION, and an object a
// resource. A grant in Admit covers what is below its resource too, and an object of Casbin that is matched by
// equality does not: such an object is taken when it has no slash, since then nothing can be below
// it, or when leaves says that nothing is below any object that the policy names without a star.
func Casbin(label string, model, policy Source, leaves bool) (Plan, error) {
	c := &casbin{builder: newBuilder(label, "Casbin", policy.Name), leaves: leaves, actions: map[string]string{}, parents: map[string][]string{}}
	if err := c.readModel(string(model.Data)); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", model.Name, err)
	}
	if err := c.readPolicy(policy.Data); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", policy.Name, err)
	}
	c.emit()
	return c.done(), nil
}

type casbinRule struct {
	line                    int
	subject, object, action string
	denies                  bool
}

func (r *casbinRule) String() string { return "p, " + r.subject + ", " + r.object + ", " + r.action }

type casbin struct {
	*builder
	leaves     bool
	match      string // how objects are matched: "", keyMatch, keyMatch2
	anyAction  bool   // p.act == "*" is every action
	roles      bool   // there are roles
	denyWins   bool
	effects    bool // rules have an effect
	rules      []casbinRule
	parents    map[string][]string // what roles a subject has
	actions    map[string]string   // role by action
	slash      string              // "yes" when objects begin with a slash
	allMembers map[string]map[ident.UserID]bool
}

var blank = regexp.MustCompile(`\s+`)

// readModel understands the models that can be said in Admit, and refuses all others.
func (c *casbin) readModel(text string) error {
	section := ""
	said := map[string]string{}
	for _, full := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		l := strings.TrimSpace(full)
		switch {
		case l == "" || l[0] == '#' || l[0] == ';':
		case l[0] == '[':
			section = strings.Trim(l, "[] ")
		default:
			key, value, _ := strings.Cut(l, "=")
			key = section + "." + strings.TrimSpace(key)
			if said[key] != "" {
				return fmt.Errorf("%s is there twice", key)
			}
			said[key] = blank.ReplaceAllString(value, "")
		}
	}
	want := func(key string, values ...string) error {
		if !slices.Contains(values, said[key]) {
			return fmt.Errorf("%s is %q; only %s can be imported", key, said[key], strings.Join(values, " or "))
		}
		return nil
	}
	const allowOverride, denyOverride = "some(where(p.eft==allow))", "some(where(p.eft==allow))&&!some(where(p.eft==deny))"
	if err := errors.Join(want("request_definition.r", "sub,obj,act"), want("policy_definition.p", "sub,obj,act", "sub,obj,act,eft"),
		want("role_definition.g", "", "_,_"), want("policy_effect.e", allowOverride, denyOverride)); err != nil {
		return err
	}
	for key := range said {
		if !slices.Contains([]string{"request_definition.r", "policy_definition.p", "role_definition.g", "policy_effect.e", "matchers.m"}, key) {
			return fmt.Errorf("%s cannot be imported", key)
		}
	}
	c.denyWins, c.effects = said["policy_effect.e"] == denyOverride, said["policy_definition.p"] == "sub,obj,act,eft"
	return c.readMatcher(said["matchers.m"])
}

func (c *casbin) readMatcher(text string) error {
	var subject, object, action bool
	for _, part := range strings.Split(text, "&&") {
		if strings.HasPrefix(part, "(") && strings.HasSuffix(part, ")") {
			part = part[1 : len(part)-1]
		}
		seen := &subject
		switch part {
		case "r.sub==p.sub":
		case "g(r.sub,p.sub)":
			c.roles = true
		case "r.obj==p.obj":
			seen = &object
		case "keyMatch(r.obj,p.obj)", "keyMatch2(r.obj,p.obj)":
			seen = &object
			c.match, _, _ = strings.Cut(part, "(")
		case "r.act==p.act":
			seen = &action
		case `r.act==p.act||p.act=="*"`, `p.act=="*"||r.act==p.act`, "keyMatch(r.act,p.act)":
			seen = &action
			c.anyAction = true
		default:
			return fmt.Errorf("the matcher's %q cannot be imported", part)
		}
		if *seen {
			return fmt.Errorf("the matcher says two things about one of sub, obj and act")
		}
		*seen = true
	}
	if !subject || !object || !action {
		return errors.New("the matcher does not look at all of sub, obj and act")
	}
	return nil
}

func (c *casbin) readPolicy(data []byte) error {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		text := strings.Join(row, ", ")
		switch {
		case row[0] == "g" && len(row) == 3 && c.roles:
			c.parents[row[1]] = append(c.parents[row[1]], row[2])
		case row[0] == "p" && len(row) == 4, row[0] == "p" && len(row) == 5 && c.effects:
			rule := casbinRule{line: line, subject: row[1], object: row[2], action: row[3]}
			if len(row) == 5 && row[4] != "allow" {
				rule.denies = row[4] == "deny"
				c.problem(line, text, "Admit has no rules that deny")
				if !rule.denies {
					continue
				}
			}
			c.rules = append(c.rules, rule)
		default:
			c.problem(line, text, "the model has no such line")
		}
	}
}

// users are who has a subject: itself, and all who have it as a role. A name that others have as a role is
// a role and nobody.
func (c *casbin) users(subject string) map[ident.UserID]bool {
	if c.allMembers == nil {
		c.allMembers = map[string]map[ident.UserID]bool{}
		named := map[string]bool{}
		for _, roles := range c.parents {
			for _, r := range roles {
				named[r] = true
			}
		}
		for _, who := range slices.Sorted(maps.Keys(c.parents)) {
			if named[who] {
				continue
			}
			if err := access.ValidUser(ident.UserID(who)); err != nil {
				c.problem(0, "g, "+who, plain(err).Error())
				continue
			}
			c.climb(who, ident.UserID(who), map[string]bool{})
		}
		for role := range named {
			if c.allMembers[role] == nil {
				c.allMembers[role] = map[ident.UserID]bool{}
			}
		}
	}
	if all, is := c.allMembers[subject]; is {
		return all
	}
	return map[ident.UserID]bool{ident.UserID(subject): true}
}

func (c *casbin) climb(name string, user ident.UserID, seen map[string]bool) {
	for _, role := range c.parents[name] {
		if seen[role] {
			continue
		}
		seen[role] = true
		if c.allMembers[role] == nil {
			c.allMembers[role] = map[ident.UserID]bool{}
		}
		c.allMembers[role][user] = true
		c.climb(role, user, seen)
	}
}

func (c *casbin) emit() {
	for i := range c.rules {
		r := &c.rules[i]
		if r.denies {
			continue
		}
		if d := c.deniedBy(r); d != nil {
			c.problem(r.line, r.String(), fmt.Sprintf("line %d denies some of it", d.line))
			continue
		}
		if err := c.rule(r); err != nil {
			c.problem(r.line, r.String(), plain(err).Error())
		}
	}
}

// deniedBy finds a rule that may deny anybody any of what r allows.
func (c *casbin) deniedBy(r *casbinRule) *casbinRule {
	if !c.denyWins {
		return nil
	}
	fixed := func(text string) string { return text[:len(text)-len(strings.TrimLeft(text, "/"))] + untilStar(text) }
	for i := range c.rules {
		d := &c.rules[i]
		if !d.denies || d.action != r.action && !c.anyAction {
			continue
		}
		if c.match == "" && d.object != r.object || c.match != "" && !strings.HasPrefix(fixed(d.object), fixed(r.object)) && !strings.HasPrefix(fixed(r.object), fixed(d.object)) {
			continue
		}
		for u := range c.users(d.subject) {
			if c.users(r.subject)[u] {
				return d
			}
		}
	}
	return nil
}

// untilStar is the part of a pattern that stands for itself.
func untilStar(text string) string {
	text = strings.TrimLeft(text, "/")
	if i := strings.IndexAny(text, "*:"); i >= 0 {
		return text[:i]
	}
	return text
}

func (c *casbin) rule(r *casbinRule) error {
	resource, err := c.resource(r.object)
	if err != nil {
		return err
	}
	role, err := c.action(r.action)
	if err != nil {
		return err
	}
	members := c.users(r.subject)
	g := grant{user: ident.UserID(r.subject), role: role, resource: resource}
	if _, isRole := c.allMembers[r.subject]; isRole {
		g.user, g.group = "", r.subject
		c.groups[r.subject] = members
	} else if err := access.ValidUser(g.user); err != nil {
		return err
	}
	c.grants[g] = true
	return nil
}

// action is the role that allows an action.
func (c *casbin) action(text string) (ident.RoleID, error) {
	name := strings.ToLower(text)
	if strings.Contains(text, "*") && (text != "*" || !c.anyAction) {
		return "", errors.New("Admit cannot say which actions these are")
	}
	if before, known := c.actions[name]; known {
		if before != text {
			return "", fmt.Errorf("%s and %s are one action in Admit", before, text)
		}
	} else {
		if _, err := check.ParseAction(name); err != nil {
			return "", err
		}
		if err := c.role(casbinRole(name), []string{name}); err != nil {
			return "", err
		}
		c.actions[name] = text
	}
	return casbinRole(name), nil
}

func casbinRole(action string) ident.RoleID {
	if action == "*" {
		return "casbin.:every" // no action begins with a colon
	}
	return ident.RoleID("casbin." + action)
}

// resource reads an object, or a pattern of them.
func (c *casbin) resource(object string) (string, error) {
	slash := "no"
	if strings.HasPrefix(object, "/") {
		slash = "yes"
	}
	if c.slash == "" {
		c.slash = slash
	}
	text := strings.TrimPrefix(object, "/")
	if c.slash != slash {
		return "", errors.New("some objects begin with a slash, others do not, and in Admit they are the same")
	}
	if strings.HasPrefix(text, "/") || strings.HasSuffix(text, "/") {
		return "", errors.New("slashes at the end, or twice at the beginning, mean nothing in Admit")
	}
	if c.match == "" && strings.Contains(text, "*") {
		return "", errors.New("a star in it means the star itself")
	}
	whole := false // it stands for all that is below
	if c.match != "" {
		text, whole = strings.CutSuffix(text, "/*")
	}
	if c.match == "keyMatch2" {
		parts := strings.Split(text, "/")
		for i, p := range parts {
			if strings.HasPrefix(p, ":") && strings.Count(p, ":") == 1 && len(p) > 1 {
				parts[i] = "*"
			} else if strings.ContainsAny(p, "*.+:|()[]{}^$?\\") {
				return "", errors.New("Admit cannot say which objects these are")
			}
		}
		text = strings.Join(parts, "/")
		if !whole && parts[len(parts)-1] == "*" {
			text = strings.TrimSuffix(text, "/*") + "/*" // everything below, and nothing is two steps below
		}
	} else if strings.Contains(text, "*") {
		return "", errors.New("Admit cannot say which objects these are")
	}
	if !whole && !c.leaves && (strings.Contains(text, "/") || c.match != "") {
		return "", errors.New("a grant in Admit would cover what is below it too; --leaves says that nothing is")
	}
	if whole {
		text += "/*"
	}
	r, err := check.ParseResource(text)
	if err != nil {
		return "", err
	}
	if r.System() {
		return "", errors.New("it would cover Admit's own resources")
	}
	return r.String(), nil
}

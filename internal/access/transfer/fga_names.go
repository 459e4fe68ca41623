package transfer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// segment is the object as part of a path, if its id can be one.
func segment(o object) (string, error) {
	text := plural(o.typ) + "/" + o.id
	r, err := check.ParseResource(text)
	if err != nil {
		return "", err
	}
	if r.Pattern() || r.String() != text || strings.Contains(o.id, "/") || strings.ContainsAny(o.typ, "/:*") {
		return "", errors.New("its id cannot be a part of a resource")
	}
	return text, nil
}

// segment is the object as part of a path. Types that look alike keep their names as they are.
func (f *fga) segment(o object) (string, error) {
	text, err := segment(o)
	for _, t := range f.model.types {
		if t.name != o.typ && (plural(t.name) == plural(o.typ) || t.name == plural(o.typ) || plural(t.name) == o.typ) {
			return o.typ + "/" + o.id, err
		}
	}
	return text, err
}

func plural(word string) string {
	switch {
	case strings.HasSuffix(word, "y") && len(word) > 1 && !strings.ContainsRune("aeiou", rune(word[len(word)-2])):
		return word[:len(word)-1] + "ies"
	case strings.HasSuffix(word, "s"), strings.HasSuffix(word, "x"), strings.HasSuffix(word, "ch"), strings.HasSuffix(word, "sh"):
		return word + "es"
	}
	return word + "s"
}

// userset makes the group of everybody in a relation to an object, and returns its name.
func (f *fga) userset(t *tuple) (string, error) {
	name := t.user.String() + "#" + t.userset
	if f.groups[name] != nil {
		return name, nil
	}
	members := map[ident.UserID]bool{}
	if err := f.members(t.user, t.userset, members, map[string]bool{}); err != nil {
		return "", err
	}
	f.groups[name] = members
	f.note("The group %s holds who is in %s now.", groupID(name, 0), name)
	return name, nil
}

// members finds who has a relation to an object.
func (f *fga) members(o object, relation string, out map[ident.UserID]bool, seen map[string]bool) error {
	key := o.String() + "#" + relation
	rule := f.rules[relationName{o.typ, relation}]
	if seen[key] || rule == nil {
		return nil
	}
	seen[key] = true
	for _, t := range f.facts[o][relation] {
		switch {
		case t.user.id == "*":
			return fmt.Errorf("%s holds everybody, and no group can", key)
		case t.userset != "":
			if err := f.members(t.user, t.userset, out, seen); err != nil {
				return err
			}
		default:
			id, err := f.user(t.user)
			if err != nil {
				f.problem(t.line, t.String(), plain(err).Error())
				continue
			}
			out[id] = true
		}
	}
	for _, c := range rule.computed {
		if err := f.members(o, c, out, seen); err != nil {
			return err
		}
	}
	for _, w := range rule.from {
		for _, l := range f.parents[o] {
			if l.tupleset != w.tupleset {
				continue
			}
			if err := f.members(l.to, w.relation, out, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

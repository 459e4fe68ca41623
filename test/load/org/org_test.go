package org

import (
	"reflect"
	"testing"
)

func TestOrgIsTheSameEveryTime(t *testing.T) {
	a, b := New(Small), New(Small)
	if !reflect.DeepEqual(a.Grants, b.Grants) || !reflect.DeepEqual(a.Checks, b.Checks) {
		t.Error("two organisations of one seed differ")
	}
	if len(a.Grants) != 1000 || len(a.Resources) != 4+40+2000 || len(a.Members) != 202 {
		t.Errorf("%d grants, %d resources, %d members", len(a.Grants), len(a.Resources), len(a.Members))
	}
}

func TestHalfOfTheAnswersAreYes(t *testing.T) {
	o := New(Small, "somebody")
	for name, checks := range map[string][]Check{"all": o.Checks, "one person": o.AskAbout(600, "somebody")} {
		yes := 0
		for _, c := range checks {
			if c.Allow {
				yes++
			}
			if _, ok := o.Allowed(c.User, c.Action, c.Resource); ok != c.Allow {
				t.Fatalf("%+v", c)
			}
			if name == "one person" && c.User != "somebody" {
				t.Fatalf("%+v is about another", c)
			}
		}
		if yes*2 != len(checks) || len(checks) < 600 {
			t.Errorf("%s: %d of %d", name, yes, len(checks))
		}
	}
}

// The list users have what their names say, counted document by document.
func TestListUsers(t *testing.T) {
	o := New(Small)
	for user, want := range map[string]int{"list10": 10, "list1000": 1000} {
		n := 0
		for _, r := range o.Resources {
			if kind, _ := Object(r); kind == "doc" {
				if _, ok := o.Allowed(user, "read", r); ok {
					n++
				}
			}
		}
		if n != want {
			t.Errorf("%s reads %d", user, n)
		}
	}
	if kind, id := Object(Doc(1, 2, 3)); kind != "doc" || id != "a1-p2-d3" || Parent(Doc(1, 2, 3)) != Project(1, 2) || Parent(Account(1)) != "" {
		t.Error(kind, id)
	}
}

package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/fault"
)

func TestParseResource(t *testing.T) {
	good := map[string]string{
		"*": "*", "/*": "*", "*/": "*", "a": "a", "/a/": "a", "a/b/c": "a/b/c", "a/*": "a/*", "/a/*/": "a/*",
		"a/*/c": "a/*/c", "ns:a:b/x": "ns:a:b/x", "ns:*": "ns:*", "Service:/path": "Service:/path",
		"-_.+=~|@": "-_.+=~|@", "google|123/x@y.z": "google|123/x@y.z", "...": "...", ".a": ".a",
		"Authress:AccessRecords/rec_1": "Authress:AccessRecords/rec_1",
		strings.Repeat("a/", 15):       strings.TrimSuffix(strings.Repeat("a/", 15), "/"),
		strings.Repeat("a/", 15) + "*": strings.Repeat("a/", 15) + "*",
	}
	for in, want := range good {
		r, err := ParseResource(in)
		if err != nil || r.String() != want {
			t.Errorf("%q = %q, %v; want %q", in, r.String(), err, want)
		}
	}
	bad := []string{"", "/", "//", "a//b", "//a", "a//", ".", "..", "a/./b", "a/../b", "a/..", "a*", "*a", "a/b*", "ns:a*",
		"ns:**", "**", "a/**", ":a", "a/:b", "a b", "a%2Fb", "a\\b", "a?b", "a#b", "é", "a\x00", "a\n", "a;b", "a,b", "{a}",
		strings.Repeat("a/", 17), strings.Repeat("a", 129), strings.Repeat("a:", 300)}
	for _, in := range bad {
		if r, err := ParseResource(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was read as %q, %v", in, r.String(), err)
		}
	}
}

func TestParseAction(t *testing.T) {
	for in, want := range map[string]string{"READ": "read", "*": "*", "a:b:*": "a:b:*", "a:*:c": "a:*:c", "Docs:Flat-Docs:read_1": "docs:flat-docs:read_1"} {
		if a, err := ParseAction(in); err != nil || a.String() != want {
			t.Errorf("%q = %q, %v; want %q", in, a.String(), err, want)
		}
	}
	for _, in := range []string{"", ":", "a:", ":a", "a::b", "a*", "*a", "**", "a b", "a.b", "a/b", "é", "İ", strings.Repeat("a", 65)} {
		if a, err := ParseAction(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was read as %q, %v", in, a.String(), err)
		}
	}
}

// TestActionNames is check AUZ-04: letters fold in ASCII alone, a colon is the only border, and what
// is not a name is refused.
func TestActionNames(t *testing.T) {
	held := map[string][]string{
		"read":      {"read", "read:x"},
		"docs:*":    {"docs:read", "docs:read:x", "docs:reader"},
		"docs:read": {"docs:read", "docs:read:x"},
		"docs":      {"docs", "docs:read", "docs:reader", "docs:read:x"},
	}
	for _, asked := range []string{"READ", "read", "Read", "read:x", "docs", "docs:read", "Docs:READ", "docs:read:x", "docs:reader", "DOCS:Reader", "rea", "reads", "doc", "doc:read", "docs-x:read"} {
		a := MustAction(asked)
		for role, yes := range held {
			h := MustAction(role)
			if got := h.Covers(&a); got != slices.Contains(yes, strings.ToLower(asked)) {
				t.Errorf("%s covers %s: %v", role, asked, got)
			}
		}
	}
	for _, bad := range []string{"docs:", ":read", "read ", " read", "ｒead", "\u212A", "\u0130", "read\x00", "docs::read", "docs.read", strings.Repeat("a", 300)} {
		if _, err := ParseAction(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was read: %v", bad, err)
		}
	}
}

func TestSystemResource(t *testing.T) {
	tests := []struct {
		want string
		kind string
		ids  []string
	}{
		{"Authress:Roles", "Roles", nil},
		{"Authress:Roles/ro_1", "Roles", []string{"ro_1"}},
		{"Authress:Roles/*", "Roles", []string{"*"}},
		{"Authress:ServiceClients/sc_1/access-keys/k", "ServiceClients", []string{"sc_1", "access-keys", "k"}},
		{"Authress:UserPermissions/a%2Fb", "UserPermissions", []string{"a/b"}},
		{"Authress:UserPermissions/%2A/x", "UserPermissions", []string{"*", "x"}},
		{"Authress:UserPermissions/%2E%2E", "UserPermissions", []string{".."}},
		{"Authress:UserPermissions/%3Aa:b", "UserPermissions", []string{":a:b"}},
		{"Authress:UserPermissions/%", "UserPermissions", []string{""}},
	}
	for _, test := range tests {
		r := SystemResource(test.kind, test.ids...)
		if r.String() != test.want {
			t.Errorf("%v = %q; want %q", test.ids, r.String(), test.want)
		}
		if !r.System() {
			t.Errorf("%q is not of the system", r.String())
		}
	}
	everything := SystemResource("UserPermissions", "*")
	one := SystemResource("UserPermissions", "a/b")
	a := SystemResource("UserPermissions", "a")
	if !everything.Covers(&one) || a.Covers(&one) {
		t.Error("an escaped id is covered by the collection alone")
	}
}

func FuzzParseResource(f *testing.F) {
	for _, s := range []string{"a/b", "/a/*/", "*", "ns:*/x:y:/z", "a//b", "a/../b", "%2F", "*:*/*", "Service:/a"} {
		f.Add(s, "a/*/b")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		r, err := ParseResource(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseResource(r.String())
		if err != nil || again != r {
			t.Fatalf("%q reads as %q, which reads as %q, %v", text, r.String(), again.String(), err)
		}
		if strings.ContainsAny(r.String(), "%\\ \x00") || strings.Contains(r.String(), "//") {
			t.Fatalf("%q reads as %q", text, r.String())
		}
		everything := Everything()
		if !r.Covers(&r) || !everything.Covers(&r) {
			t.Fatalf("%q does not cover itself", text)
		}
		o, err := ParseResource(other)
		if err != nil {
			return
		}
		if r.Covers(&o) && o.Covers(&r) && r != o {
			t.Fatalf("%q and %q cover each other", text, other)
		}
		h := Holding{}.Replace(0, false, []Given{{Resource: r}})
		var q Question
		q.AskAbout(&o)
		if found := !h.Covering(&q, func(Held) bool { return false }); found != r.Covers(&o) {
			t.Fatalf("%q covers %q: holding says %v", text, other, found)
		}
	})
}

func FuzzParseAction(f *testing.F) {
	for _, s := range []string{"READ", "a:b", "*", "a:*:b", "a::b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAction(text)
		if err != nil {
			return
		}
		again, err := ParseAction(a.String())
		if err != nil || again != a || strings.ToLower(text) != a.String() {
			t.Fatalf("%q reads as %q, which reads as %q, %v", text, a.String(), again.String(), err)
		}
		if all := MustAction("*"); !all.Covers(&a) || !a.Covers(&a) {
			t.Fatalf("%q is not covered", text)
		}
	})
}

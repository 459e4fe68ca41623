package access_test

import (
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

// FuzzEngine makes a small world of texts that nobody thought of, and asks the oracle, the check, the
// batch, and the lists made either way.
func FuzzEngine(f *testing.F) {
	f.Add("docs/*", "teams/t1", "site", "docs:read", "docs/1", "docs:read", int8(0), int8(0), int8(0))
	f.Add("*", "*:b/c", "a/*/b", "*", "x:b/c/*", "a:*", int8(-1), int8(2), int8(1))
	f.Add("a/*/c", "a/b", "*/b", "READ", "a/b/c", "r:*:x", int8(1), int8(-1), int8(3))
	f.Add("Authress:Roles", "n:*:m/x", "Authress:*", "a:*:b", "Authress:Roles/ro", "a:x:b", int8(0), int8(1), int8(1))
	f.Fuzz(func(t *testing.T, own, ofGroup, open, may, resource, action string, starts, expires, at int8) {
		canonical := func(text string) string {
			r, err := access.ParseResource(text)
			if err != nil {
				t.Skip()
			}
			return r.String()
		}
		asked, err := access.ParseAction(action)
		if err != nil {
			t.Skip()
		}
		role := access.Role{ID: "ro_1", Name: "r", Permissions: []access.Permission{{Action: may, Allow: true}}}
		if role.Validate() != nil {
			t.Skip()
		}
		bound := access.Statement{Roles: []ident.RoleID{"ro_1"}, Resources: []string{canonical(own)}}
		if starts != 0 {
			bound.StartsAt = accesstest.Base.Add(time.Duration(starts) * time.Second)
		}
		if expires != 0 {
			bound.ExpiresAt = accesstest.Base.Add(time.Duration(expires) * time.Second)
		}
		w := &accesstest.World{
			Roles:  []access.Role{role},
			Groups: []access.Group{{ID: "grp_1", Users: []ident.UserID{"ann"}}},
			Public: []string{canonical(open)},
			Records: []access.Record{
				{ID: "rec_1", Users: []ident.UserID{"ann"}, Statements: []access.Statement{bound}},
				{ID: "rec_2", Groups: []ident.GroupID{"grp_1"}, Statements: []access.Statement{{Roles: []ident.RoleID{"ro_1"}, Resources: []string{canonical(ofGroup)}}}},
			},
		}
		clk := clock.NewFake(accesstest.Base.Add(time.Duration(at) * time.Second))
		e, ordered := engineAt(w, clk), engineAt(w, clk)
		ordered.OrderAll()
		for _, user := range []ident.UserID{"ann", "nobody"} {
			a := accesstest.Ask{User: user, Action: asked.String(), Resource: canonical(resource), At: clk.Now()}
			want := w.Allowed(a)
			if got, err := e.Check(account, user, resource, action); err != nil || got != want {
				t.Fatalf("check: %s = %v, %v; oracle %v", a, got, err, want)
			}
			if got := e.CheckMany(account, batch(a)); got[0].Err == nil || got[1].Err != nil || got[1].Allowed != want || got[2] != got[1] {
				t.Fatalf("batch: %s = %v; oracle %v", a, got, want)
			}
			for name, e := range map[string]*access.Engine{"looked through": e, "in order": ordered} {
				if got := listed(t, e, a); got != want {
					t.Fatalf("list, %s: %s = %v; oracle %v", name, a, got, want)
				}
				all, _, err := e.Resources(account, user, access.Listing{Collection: resource, Action: action, Nested: at%2 == 0, Limit: 100})
				if err != nil {
					t.Fatal(err)
				}
				for _, text := range all {
					if !w.Allowed(accesstest.Ask{User: user, Action: asked.String(), Resource: text, At: a.At}) {
						t.Fatalf("list, %s: %s holds %s", name, a, text)
					}
				}
			}
		}
	})
}

package accessdb

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// FuzzGiving: the fast reader and encoding/json understand the same.
func FuzzGiving(f *testing.F) {
	r := access.Record{Name: "n", Description: "d", Users: []ident.UserID{"u1", "u2"}, Groups: []ident.GroupID{"g"}, Admins: []ident.UserID{"a"},
		Statements: []access.Statement{{Roles: []ident.RoleID{"r", "r2"}, Resources: []string{"a/b", "*"}}}, Tags: map[string]string{"k": "v"}}
	add := func() {
		body, err := encodeRecord(&r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	add()
	r.Tags, r.Description, r.Admins = nil, "", nil
	add()
	r.Users, r.Groups = nil, nil
	r.Statements = append(r.Statements, r.Statements[0])
	r.Statements[1].Users, r.Statements[1].Groups = []ident.UserID{"u"}, []ident.GroupID{"g1", "g2"}
	add()
	r.Statements[0].ExpiresAt = time.Unix(1e9, 0).UTC()
	r.Name = "é\"<"
	add()
	f.Add(`{"n":"x","s":[{"r":["a"],"o":["b"]}],"s":[]}`)
	f.Add(`{"n":"x","u":["a"],"U":["b"],"s":[{"r":["a"],"o":["b"]}]}`)
	f.Add(`{"n":"x","s":[{"r":["a"],"o":["b"]}]} `)
	f.Fuzz(func(t *testing.T, body string) {
		var g giving
		var got access.Record
		err := g.read(body, &got)
		var b recordBody
		if want := json.Unmarshal([]byte(body), &b); (err == nil) != (want == nil) {
			t.Fatalf("%q: %v; want %v", body, err, want)
		} else if want != nil {
			return
		}
		want := access.Record{Users: b.Users, Groups: b.Groups}
		for i := range b.Statements {
			want.Statements = append(want.Statements, access.Statement(b.Statements[i]))
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q: %s", body, diff)
		}
	})
}

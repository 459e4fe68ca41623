package transfer

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is exported is read again as it was.
func TestRoundTrip(t *testing.T) {
	p := plan(t, drive, `- {user: user:ann, relation: owner, object: folder:root}
- {user: user:eve, relation: member, object: group:eng}
- {user: group:eng#member, relation: viewer, object: folder:root}`)
	timed, err := CSV("openfga", Source{"x", []byte("user,role,resource,expiresAt\nann,r,x,2030-01-01\n")})
	if err != nil {
		t.Fatal(err)
	}
	p.Records = append(p.Records, timed.Records...)
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	lines := []Line{Header()}
	for i := range p.Roles {
		lines = append(lines, OfRole(&p.Roles[i]))
	}
	for i := range p.Groups {
		lines = append(lines, OfGroup(&p.Groups[i]))
	}
	for i := range p.Records {
		lines = append(lines, OfRecord(&p.Records[i]))
	}
	for i := range p.Resources {
		lines = append(lines, OfResource(&p.Resources[i]))
	}
	for _, l := range lines {
		if err := out.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Admit("openfga", Source{"x", b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	p.Notes, p.Problems = nil, nil
	if d := cmp.Diff(p, again); d != "" {
		t.Error(d)
	}
	for _, text := range []string{
		`{"kind":"role"}`, `{"kind":"admit-export","version":2}`, "x",
		"{\"kind\":\"admit-export\",\"version\":1}\n{\"kind\":\"rolle\"}", "{\"kind\":\"admit-export\",\"version\":1}\n{\"kind\":\"role\",\"role\":{\"roleId\":\"a/b\",\"name\":\"x\"}}",
	} {
		if _, err := Admit("x", Source{"x", []byte(text)}); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

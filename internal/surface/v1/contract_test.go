package v1_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../../api/openapi.yaml")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// TestContractIsValid reads api/openapi.yaml as a stranger's tool would.
func TestContractIsValid(t *testing.T) {
	if _, err := contract(); err != nil {
		t.Fatal(err)
	}
}

// asDocumented holds an answer against api/openapi.yaml: its status, its type, its members and their
// values must be documented, and no member may be answered that is not.
func asDocumented(t testing.TB, method, path string, status int, header http.Header, body []byte) {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	name, op := documented(doc, method, path)
	if op == nil {
		return // not an address of the contract, or one in a form that it does not name; the parity test compares the routes
	}
	response := op.Responses.Value(strconv.Itoa(status))
	if response == nil {
		t.Errorf("%s %s: the status %d is not documented", method, name, status)
		return
	}
	if len(response.Value.Content) == 0 {
		if len(body) > 0 {
			t.Errorf("%s %s: %d has an undocumented body: %s", method, name, status, body)
		}
		return
	}
	kind := header.Get("Content-Type")
	content := response.Value.Content.Get(kind)
	if content == nil {
		t.Errorf("%s %s: %d with the undocumented type %q", method, name, status, kind)
		return
	}
	if !strings.HasPrefix(kind, "application/json") {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s %s: %d: %v in %s", method, name, status, err, body)
		return
	}
	if err := content.Schema.Value.VisitJSON(v); err != nil {
		t.Errorf("%s %s: %d is not as documented: %v", method, name, status, err)
	}
	for _, member := range undocumented(content.Schema.Value, v, "") {
		t.Errorf("%s %s: %d has the undocumented member %s", method, name, status, member)
	}
}

// documented finds the operation of a path as it was sent; literal segments go before parameters.
func documented(doc *openapi3.T, method, path string) (name string, op *openapi3.Operation) {
	segments, most := strings.Split(path, "/"), -1
	for pattern, item := range doc.Paths.Map() {
		parts, literal := strings.Split(pattern, "/"), 0
		if item.GetOperation(method) == nil || len(parts) != len(segments) {
			continue
		}
		for i, part := range parts {
			switch {
			case part == segments[i]:
				literal++
			case !strings.HasPrefix(part, "{") || segments[i] == "":
				literal = -len(parts)
			}
		}
		if literal > most {
			name, op, most = pattern, item.GetOperation(method), literal
		}
	}
	return name, op
}

// undocumented lists the members of v that its schema does not name.
func undocumented(s *openapi3.Schema, v any, at string) (out []string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if s.Items != nil {
				out = append(out, undocumented(s.Items.Value, x, at+"[]")...)
			}
		}
	case map[string]any:
		members, open := membersOf(s)
		for name, x := range v {
			switch member := members[name]; {
			case member != nil:
				out = append(out, undocumented(member, x, at+"."+name)...)
			case !open:
				out = append(out, at+"."+name)
			}
		}
	}
	return out
}

func membersOf(s *openapi3.Schema) (members map[string]*openapi3.Schema, open bool) {
	members = map[string]*openapi3.Schema{}
	for name, ref := range s.Properties {
		members[name] = ref.Value
	}
	open = s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
	for _, parts := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, part := range parts {
			more, also := membersOf(part.Value)
			open = open || also
			for name, m := range more {
				members[name] = m
			}
		}
	}
	return members, open
}

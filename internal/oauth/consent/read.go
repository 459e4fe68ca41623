package consent

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Detail is one element of authorization_details (RFC 9396), taken apart so that a person can read it.
type Detail struct {
	Type    string
	Members []Member // in the order of their names
}

// Member is one value. Those of an inner object have the names of both.
type Member struct{ Name, Value string }

// Read takes authorization_details apart. What is no list of objects gives nothing.
func Read(details json.RawMessage) []Detail {
	var list []map[string]json.RawMessage
	if len(details) == 0 || json.Unmarshal(details, &list) != nil {
		return nil
	}
	var out []Detail
	for _, one := range list {
		d := Detail{Type: text(one["type"])}
		for name := range one {
			if name != "type" {
				d.Members = append(d.Members, membersOf(name, one[name])...)
			}
		}
		slices.SortFunc(d.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
		out = append(out, d)
	}
	return out
}

func membersOf(name string, raw json.RawMessage) []Member {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || len(object) == 0 {
		return []Member{{name, text(raw)}}
	}
	var out []Member
	for inner, value := range object {
		out = append(out, membersOf(name+" › "+inner, value)...)
	}
	return out
}

// text is a JSON value as people read it: strings and lists of them without quotes.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, ", ")
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

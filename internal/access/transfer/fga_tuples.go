package transfer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is a thing of OpenFGA.
type object struct{ typ, id string }

func (o object) String() string { return o.typ + ":" + o.id }

// tuple is a fact of OpenFGA: the user, or everybody in a relation to it, has a relation to the object.
type tuple struct {
	user        object
	userset     string // "" for the user itself
	relation    string
	object      object
	conditional bool
	line        int
}

func (t *tuple) String() string {
	user := t.user.String()
	if t.userset != "" {
		user += "#" + t.userset
	}
	return user + " " + t.relation + " " + t.object.String()
}

type tupleWire struct {
	User      string     `json:"user" yaml:"user"`
	Relation  string     `json:"relation" yaml:"relation"`
	Object    string     `json:"object" yaml:"object"`
	Condition any        `json:"condition" yaml:"condition"`
	Key       *tupleWire `json:"key" yaml:"key"`
}

func (w *tupleWire) tuple(line int) (t tuple, err error) {
	if w.Key != nil {
		w = w.Key
	}
	user, userset, _ := strings.Cut(w.User, "#")
	t = tuple{userset: userset, relation: w.Relation, conditional: w.Condition != nil, line: line}
	var okUser, okObject bool
	t.user.typ, t.user.id, okUser = strings.Cut(user, ":")
	t.object.typ, t.object.id, okObject = strings.Cut(w.Object, ":")
	if !okUser || !okObject || t.relation == "" || t.user.id == "" || t.object.id == "" {
		return t, fmt.Errorf("line %d: it is no tuple of user, relation and object", line)
	}
	return t, nil
}

// readTuples reads tuples as JSON (a list, an answer of the API, or one a line), YAML or CSV.
func readTuples(data []byte) ([]tuple, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return nil, nil
	case text[0] == '[' || text[0] == '{':
		return readTuplesJSON(data)
	case bytes.HasPrefix(text, []byte("user_type")):
		return readTuplesCSV(data)
	}
	return readTuplesYAML(data)
}

// readTuplesJSON reads one tuple after the other, so that large files fit.
func readTuplesJSON(data []byte) (out []tuple, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	line, at := 1, 0
	add := func(w *tupleWire) error {
		end := int(d.InputOffset())
		line += bytes.Count(data[at:end], []byte("\n"))
		at = end
		t, err := w.tuple(line)
		out = append(out, t)
		return err
	}
	if bytes.TrimSpace(data)[0] == '[' {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		for d.More() {
			var w tupleWire
			if err := d.Decode(&w); err != nil {
				return nil, err
			}
			if err := add(&w); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return out, err
	}
	for {
		var w struct {
			tupleWire
			Tuples []tupleWire `json:"tuples"`
		}
		if err := d.Decode(&w); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if w.Tuples == nil {
			w.Tuples = []tupleWire{w.tupleWire}
		}
		for i := range w.Tuples {
			if err := add(&w.Tuples[i]); err != nil {
				return nil, err
			}
		}
	}
}

func readTuplesYAML(data []byte) (out []tuple, err error) {
	var nodes []yaml.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		return nil, err
	}
	for i := range nodes {
		var w tupleWire
		if err := nodes[i].Decode(&w); err != nil {
			return nil, err
		}
		t, err := w.tuple(nodes[i].Line)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func readTuplesCSV(data []byte) (out []tuple, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimSpace(data)))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		get := func(name string) string {
			if i := slices.Index(head, name); i >= 0 && i < len(row) {
				return row[i]
			}
			return ""
		}
		t := tuple{user: object{get("user_type"), get("user_id")}, userset: get("user_relation"), relation: get("relation"),
			object: object{get("object_type"), get("object_id")}, conditional: get("condition_name") != "", line: line}
		if slices.Contains([]string{t.user.typ, t.user.id, t.relation, t.object.typ, t.object.id}, "") {
			return nil, fmt.Errorf("line %d: it is no tuple of user, relation and object", line)
		}
		out = append(out, t)
	}
}

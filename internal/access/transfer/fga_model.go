package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The operators of a rewrite.
const (
	opThis = iota
	opComputed
	opFrom
	opUnion
	opIntersection
	opDifference
)

// rewrite is how OpenFGA computes who is in a relation.
type rewrite struct {
	op       int
	relation string // of opComputed and opFrom
	tupleset string // of opFrom
	children []*rewrite
}

// allowed is what may stand at the user's side of a tuple.
type allowed struct {
	typ, relation string
	wildcard      bool
	conditional   bool
}

type fgaRelation struct {
	name    string
	line    int
	rewrite *rewrite
	direct  []allowed
}

type fgaType struct {
	name      string
	relations []*fgaRelation
}

type fgaModel struct{ types []*fgaType }

func (m *fgaModel) find(name string) *fgaType {
	for _, t := range m.types {
		if t.name == name {
			return t
		}
	}
	return nil
}

func (t *fgaType) find(name string) *fgaRelation {
	if t == nil {
		return nil
	}
	for _, r := range t.relations {
		if r.name == name {
			return r
		}
	}
	return nil
}

// readFGAModel reads a model in JSON, or in OpenFGA's own language.
func readFGAModel(data []byte) (*fgaModel, error) {
	var m *fgaModel
	var err error
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		m, err = readFGAModelJSON(text)
	} else {
		m, err = readFGAModelText(string(data))
	}
	if err != nil {
		return nil, err
	}
	if len(m.types) == 0 {
		return nil, errors.New("it holds no types")
	}
	for i, t := range m.types {
		if m.find(t.name) != m.types[i] {
			return nil, fmt.Errorf("type %s is there twice", t.name)
		}
		for k, r := range t.relations {
			if t.find(r.name) != t.relations[k] {
				return nil, fmt.Errorf("relation %s of type %s is there twice", r.name, t.name)
			}
		}
	}
	return m, nil
}

type usersetJSON struct {
	This     *struct{}     `json:"this"`
	Computed *relationJSON `json:"computedUserset"`
	From     *struct {
		Tupleset relationJSON `json:"tupleset"`
		Computed relationJSON `json:"computedUserset"`
	} `json:"tupleToUserset"`
	Union        *childrenJSON `json:"union"`
	Intersection *childrenJSON `json:"intersection"`
	Difference   *struct {
		Base     usersetJSON `json:"base"`
		Subtract usersetJSON `json:"subtract"`
	} `json:"difference"`
}

type relationJSON struct {
	Relation string `json:"relation"`
}

type childrenJSON struct {
	Child []usersetJSON `json:"child"`
}

type fgaModelJSON struct {
	Schema string `json:"schema_version"`
	Types  []struct {
		Type      string                 `json:"type"`
		Relations map[string]usersetJSON `json:"relations"`
		Metadata  *struct {
			Relations map[string]struct {
				Direct []struct {
					Type      string    `json:"type"`
					Relation  string    `json:"relation"`
					Wildcard  *struct{} `json:"wildcard"`
					Condition string    `json:"condition"`
				} `json:"directly_related_user_types"`
			} `json:"relations"`
		} `json:"metadata"`
	} `json:"type_definitions"`
}

func readFGAModelJSON(data []byte) (*fgaModel, error) {
	var in struct {
		fgaModelJSON
		Model *fgaModelJSON `json:"authorization_model"` // as the API answers it
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	if in.Model != nil {
		in.fgaModelJSON = *in.Model
	}
	if err := fgaSchema(in.Schema); err != nil {
		return nil, err
	}
	m := &fgaModel{}
	for _, t := range in.Types {
		out := &fgaType{name: t.Type}
		names := make([]string, 0, len(t.Relations))
		for name := range t.Relations {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			u := t.Relations[name]
			rw, err := u.rewrite()
			if err != nil {
				return nil, fmt.Errorf("relation %s of type %s: %w", name, t.Type, err)
			}
			r := &fgaRelation{name: name, rewrite: rw}
			if t.Metadata != nil {
				for _, d := range t.Metadata.Relations[name].Direct {
					r.direct = append(r.direct, allowed{d.Type, d.Relation, d.Wildcard != nil, d.Condition != ""})
				}
			}
			out.relations = append(out.relations, r)
		}
		m.types = append(m.types, out)
	}
	return m, nil
}

func fgaSchema(version string) error {
	if version != "1.1" && version != "1.2" {
		return fmt.Errorf("schema %q is not supported; 1.1 and 1.2 are", version)
	}
	return nil
}

func (u *usersetJSON) rewrite() (*rewrite, error) {
	list := func(op int, in []usersetJSON) (*rewrite, error) {
		out := &rewrite{op: op}
		for i := range in {
			child, err := in[i].rewrite()
			if err != nil {
				return nil, err
			}
			out.children = append(out.children, child)
		}
		return out, nil
	}
	switch {
	case u.This != nil:
		return &rewrite{op: opThis}, nil
	case u.Computed != nil:
		return &rewrite{op: opComputed, relation: u.Computed.Relation}, nil
	case u.From != nil:
		return &rewrite{op: opFrom, relation: u.From.Computed.Relation, tupleset: u.From.Tupleset.Relation}, nil
	case u.Union != nil:
		return list(opUnion, u.Union.Child)
	case u.Intersection != nil:
		return list(opIntersection, u.Intersection.Child)
	case u.Difference != nil:
		return list(opDifference, []usersetJSON{u.Difference.Base, u.Difference.Subtract})
	}
	return nil, errors.New("it is computed in a way that is not known")
}

package transfer

import (
	"errors"
	"fmt"
	"strings"
)

// readFGAModelText reads OpenFGA's own language: model, schema, type, relations, define. Conditions are
// skipped, since only the names of those that a relation asks for matter.
func readFGAModelText(text string) (*fgaModel, error) {
	m := &fgaModel{}
	schema, depth := "", 0
	for i, full := range strings.Split(text, "\n") {
		at := i + 1
		words := strings.TrimSpace(withoutComment(full))
		first, rest, _ := strings.Cut(words, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case depth > 0 || first == "condition":
			depth += strings.Count(words, "{") - strings.Count(words, "}")
		case words == "" || first == "model" || words == "relations":
		case first == "schema":
			schema = rest
		case first == "type":
			m.types = append(m.types, &fgaType{name: rest})
		case first == "define":
			if len(m.types) == 0 {
				return nil, fmt.Errorf("line %d: define stands before any type", at)
			}
			r, err := readDefine(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", at, err)
			}
			r.line = at
			t := m.types[len(m.types)-1]
			t.relations = append(t.relations, r)
		default:
			return nil, fmt.Errorf("line %d: %q is not understood", at, words)
		}
	}
	return m, fgaSchema(schema)
}

func withoutComment(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	line, _, _ = strings.Cut(line, " #")
	return line
}

var errDefine = errors.New("the definition is not understood")

func readDefine(text string) (*fgaRelation, error) {
	name, body, found := strings.Cut(text, ":")
	r := &fgaRelation{name: strings.TrimSpace(name)}
	if !found || r.name == "" || strings.ContainsAny(r.name, " \t") {
		return nil, errDefine
	}
	p := &defineParser{relation: r, tokens: defineTokens(body)}
	var err error
	if r.rewrite, err = p.expression(); err == nil && len(p.tokens) > 0 {
		err = errDefine
	}
	return r, err
}

// defineTokens cuts a definition into words, parentheses, and lists in brackets.
func defineTokens(text string) (out []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := 1
		switch text[0] {
		case '(', ')':
		case '[':
			if end := strings.IndexByte(text, ']'); end > 0 {
				n = end + 1
			}
		default:
			if n = strings.IndexAny(text, " \t()["); n < 0 {
				n = len(text)
			}
		}
		out, text = append(out, text[:n]), text[n:]
	}
	return out
}

type defineParser struct {
	relation *fgaRelation
	tokens   []string
}

func (p *defineParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *defineParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

// expression reads terms between which one operator stands; the language has no precedence and wants
// parentheses where there are two.
func (p *defineParser) expression() (*rewrite, error) {
	first, err := p.term()
	if err != nil {
		return nil, err
	}
	word := p.peek()
	op, known := map[string]int{"or": opUnion, "and": opIntersection, "but": opDifference}[word]
	if !known {
		return first, nil
	}
	out := &rewrite{op: op, children: []*rewrite{first}}
	for p.peek() == word && (op != opDifference || len(out.children) == 1) {
		p.next()
		if op == opDifference && p.next() != "not" {
			return nil, errDefine
		}
		child, err := p.term()
		if err != nil {
			return nil, err
		}
		out.children = append(out.children, child)
	}
	return out, nil
}

func (p *defineParser) term() (*rewrite, error) {
	t := p.next()
	switch {
	case t == "(":
		inner, err := p.expression()
		if err == nil && p.next() != ")" {
			err = errDefine
		}
		return inner, err
	case strings.HasPrefix(t, "["):
		return &rewrite{op: opThis}, p.list(t)
	case t == "" || t == ")" || t == "or" || t == "and" || t == "but" || t == "not" || t == "from":
		return nil, errDefine
	}
	if p.peek() != "from" {
		return &rewrite{op: opComputed, relation: t}, nil
	}
	p.next()
	from := p.next()
	if from == "" || strings.ContainsAny(from, "()[") {
		return nil, errDefine
	}
	return &rewrite{op: opFrom, relation: t, tupleset: from}, nil
}

// list reads [user, user:*, group#member, user with condition].
func (p *defineParser) list(t string) error {
	if !strings.HasSuffix(t, "]") {
		return errDefine
	}
	for _, one := range strings.Split(strings.Trim(t, "[]"), ",") {
		words := strings.Fields(one)
		if len(words) != 1 && (len(words) != 3 || words[1] != "with") {
			return errDefine
		}
		a := allowed{conditional: len(words) == 3}
		a.typ, a.relation, _ = strings.Cut(words[0], "#")
		a.typ, a.wildcard = strings.TrimSuffix(a.typ, ":*"), strings.HasSuffix(a.typ, ":*")
		p.relation.direct = append(p.relation.direct, a)
	}
	return nil
}

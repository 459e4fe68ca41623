// Package strictjson owns reading JSON that a stranger wrote. It refuses what two parsers
// could read differently, so that whoever checked a text and whoever acts on it see the same.
package strictjson

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	errSyntax    = errors.New("it is no valid JSON")
	errUTF8      = errors.New("it is no valid UTF-8")
	errSurrogate = errors.New("a string holds half a character")
	errDepth     = errors.New("it is nested too deeply")
	errDuplicate = errors.New("a member appears twice")
	errCase      = errors.New("a member is spelled in another case")
	errNull      = errors.New("it is null")
)

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 32

// Unmarshal is json.Unmarshal for text that Check accepts.
func Unmarshal(data []byte, v any) error {
	if err := Check(data, v); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Check refuses what encoding/json would accept for v but another parser could read in another
// way: invalid UTF-8, unpaired surrogates, members that appear twice or differ only in case,
// from each other or from a field of v. It refuses null and more than MaxDepth levels. It walks
// the text beside the type it is meant for, because encoding/json matches members to fields
// regardless of case. Its errors say what is wrong without quoting the text.
func Check(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errUTF8
	}
	if !json.Valid(data) {
		return errSyntax
	}
	c := checker{data: data}
	c.space()
	if data[c.at] == 'n' {
		return errNull
	}
	return c.value(reflect.TypeOf(v), 0)
}

// checker walks text that json.Valid has accepted, so it need not look for syntax errors.
type checker struct {
	data []byte
	at   int
}

func (c *checker) space() {
	for c.at < len(c.data) && (c.data[c.at] == ' ' || c.data[c.at] == '\t' || c.data[c.at] == '\n' || c.data[c.at] == '\r') {
		c.at++
	}
}

func (c *checker) value(t reflect.Type, depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	switch c.data[c.at] {
	case '{':
		return c.object(t, depth)
	case '[':
		return c.array(t, depth)
	case '"':
		_, err := c.text()
		return err
	}
	for c.at < len(c.data) && strings.IndexByte(" \t\n\r,]}", c.data[c.at]) < 0 {
		c.at++
	}
	return nil
}

func (c *checker) array(t reflect.Type, depth int) error {
	element := elementOf(t)
	for c.at++; ; c.at++ {
		c.space()
		if c.data[c.at] == ']' {
			break
		}
		if err := c.value(element, depth+1); err != nil {
			return err
		}
		c.space()
		if c.data[c.at] == ']' {
			break
		}
	}
	c.at++
	return nil
}

func (c *checker) object(t reflect.Type, depth int) error {
	known := membersOf(t)
	seen := map[string]bool{}
	for c.at++; ; c.at++ {
		c.space()
		if c.data[c.at] == '}' {
			break
		}
		name, err := c.text()
		if err != nil {
			return err
		}
		folded := fold(name)
		if seen[folded] {
			return errDuplicate
		}
		seen[folded] = true
		member, ok := known.exact[name]
		if !ok && known.folded[folded] {
			return errCase
		}
		if known.exact == nil {
			member = elementOf(t)
		}
		c.space()
		c.at++ // the colon
		c.space()
		if err := c.value(member, depth+1); err != nil {
			return err
		}
		c.space()
		if c.data[c.at] == '}' {
			break
		}
	}
	c.at++
	return nil
}

// text reads a string and returns its value. Unpaired surrogates are refused, because decoders
// replace them, which makes different strings equal.
func (c *checker) text() (string, error) {
	start := c.at
	escaped := false
	for c.at++; c.data[c.at] != '"'; c.at++ {
		if c.data[c.at] == '\\' {
			escaped = true
			c.at++
		}
	}
	c.at++
	raw := c.data[start:c.at]
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	if halfCharacter(raw) {
		return "", errSurrogate
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", errSyntax
	}
	return value, nil
}

func halfCharacter(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		switch unit := hex4(raw[i+1:]); {
		case unit >= 0xdc00 && unit < 0xe000:
			return true
		case unit >= 0xd800 && unit < 0xdc00:
			if raw[i+5] != '\\' || raw[i+6] != 'u' {
				return true
			}
			if low := hex4(raw[i+7:]); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 6
		}
		i += 4
	}
	return false
}

func hex4(b []byte) (v rune) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			v = v<<4 | rune(c-'0')
		default:
			v = v<<4 | rune(c|0x20-'a'+10)
		}
	}
	return v
}

// fold is the folding by which encoding/json matches members to fields.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// members are the JSON names of a struct's fields.
type members struct {
	exact  map[string]reflect.Type
	folded map[string]bool
}

var memberCache sync.Map // reflect.Type -> members; bounded by the program's types

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func deref(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (reflect.PointerTo(t).Implements(jsonUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)) {
		return nil
	}
	return t
}

func elementOf(t reflect.Type) reflect.Type {
	if t = deref(t); t != nil {
		switch t.Kind() {
		case reflect.Slice, reflect.Array, reflect.Map:
			return t.Elem()
		}
	}
	return nil
}

func membersOf(t reflect.Type) members {
	t = deref(t)
	if t == nil || t.Kind() != reflect.Struct {
		return members{}
	}
	if m, ok := memberCache.Load(t); ok {
		return m.(members)
	}
	m := members{exact: map[string]reflect.Type{}, folded: map[string]bool{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		m.exact[name] = f.Type
		m.folded[fold(name)] = true
	}
	memberCache.Store(t, m)
	return m
}

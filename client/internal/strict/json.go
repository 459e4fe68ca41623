package strict

import (
	"fmt"
	"strings"
)

// Limits of the strict JSON reader. They bound work before anything is believed.
const (
	maxDepth   = 16   // nested objects and arrays
	maxMembers = 128  // members of one object
	maxItems   = 1024 // elements of one array
	maxNumber  = 64   // characters of one number
)

// usualMembers is room for what most objects hold: a token's claims.
const usualMembers = 16

// Member is one member of an object; Value is its JSON text, checked but not decoded.
type Member struct {
	Name  string
	Value []byte
}

// Object checks that data is exactly one JSON object and returns its members in order.
// It is stricter than RFC 8259 on purpose: no name twice, no two names of one object that
// are equal under case folding (encoding/json, among others, would take one for the other),
// no lone surrogates, and the limits above, at every level.
func Object(data []byte) ([]Member, error) {
	s := scanner{data: data}
	s.space()
	members, err := s.object(1)
	if err != nil {
		return nil, err
	}
	return members, s.end()
}

// Array checks that data is exactly one JSON array and returns the text of its elements.
func Array(data []byte) ([][]byte, error) {
	s := scanner{data: data}
	s.space()
	items, err := s.array(1)
	if err != nil {
		return nil, err
	}
	return items, s.end()
}

// String decodes data, which must be exactly one JSON string.
func String(data []byte) (string, error) {
	s := scanner{data: data}
	text, err := s.text()
	if err != nil {
		return "", err
	}
	return text, s.end()
}

type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%s at byte %d", what, s.pos)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// take consumes c after white space.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) end() error {
	s.space()
	if s.pos != len(s.data) {
		return s.fail("data after the value")
	}
	return nil
}

func (s *scanner) value(depth int) error {
	s.space()
	switch c := s.peek(); {
	case c == '{':
		_, err := s.object(depth + 1)
		return err
	case c == '[':
		_, err := s.array(depth + 1)
		return err
	case c == '"':
		_, _, err := s.quoted()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(string(s.data[s.pos:min(len(s.data), s.pos+5)]), word) {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail("no JSON value")
}

func (s *scanner) object(depth int) ([]Member, error) {
	if depth > maxDepth {
		return nil, s.fail("nested too deeply")
	}
	if !s.take('{') {
		return nil, s.fail("no JSON object")
	}
	if s.take('}') {
		return nil, nil
	}
	var members []Member
	if depth == 1 {
		members = make([]Member, 0, usualMembers)
	}
	for {
		if len(members) == maxMembers {
			return nil, s.fail("too many members")
		}
		s.space()
		name, err := s.text()
		if err != nil {
			return nil, err
		}
		for i := range members {
			if strings.EqualFold(members[i].Name, name) {
				return nil, s.fail("a member name twice, or twice but for its case,")
			}
		}
		if !s.take(':') {
			return nil, s.fail("no colon")
		}
		s.space()
		from := s.pos
		if err := s.value(depth); err != nil {
			return nil, err
		}
		members = append(members, Member{name, s.data[from:s.pos]})
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return members, nil
		}
		return nil, s.fail("no comma or closing brace")
	}
}

func (s *scanner) array(depth int) ([][]byte, error) {
	if depth > maxDepth {
		return nil, s.fail("nested too deeply")
	}
	if !s.take('[') {
		return nil, s.fail("no JSON array")
	}
	if s.take(']') {
		return nil, nil
	}
	var items [][]byte
	for {
		if len(items) == maxItems {
			return nil, s.fail("too many elements")
		}
		s.space()
		from := s.pos
		if err := s.value(depth); err != nil {
			return nil, err
		}
		items = append(items, s.data[from:s.pos])
		if s.take(',') {
			continue
		}
		if s.take(']') {
			return items, nil
		}
		return nil, s.fail("no comma or closing bracket")
	}
}

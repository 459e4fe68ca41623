package strict

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// text reads a string and decodes it.
func (s *scanner) text() (string, error) {
	raw, escaped, err := s.quoted()
	if err != nil {
		return "", err
	}
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	var out string
	err = json.Unmarshal(raw, &out)
	return out, err
}

// quoted reads a string as it stands there, with its quotes.
func (s *scanner) quoted() (raw []byte, escaped bool, err error) {
	if s.peek() != '"' {
		return nil, false, s.fail("no JSON string")
	}
	from := s.pos
	s.pos++
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			raw := s.data[from:s.pos]
			if !utf8.Valid(raw) {
				return nil, false, s.fail("text that is not UTF-8")
			}
			return raw, escaped, nil
		case c < 0x20:
			return nil, false, s.fail("a control character in a string")
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		default:
			s.pos++
		}
	}
	return nil, false, s.fail("no end of a string")
}

// escape reads one escape. A surrogate must have its partner: readers differ in what they
// make of a lone one.
func (s *scanner) escape() error {
	s.pos++
	switch c := s.peek(); c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		unit, err := s.hex()
		if err != nil {
			return err
		}
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return s.fail("a lone surrogate")
		case unit >= 0xD800 && unit <= 0xDBFF:
			if s.pos+1 >= len(s.data) || s.data[s.pos] != '\\' || s.data[s.pos+1] != 'u' {
				return s.fail("a lone surrogate")
			}
			s.pos++
			low, err := s.hex()
			if err != nil {
				return err
			}
			if low < 0xDC00 || low > 0xDFFF {
				return s.fail("a lone surrogate")
			}
		}
		return nil
	}
	return s.fail("an unknown escape")
}

// hex reads "uXXXX".
func (s *scanner) hex() (rune, error) {
	if s.pos+5 > len(s.data) {
		return 0, s.fail("a short escape")
	}
	var v rune
	for _, c := range s.data[s.pos+1 : s.pos+5] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return 0, s.fail("an escape that is not hexadecimal")
		}
	}
	s.pos += 5
	return v, nil
}

// number reads a number of RFC 8259 section 6.
func (s *scanner) number() error {
	from := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("no digit in a number")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("no digit after the point")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("no digit in an exponent")
		}
	}
	if s.pos-from > maxNumber {
		return errors.New("a number is too long")
	}
	return nil
}

func (s *scanner) digits() bool {
	from := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > from
}

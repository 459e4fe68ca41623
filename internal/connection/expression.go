package connection

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/connection/document"
)

// MaxSubject is the longest subject in bytes. OpenID Connect Core 1.0 section 2 allows 255.
const MaxSubject = 255

// maxExpression is the longest expression in bytes.
const maxExpression = 128

// Expression turns claims into the one string that names a person at a provider, for
// example "{sub}", "{id}", "{data.user_id}" or "{tid}|{oid}". Members are named exactly; a
// dot steps into an object. Two different people can never get the same subject: with more
// than one member, the text between two is made of characters that no value may have.
type Expression struct {
	parts []part
	many  bool
}

type part struct {
	literal string
	path    []string // when this part is a member
}

var (
	memberForm    = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	literalForm   = regexp.MustCompile(`^[A-Za-z0-9_:|/.@~-]*$`)
	separatorForm = regexp.MustCompile(`^[:|/.@~]+$`)
	plainValue    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	wholeNumber   = regexp.MustCompile(`^(0|[1-9][0-9]{0,38})$`)
)

// ErrNoSubject says that the claims do not name the person as the expression wants it.
var ErrNoSubject = errors.New("the provider's answer does not name the person")

// ParseExpression reads an expression.
func ParseExpression(text string) (Expression, error) {
	var e Expression
	if text == "" || len(text) > maxExpression {
		return e, errors.New("it must have 1 to 128 characters")
	}
	members := 0
	for rest := text; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if !literalForm.MatchString(literal) {
			return e, errors.New("outside of {} only letters, digits and _ : | / . @ ~ - are allowed")
		}
		if found && members > 0 && !separatorForm.MatchString(literal) {
			return e, errors.New("between two members there must be one of : | / . @ ~ and nothing else")
		}
		if literal != "" {
			e.parts = append(e.parts, part{literal: literal})
		}
		if !found {
			break
		}
		member, following, closed := strings.Cut(after, "}")
		if !closed || !memberForm.MatchString(member) {
			return e, errors.New("a member is written {name} or {name.name}")
		}
		e.parts = append(e.parts, part{path: strings.Split(member, ".")})
		members, rest = members+1, following
	}
	if members == 0 {
		return e, errors.New("it must name at least one member, for example {sub}")
	}
	e.many = members > 1
	return e, nil
}

// Subject evaluates the expression. Values are non-empty strings, taken byte for byte, or
// whole numbers without sign and exponent.
func (e Expression) Subject(claims document.Object) (string, error) {
	var b strings.Builder
	for _, p := range e.parts {
		if p.path == nil {
			b.WriteString(p.literal)
			continue
		}
		v, ok := lookup(claims, p.path)
		if !ok || e.many && !plainValue.MatchString(v) {
			return "", ErrNoSubject
		}
		b.WriteString(v)
	}
	if s := b.String(); validSubject(s) {
		return s, nil
	}
	return "", ErrNoSubject
}

func lookup(o document.Object, path []string) (string, bool) {
	for _, name := range path[:len(path)-1] {
		next, ok := o[name].(map[string]any)
		if !ok {
			return "", false
		}
		o = next
	}
	switch v := o[path[len(path)-1]].(type) {
	case string:
		return v, v != ""
	case json.Number:
		return string(v), wholeNumber.MatchString(string(v))
	}
	return "", false
}

// validSubject refuses what could be read or shown as something else: control and format
// characters, and U+FFFD, which stands for bytes that were lost.
func validSubject(s string) bool {
	if s == "" || len(s) > MaxSubject || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return false
		}
	}
	return true
}

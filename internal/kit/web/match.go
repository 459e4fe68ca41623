package web

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
)

const (
	maxPath     = 4096 // bytes of the raw path
	maxSegments = 48
	maxParams   = 8
)

// node is one place in the tree of patterns. Paths are matched on their raw bytes, segment
// by segment, and each captured segment is decoded exactly once.
type node struct {
	literal map[string]*node
	wild    *node            // "{name}"
	methods map[string]*leaf // a pattern ends here
	rest    map[string]*leaf // "{name...}"
	spread  *spread          // "{name***}"
}

// spread is what may follow a resource. Its reserved words cannot stand inside a resource that
// is sent with raw slashes, which makes every path have one reading.
type spread struct {
	after    node
	reserved map[string]bool
}

type leaf struct {
	route  Route
	names  []string
	report func(status int, seconds float64)
}

// found is a match: the routes of the path by method, and the raw captured segments.
type found struct {
	methods  map[string]*leaf
	values   [maxParams]string
	count    int
	resource int // index in values of the one that may hold slashes, or -1
}

var errAmbiguousPath = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"The resource in the path can be read in two ways. Percent-encode it once, as one path segment.")

func (n *node) add(l *leaf) error {
	segments := strings.Split(l.route.Pattern[1:], "/")
	at := n
	for i, s := range segments {
		last := i == len(segments)-1
		name, braces := strings.CutPrefix(s, "{")
		name, closed := strings.CutSuffix(name, "}")
		switch {
		case !braces && !closed:
			at = at.child(s)
			continue
		case !braces || !closed || name == "":
			return fmt.Errorf("web: pattern %q: segment %q", l.route.Pattern, s)
		case name == "$":
			if !last {
				return fmt.Errorf("web: pattern %q: {$} must be last", l.route.Pattern)
			}
			at = at.child("")
		case strings.HasSuffix(name, "***"):
			l.names = append(l.names, strings.TrimSuffix(name, "***"))
			if at.spread == nil {
				at.spread = &spread{reserved: map[string]bool{}}
			}
			if !last {
				at.spread.reserved[segments[i+1]] = true
			}
			at = &at.spread.after
		case strings.HasSuffix(name, "..."):
			if !last {
				return fmt.Errorf("web: pattern %q: %s must be last", l.route.Pattern, s)
			}
			l.names = append(l.names, strings.TrimSuffix(name, "..."))
			return put(&at.rest, l)
		default:
			l.names = append(l.names, name)
			if at.wild == nil {
				at.wild = &node{}
			}
			at = at.wild
		}
	}
	if len(l.names) > maxParams || l.route.Hot && len(l.names) > hotParams {
		return fmt.Errorf("web: pattern %q has too many parameters", l.route.Pattern)
	}
	return put(&at.methods, l)
}

func put(to *map[string]*leaf, l *leaf) error {
	if *to == nil {
		*to = map[string]*leaf{}
	}
	if have := (*to)[l.route.Method]; have != nil {
		return fmt.Errorf("web: %s %s and %s are the same route", l.route.Method, l.route.Pattern, have.route.Pattern)
	}
	(*to)[l.route.Method] = l
	return nil
}

func (n *node) child(literal string) *node {
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[literal] == nil {
		n.literal[literal] = &node{}
	}
	return n.literal[literal]
}

// match finds the routes of a raw path. One trailing slash is ignored under /v1/ and /api/,
// because SDKs send it.
func (n *node) match(path string) (found, error) {
	f := found{resource: -1}
	if len(path) == 0 || path[0] != '/' || len(path) > maxPath {
		return f, nil
	}
	var buf [maxSegments]string
	segments := split(path[1:], buf[:0])
	if segments == nil {
		return f, nil
	}
	err := n.walk(segments, &f)
	if f.methods == nil && strings.HasSuffix(path, "/") &&
		(strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/api/")) {
		again := found{resource: -1}
		if n.walk(segments[:len(segments)-1], &again) == nil && again.methods != nil {
			return again, nil
		}
	}
	return f, err
}

func split(path string, into []string) []string {
	for {
		if len(into) == maxSegments {
			return nil
		}
		i := strings.IndexByte(path, '/')
		if i < 0 {
			return append(into, path)
		}
		into = append(into, path[:i])
		path = path[i+1:]
	}
}

func (n *node) walk(segments []string, f *found) error {
	if len(segments) == 0 {
		f.methods = n.methods
		return nil
	}
	if next := n.literal[segments[0]]; next != nil {
		if err := next.walk(segments[1:], f); err != nil || f.methods != nil {
			return err
		}
	}
	count := f.count
	if n.wild != nil && segments[0] != "" {
		f.push(segments[0])
		if err := n.wild.walk(segments[1:], f); err != nil || f.methods != nil {
			return err
		}
		f.count = count
	}
	if n.spread != nil {
		if err := n.spread.walk(segments, f); err != nil || f.methods != nil {
			return err
		}
		f.count = count
	}
	if n.rest != nil {
		f.resource = f.count
		f.push(strings.Join(segments, "/"))
		f.methods = n.rest
	}
	return nil
}

// walk reads a resource and what follows it. One segment is the canonical spelling and wins.
// Otherwise the resource is every raw segment up to the first reserved word.
func (s *spread) walk(segments []string, f *found) error {
	if len(segments) == 1 && segments[0] == "" {
		return nil
	}
	f.resource = f.count
	f.push(segments[0])
	if err := s.after.walk(segments[1:], f); err != nil || f.methods != nil {
		return err
	}
	end := len(segments)
	for i, segment := range segments {
		if s.reserved[segment] {
			end = i
			break
		}
	}
	if end < 2 {
		f.resource = -1
		if end == len(segments) {
			return nil
		}
		return errAmbiguousPath
	}
	f.count = f.resource
	raw := strings.Join(segments[:end], "/")
	if hasEncodedSlash(raw) {
		return errAmbiguousPath
	}
	f.push(raw)
	if err := s.after.walk(segments[end:], f); err != nil || f.methods != nil {
		return err
	}
	if end < len(segments) {
		return errAmbiguousPath
	}
	f.resource = -1
	return nil
}

func (f *found) push(value string) {
	f.values[f.count] = value
	f.count++
}

func hasEncodedSlash(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' && s[i+1] == '2' && (s[i+2] == 'F' || s[i+2] == 'f') {
			return true
		}
	}
	return false
}

// personParam is the one plain id that may hold a slash, which must then be percent-encoded: ids of
// people come from elsewhere too.
const personParam = "userId"

// decode turns a raw captured segment into its value. What two parsers could read
// differently is refused: text that is still encoded after one decoding, control
// characters, bytes that are not UTF-8 and, outside resources, dot segments and slashes, except
// in the id of a person.
func decode(raw string, resource, person bool) (string, error) {
	value := raw
	if strings.IndexByte(raw, '%') >= 0 {
		var err error
		if value, err = url.PathUnescape(raw); err != nil {
			return "", errPath
		}
		if stillEncoded(value) {
			return "", errPath
		}
	}
	ascii := true
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c < 0x20 || c == 0x7f || c == '\\' || (c == '/' && !resource && !person):
			return "", errPath
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && !utf8.ValidString(value) || !resource && dotted(value) {
		return "", errPath
	}
	return value, nil
}

// dotted tells whether one of the segments of an id is "." or "..".
func dotted(id string) bool {
	for more := strings.IndexByte(id, '.') >= 0; more; {
		var segment string
		segment, id, more = strings.Cut(id, "/")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

var errPath = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"The path holds something that cannot be read in one way only. Percent-encode each segment exactly once.")

func stillEncoded(s string) bool {
	from := strings.IndexByte(s, '%')
	if from < 0 {
		return false
	}
	for i := from; i+2 < len(s); i++ {
		if s[i] == '%' && isHex(s[i+1]) && isHex(s[i+2]) {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

var errQuery = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"The query cannot be read in one way only: it holds a semicolon, a broken percent-encoding, a zero byte or text that is no UTF-8.")

// checkQuery refuses queries of which url.Values would silently leave out a part.
func checkQuery(raw string) error {
	if raw == "" {
		return nil
	}
	text, err := url.QueryUnescape(raw)
	if err != nil || strings.IndexByte(raw, ';') >= 0 || strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return errQuery
	}
	return nil
}

package check

import "strings"

// Listing says which resources of a collection to list.
type Listing struct {
	Collection Resource // what is below it is listed; a star at its end changes nothing
	Nested     bool     // also what is not directly below it
	path       path
	prefix     string
}

// NewListing prepares a listing of what is below the collection.
func NewListing(collection *Resource, nested bool) *Listing {
	below := collection.Children()
	return &Listing{Collection: below, Nested: nested, path: below.path, prefix: strings.TrimSuffix(below.String(), "*")}
}

// Prefix is what the text of everything below a collection without stars begins with.
func (l *Listing) Prefix() string { return l.prefix }

// Meet returns the resource, or the pattern, that names what the grant covers below the
// collection. It is false if that is nothing, or if it lies deeper than the listing asks for.
//
// A grant on the collection or above it becomes the collection's own pattern (accounts/*).
// Without Nested, only direct children count that the grant covers themselves:
// accounts/a1, but neither accounts/a1/projects/p1 nor accounts/a1/*.
func (l *Listing) Meet(h Held) (string, bool) {
	q := &l.path
	var out strings.Builder
	rest, depth, same := h.Fixed, 0, true
	for depth < int(q.n) && rest != "" {
		var held string
		held, rest = cutSegment(rest)
		asked := q.segment(depth)
		meet, ok := segmentMeet(held, asked)
		if !ok {
			return "", false
		}
		same = same && meet == held
		join(&out, meet)
		depth++
	}
	if rest == "" {
		// The grant ends at the collection or above it and covers all that is below.
		for ; depth < int(q.n); depth++ {
			join(&out, q.segment(depth))
		}
		join(&out, "*")
		return out.String(), true
	}
	if !l.Nested && (h.Below || strings.IndexByte(rest, '/') >= 0) {
		return "", false
	}
	if same {
		return h.Text(), true
	}
	join(&out, rest)
	if h.Below {
		out.WriteString("/*")
	}
	return out.String(), true
}

func join(out *strings.Builder, segment string) {
	if out.Len() > 0 {
		out.WriteByte('/')
	}
	out.WriteString(segment)
}

func cutSegment(text string) (segment, rest string) {
	segment, rest, _ = strings.Cut(text, "/")
	return segment, rest
}

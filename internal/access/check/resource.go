package check

import (
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
)

// Limits of the contract for resources, in bytes and segments.
const (
	MaxResource     = 512
	MaxResourcePart = 128
	maxResourceDeep = 16 // segments, a star at the end included
)

// Resource is a resource, or a pattern that names many, in canonical form: no slash at
// either end, no empty segment. The zero value is not a resource.
type Resource struct{ path path }

// Everything is the resource *.
func Everything() Resource {
	return Resource{path{text: "*", below: true}}
}

// ParseResource reads a resource as callers write it, already decoded from the URL. One
// slash at the start and one at the end are ignored. It fails with an Invalid fault for
// everything that is not exactly one resource: empty segments, "." and "..", escapes, a star
// that is not a whole segment or part, and bytes outside [a-zA-Z0-9-_.+=~|@:*/].
func ParseResource(text string) (Resource, error) {
	if len(text) > MaxResource {
		return Resource{}, invalidResource("A resource has at most 512 characters.")
	}
	text = trimSlashes(text)
	if text == "*" {
		return Everything(), nil
	}
	if text == "" {
		return Resource{}, invalidResource("The resource is empty. Write * for everything.")
	}
	var r Resource
	p := &r.path
	p.text = text
	for start := 0; ; {
		end, star, why := scanSegment(text, start)
		if why != "" {
			return Resource{}, invalidResource(why)
		}
		last := end == len(text)
		if int(p.n) >= maxResourceDeep {
			return Resource{}, invalidResource("A resource has at most 15 segments.")
		}
		if last && star && end-start == 1 {
			p.below = true
			return r, nil
		}
		if !star && p.plain == p.n {
			p.plain++
		}
		p.ends[p.n] = uint16(end)
		p.n++
		if last {
			return r, nil
		}
		start = end + 1
	}
}

// scanSegment reads the segment that begins at start; why says what is wrong with it.
func scanSegment(text string, start int) (end int, star bool, why string) {
	part := start
	i := start
	for ; i < len(text) && text[i] != '/'; i++ {
		switch class[text[i]] {
		case plainByte:
		case starByte:
			star = true
			alone := i == part && (i+1 == len(text) || text[i+1] == ':' || text[i+1] == '/')
			if !alone {
				return 0, false, "A star stands for a whole segment or a whole part between colons."
			}
		case colonByte:
			if i == start {
				return 0, false, "A segment of a resource does not begin with a colon."
			}
			part = i + 1
		default:
			return 0, false, "A resource holds letters, digits and -_.+=~|@:*/ only."
		}
		if i-part >= MaxResourcePart {
			return 0, false, "A part of a resource has at most 128 characters."
		}
	}
	switch text[start:i] {
	case "":
		return 0, false, "A resource has no empty segments."
	case ".", "..":
		return 0, false, "A resource has no . and .. segments."
	}
	return i, star, ""
}

func trimSlashes(text string) string {
	text = strings.TrimPrefix(text, "/")
	return strings.TrimSuffix(text, "/")
}

func invalidResource(why string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, why)
}

// String is the canonical text.
func (r *Resource) String() string { return r.path.text }

// Pattern tells whether the resource names more than one thing.
func (r *Resource) Pattern() bool { return r.path.below || r.path.plain < r.path.n }

// Starred tells whether r has a star before its end.
func (r *Resource) Starred() bool { return r.path.plain < r.path.n }

// Covers tells whether a grant on r covers everything that other names.
func (r *Resource) Covers(other *Resource) bool { return r.path.covers(&other.path) }

// First is the first segment, or "*".
func (r *Resource) First() string {
	if r.path.n == 0 {
		return "*"
	}
	return r.path.segment(0)
}

// Children is the pattern of everything below r: X becomes X/*, and X/* stays.
func (r *Resource) Children() Resource {
	out := *r
	if !out.path.below {
		out.path.below = true
		out.path.text += "/*"
	}
	return out
}

// SystemResource names a thing of Admit itself: kind "AccessRecords" and id "rec_1" make
// Authress:AccessRecords/rec_1. Without an id it is the whole collection; the id "*" is
// everything in it. Bytes that a resource cannot hold are escaped, so that an id can neither
// break out of its segment nor be mistaken for another; only a grant on the collection
// covers such a name.
func SystemResource(kind string, ids ...string) Resource {
	name := systemPrefix + kind
	var r Resource
	p := &r.path
	p.ends[0], p.n, p.plain = uint16(len(name)), 1, 1
	for i, id := range ids {
		if id == "*" && i == len(ids)-1 {
			name += "/*"
			p.below = true
			break
		}
		name += "/" + escapeSegment(id)
		if int(p.n) < maxResourceDeep {
			p.n++
			p.plain++
		}
		p.ends[p.n-1] = uint16(len(name))
	}
	p.text = name
	return r
}

// systemPrefix begins every resource of Admit's own API.
const systemPrefix = "Authress:"

// System tells whether r names a thing of Admit itself, or could.
func (r *Resource) System() bool {
	first := r.First()
	return first == "*" || strings.HasPrefix(first, systemPrefix) || strings.HasPrefix(first, "*:")
}

func escapeSegment(id string) string {
	if id == "" {
		return "%"
	}
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	clean := true
	for i := range len(id) {
		c := class[id[i]]
		if c != plainByte && (c != colonByte || i == 0) {
			clean = false
			break
		}
	}
	if clean {
		return id
	}
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(id)+8)
	for i := range len(id) {
		c := id[i]
		if k := class[c]; k == plainByte || k == colonByte && i > 0 {
			out = append(out, c)
			continue
		}
		out = append(out, '%', hex[c>>4], hex[c&15])
	}
	return string(out)
}

// The classes of bytes in a resource.
const (
	badByte = iota
	plainByte
	colonByte
	starByte
)

var class = func() (t [256]uint8) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+=~|@") {
		t[c] = plainByte
	}
	t[':'], t['*'] = colonByte, starByte
	return t
}()

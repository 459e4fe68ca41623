package check

import "hash/maphash"

// maxSegments bounds the parts of a resource or an action. It is large enough for an
// action of 64 characters.
const maxSegments = 32

// path is the common shape of resources and actions: segments between separators, an
// optional star at the end which means "everything below", and stars in between.
type path struct {
	text  string              // canonical, with the star at the end
	ends  [maxSegments]uint16 // where each fixed segment ends in text
	n     uint8               // fixed segments: all but a star at the end
	plain uint8               // leading segments without any star
	below bool                // ends in a star: names what is below the fixed part, not the fixed part
}

// fixed is the text without the star at the end.
func (p *path) fixed() string {
	if p.n == 0 {
		return ""
	}
	return p.text[:p.ends[p.n-1]]
}

// prefix is the text of the first k segments.
func (p *path) prefix(k int) string {
	if k == 0 {
		return ""
	}
	return p.text[:p.ends[k-1]]
}

// segment is the text of segment i.
func (p *path) segment(i int) string {
	if i == 0 {
		return p.text[:p.ends[0]]
	}
	return p.text[p.ends[i-1]+1 : p.ends[i]]
}

// depth is the least number of segments of a name that the path stands for.
func (p *path) depth() int {
	if p.below {
		return int(p.n) + 1
	}
	return int(p.n)
}

// covers tells whether everything that q names, and all below it, is named by p or lies below it.
func (p *path) covers(q *path) bool {
	if p.n > q.n || q.depth() < p.depth() {
		return false
	}
	for i := range int(p.n) {
		if !segmentCovers(p.segment(i), q.segment(i)) {
			return false
		}
	}
	return true
}

// fixedCovers is covers for a pattern of which only the fixed text is at hand.
func fixedCovers(fixed string, below bool, q *path) bool {
	depth := 0
	for len(fixed) > 0 {
		end := 0
		for end < len(fixed) && fixed[end] != '/' {
			end++
		}
		if depth >= int(q.n) || !segmentCovers(fixed[:end], q.segment(depth)) {
			return false
		}
		depth++
		if end == len(fixed) {
			break
		}
		fixed = fixed[end+1:]
	}
	if below {
		depth++
	}
	return q.depth() >= depth
}

// segmentCovers compares two segments. A lone star covers any segment; between colons a
// star covers one part that is not empty.
func segmentCovers(held, asked string) bool {
	if held == "*" || held == asked {
		return true
	}
	for {
		h, hRest, hMore := cutPart(held)
		a, aRest, aMore := cutPart(asked)
		if h != a && (h != "*" || a == "") {
			return false
		}
		if hMore != aMore {
			return false
		}
		if !hMore {
			return true
		}
		held, asked = hRest, aRest
		if held == asked {
			return true
		}
		// A lone star is a whole segment only; here it is one part among others.
		if held == "*" {
			part, _, more := cutPart(asked)
			return !more && part != ""
		}
	}
}

// segmentMeet returns the segment that names what both name, and false if that is nothing.
func segmentMeet(a, b string) (string, bool) {
	switch {
	case a == b, b == "*":
		return a, true
	case a == "*":
		return b, true
	case segmentCovers(a, b):
		return b, true
	case segmentCovers(b, a):
		return a, true
	}
	var out []byte
	for {
		x, xRest, xMore := cutPart(a)
		y, yRest, yMore := cutPart(b)
		switch {
		case xMore != yMore:
			return "", false
		case x == y, y == "*" && x != "":
			out = append(out, x...)
		case x == "*" && y != "":
			out = append(out, y...)
		default:
			return "", false
		}
		if !xMore {
			return string(out), true
		}
		out = append(out, ':')
		a, b = xRest, yRest
	}
}

// cutPart splits a segment at its first colon.
func cutPart(s string) (part, rest string, more bool) {
	for i := range len(s) {
		if s[i] == ':' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// seed keys all hashes of this process, so that nobody outside can choose names that collide.
// A collision costs time only; text is always compared.
var seed = maphash.MakeSeed()

func hashOf(s string) uint64 { return maphash.String(seed, s) }

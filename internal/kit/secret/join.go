package secret

import "strings"

// joint stands between the parts of what Join makes. No secret of ours contains it.
const joint = "~"

// MaxParts is how many parts Split returns.
const MaxParts = 9

// Join makes one secret of several that are brought together, such as a cookie and those that it needs
// beside it. Empty parts are left out; without the first there is none.
func Join(first Text, more ...Text) Text {
	if first.Empty() {
		return Text{}
	}
	out := first.value
	for _, m := range more {
		if !m.Empty() {
			out += joint + m.value
		}
	}
	return Text{out}
}

// Split returns the first part of what Join made and at most MaxParts-1 others.
func Split(t Text) (first Text, more []Text) {
	parts := strings.SplitN(t.value, joint, MaxParts+1)
	for _, p := range parts[1:min(len(parts), MaxParts)] {
		more = append(more, Text{p})
	}
	return Text{parts[0]}, more
}

// Package form owns the forms of what callers write besides resources and actions: identifiers,
// texts, tags, and how many of something there may be.
package form

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	maxTags = 100
	maxTag  = 128
)

// Limit says how many there are of something and how many there may be.
type Limit struct {
	Name   string
	N, Max int
}

// AtMost makes a Limit.
func AtMost(name string, n, most int) Limit { return Limit{Name: name, N: n, Max: most} }

// Within refuses with an Unprocessable fault what is above a limit.
func Within(limits ...Limit) error {
	for _, l := range limits {
		if l.N > l.Max {
			return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest, "%s: at most %d.", l.Name, l.Max)
		}
	}
	return nil
}

// The alphabets of identifiers, apart from letters and digits.
const (
	RecordBytes = "-_:|~"
	RoleBytes   = "-._:@"
	GroupBytes  = "-_"
	userBytes   = "+._|/~:@- "
)

// Principals refuses ids of users and groups that are none.
func Principals(users []ident.UserID, groups []ident.GroupID) error {
	for _, u := range users {
		if err := User(u); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if !ID(string(g), 64, GroupBytes) {
			return Invalid("A group id has 1 to 64 characters of a-z A-Z 0-9 - _.")
		}
	}
	return nil
}

// User checks the form of a user id: 1 to 128 characters of the contract's alphabet.
func User(u ident.UserID) error {
	if !ID(string(u), 128, userBytes) || u[0] == ' ' || u[len(u)-1] == ' ' {
		return Invalid("A user id has 1 to 128 characters of a-z A-Z 0-9 + . _ | / ~ : @ - and inner spaces.")
	}
	return nil
}

// Text refuses a text of other than so many characters, and one with control characters.
func Text(name, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	if n < least || n > most || !utf8.ValidString(text) {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s has %d to %d characters.", name, least, most)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }) {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s holds control characters.", name)
	}
	return nil
}

// Tags refuses too many tags and too long ones.
func Tags(tags map[string]string) error {
	if err := Within(AtMost("tags", len(tags), maxTags)); err != nil {
		return err
	}
	for k, v := range tags {
		if Text("The name of a tag", k, 1, maxTag) != nil || Text("A tag", v, 0, maxTag) != nil {
			return Invalid("Tags and their names have at most 128 characters.")
		}
	}
	return nil
}

// ID tells whether an identifier has 1 to most bytes, all of them letters, digits or of extra.
func ID(id string, most int, extra string) bool {
	if id == "" || len(id) > most {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

// Invalid is a fault of kind Invalid that tells why.
func Invalid(why string) error { return fault.New(fault.Invalid, fault.CodeInvalidRequest, why) }

// Unique sorts and removes what is twice.
func Unique[S ~[]E, E ~string](s S) S {
	out := slices.Clone(s)
	slices.Sort(out)
	return slices.Compact(out)
}

// Pair finds for each of the new ones an equal old one, or -1, and takes no old one twice.
func Pair(old, now []string) []int {
	free := make(map[string][]int, len(old))
	for k, text := range old {
		free[text] = append(free[text], k)
	}
	out := make([]int, len(now))
	for i, text := range now {
		out[i] = -1
		if same := free[text]; len(same) > 0 {
			out[i], free[text] = same[0], same[1:]
		}
	}
	return out
}

// Marker makes marks of lists, which are alike for lists that hold the same. Marks of two Markers have nothing
// to do with each other, and nobody can find out lists whose marks are alike by chance.
type Marker struct {
	seed maphash.Seed
	sums []uint64
}

// NewMarker returns a Marker.
func NewMarker() Marker { return Marker{seed: maphash.MakeSeed()} }

// AppendSet appends the mark of a list, in whatever order and how often it holds something.
func AppendSet[S ~[]E, E ~string](m *Marker, mark []byte, s S) []byte {
	m.sums = m.sums[:0]
	for _, e := range s {
		m.sums = append(m.sums, maphash.String(m.seed, string(e)))
	}
	slices.Sort(m.sums)
	m.sums = slices.Compact(m.sums)
	mark = binary.LittleEndian.AppendUint64(mark, uint64(len(m.sums)))
	for _, sum := range m.sums {
		mark = binary.LittleEndian.AppendUint64(mark, sum)
	}
	return mark
}

package check

import "github.com/admit-id/admit/internal/kit/fault"

// MaxAction is the limit of the contract for actions, in bytes.
const MaxAction = 64

// Action is what is done to a resource, such as documents:read, in canonical form: lower case.
type Action struct{ path path }

// ParseAction reads an action as callers write it. Upper case is folded. It fails with an
// Invalid fault for anything that is not parts of [a-zA-Z0-9-_] or a star, between colons.
func ParseAction(text string) (Action, error) {
	if text == "" || len(text) > MaxAction {
		return Action{}, invalidAction("A permission has 1 to 64 characters.")
	}
	text = lower(text)
	var a Action
	p := &a.path
	p.text = text
	for start := 0; ; {
		end := start
		for end < len(text) && text[end] != ':' {
			if c := text[end]; c != '*' && !actionByte(c) {
				return Action{}, invalidAction("A permission holds letters, digits and -_:* only.")
			}
			if text[end] == '*' && (end > start || end+1 < len(text) && text[end+1] != ':') {
				return Action{}, invalidAction("A star stands for a whole part of a permission.")
			}
			end++
		}
		if end == start {
			return Action{}, invalidAction("A permission has no empty parts.")
		}
		star, last := text[start] == '*', end == len(text)
		if star && last {
			p.below = true
			return a, nil
		}
		if !star && p.plain == p.n {
			p.plain++
		}
		p.ends[p.n] = uint16(end)
		p.n++
		if last {
			return a, nil
		}
		start = end + 1
	}
}

// MustAction is ParseAction for constants.
func MustAction(text string) Action {
	a, err := ParseAction(text)
	if err != nil {
		panic("check: " + text + ": " + err.Error())
	}
	return a
}

// String is the canonical text.
func (a *Action) String() string { return a.path.text }

// Covers tells whether a permission for a implies every action that other names.
func (a *Action) Covers(other *Action) bool { return a.path.covers(&other.path) }

func actionByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// lower folds ASCII and returns the same string when there is nothing to fold.
func lower(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= 'A' && c <= 'Z' {
			out := []byte(text)
			for ; i < len(out); i++ {
				if c := out[i]; c >= 'A' && c <= 'Z' {
					out[i] = c + 'a' - 'A'
				}
			}
			return string(out)
		}
	}
	return text
}

func invalidAction(why string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, why)
}

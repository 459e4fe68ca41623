package factor

import "strings"

// Digits reads a code of n digits as a person typed it: spaces and dashes between them are ignored, and
// the full-width digits of East Asian keyboards count.
func Digits(typed string, n int) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	typed = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '-' || r == '\u00a0' || r == '\u3000':
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return r
	}, typed)
	if len(typed) != n || strings.Trim(typed, "0123456789") != "" {
		return "", false
	}
	return typed, true
}

package connection

import (
	"golang.org/x/text/language"

	"github.com/admit-id/admit/internal/kit/egress"
)

// plainURL returns an https URL of at most 1024 bytes, or nothing.
func plainURL(s string) string {
	if len(s) > 1024 || egress.CheckURL(s, false) != nil {
		return ""
	}
	return s
}

// plainLocale returns a well-formed BCP 47 tag in its usual spelling, or nothing.
func plainLocale(s string) string {
	if s == "" || len(s) > 35 {
		return ""
	}
	t, err := language.Parse(s)
	if err != nil {
		return ""
	}
	return t.String()
}

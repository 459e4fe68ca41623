package page

import (
	"strings"
	"unicode"

	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

// Where is a place as people say it, in the language in which its names are wanted; empty for no place.
func Where(t catalogue.Texts, p place.Place) string {
	if p.City == "" || p.City == p.Country {
		return p.Country
	}
	return t.Text("place", "City", p.City, "Country", p.Country)
}

// Device is what session.Device has named, in the reader's words.
func Device(t catalogue.Texts, name string) string {
	browser, system := session.Parts(name)
	if system == "" {
		return browser
	}
	return t.Text("device.name", "Browser", browser, "System", system)
}

const maxMailName = 60 // characters of a name in a mail

// PlainName makes a name fit for a mail: one line, no invisible or direction-changing
// characters, not too long, and nothing that mail programs turn into a link.
func PlainName(name string) string {
	var b strings.Builder
	n := 0
	space := false
	for _, c := range name {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			space = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(c) { // direction overrides, zero-width characters
			continue
		}
		if n++; n > maxMailName {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(c)
		if c == '.' || c == ':' || c == '@' || c == '/' {
			b.WriteRune('\u2060') // word joiner: seen by programs, not by people
		}
	}
	return b.String()
}

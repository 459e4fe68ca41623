package audit

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Entry is one event as it is kept.
type Entry struct {
	Account   ident.AccountID // empty for what concerns the whole deployment
	ID        string          // "evt_...", unique in the account; later entries have greater ids
	At        time.Time
	Type      string // "access.record.created"
	Actor     string // "user:...", "client:...", "operator", "system", "anonymous"
	Target    string
	Detail    map[string]string
	Session   ident.SessionID
	RequestID string
	Address   string // of the client, as far as the trusted-proxy list lets it be known
	Person    string // id of the person whom it concerns, or empty
}

// Limits of an entry's texts in bytes. Longer ones are cut: a caller must not be able to
// make an event fail, nor the record grow without bound.
const (
	maxText    = 512
	maxDetails = 32
)

// newEntry makes the entry of an event.
func newEntry(e event.Event, id string, at time.Time) Entry {
	out := Entry{
		Account: e.Account, ID: id, At: at, Type: clean(e.Type), Actor: clean(e.Actor.String()), Target: clean(e.Target),
		Session: ident.SessionID(clean(string(e.Actor.Session))), RequestID: clean(e.Actor.RequestID), Address: clean(e.Actor.Address),
	}
	for k, v := range e.Detail {
		if out.Detail == nil {
			out.Detail = map[string]string{}
		}
		if len(out.Detail) == maxDetails {
			break
		}
		out.Detail[clean(k)] = clean(v)
	}
	out.Person = clean(personOf(e))
	return out
}

// about are the features whose events have a person as their target.
var about = []string{"user", "passkey", "totp", "recovery", "password", "identity"}

// personOf is whom an event concerns, whoever caused it: whom it names as "user", else its target if
// that is a person, else the person who did it.
func personOf(e event.Event) string {
	feature, _, _ := strings.Cut(e.Type, ".")
	switch {
	case e.Detail["user"] != "":
		return e.Detail["user"]
	case slices.Contains(about, feature) && e.Type != "user.unlinked", e.Type == "session.user.ended", e.Type == "login.newDevice":
		return e.Target
	case e.Actor.Kind == actor.User:
		return e.Actor.ID
	}
	return ""
}

// clean makes a text safe to store and to read in a terminal: valid UTF-8, no control
// characters (a line break could forge a line of an export), bounded.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

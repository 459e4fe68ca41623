package user

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// User is one person of an account. The profile is what the identity that signed in last
// said, but for what the person has chosen, and for the address: a proved one stays until the
// identity that it came from says another, or is gone. It describes and proves nothing.
type User struct {
	Account       ident.AccountID
	ID            ident.UserID
	Name          string
	Email         string
	EmailVerified bool // of Email, by a connection that is authoritative for its domain
	EmailOf       Key  // of the identity that said Email; empty when that is not known
	Picture       string
	Locale        string
	Chosen        Chosen     // the members of the profile that the person has set
	Claims        Claims     // that tokens of the person carry besides Admit's own
	Identities    []Identity // oldest first
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Identity is how a connection names a person. Connection, Issuer and Subject together are
// the key, compared byte for byte.
type Identity struct {
	Connection ident.ConnectionID
	Issuer     string // of the upstream provider; for built-in connections a name of ours
	Subject    string // the provider's `sub`, or the canonical address for e-mail codes
	CreatedAt  time.Time
	LastLogin  time.Time
}

// Key names an identity among those of an account. That of a service client, which may sign in as anyone,
// has a Connection only.
type Key struct {
	Connection ident.ConnectionID `json:"connection"`
	Issuer     string             `json:"issuer,omitempty"`
	Subject    string             `json:"subject,omitempty"`
}

// Key is what names the identity.
func (i Identity) Key() Key { return Key{i.Connection, i.Issuer, i.Subject} }

// Profile is what an identity says about a person.
type Profile struct {
	Name          string
	Email         string
	EmailVerified bool
	Picture       string // https URL
	Locale        string // BCP 47
}

// Limits in bytes. OpenID Connect Core section 2 bounds `sub` at 255 ASCII characters; some
// providers of other protocols need more.
const (
	MaxConnection = 64
	MaxIssuer     = 512
	MaxSubject    = 512
	maxName       = 256
	maxEmail      = 320
	maxPicture    = 2048
	maxLocale     = 35
)

// validate refuses identities that could not be stored byte for byte on every database.
func (i Identity) validate() error {
	for _, part := range []struct {
		text string
		max  int
	}{{string(i.Connection), MaxConnection}, {i.Issuer, MaxIssuer}, {i.Subject, MaxSubject}} {
		if part.text == "" || len(part.text) > part.max || !utf8.ValidString(part.text) || strings.ContainsRune(part.text, 0) {
			return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The sign-in provider sent an identity that cannot be used.")
		}
	}
	return nil
}

// clean keeps what can be shown, and drops what cannot: a profile never stops a login.
func (p Profile) clean() Profile {
	p.Name = cut(oneLine(p.Name), maxName)
	p.Locale = oneLine(p.Locale)
	if len(p.Locale) > maxLocale {
		p.Locale = ""
	}
	if p.Email = oneLine(p.Email); len(p.Email) > maxEmail || p.Email == "" {
		p.Email, p.EmailVerified = "", false
	}
	if u, err := url.Parse(p.Picture); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(p.Picture) > maxPicture || oneLine(p.Picture) != p.Picture {
		p.Picture = ""
	}
	return p
}

// oneLine drops what is not printable (control and direction characters could pretend to
// be another text) and the space around.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s))
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.TrimSpace(s[:limit])
}

// apply puts a profile that an identity gave onto u and tells whether that changed it. What the profile
// leaves empty stays as it was; an address always comes with its own verified flag.
func (u *User) apply(p Profile, of Key) bool {
	before := *u
	for _, f := range []struct {
		to   *string
		from string
		own  Chosen
	}{{&u.Name, p.Name, ChosenName}, {&u.Picture, p.Picture, ChosenPicture}, {&u.Locale, p.Locale, ChosenLocale}} {
		if f.from != "" && u.Chosen&f.own == 0 {
			*f.to = f.from
		}
	}
	known := u.EmailOf == Key{} && p.EmailVerified && p.Email == u.Email
	if p.Email != "" && (known || !u.vouched(of)) {
		u.Email, u.EmailVerified, u.EmailOf = p.Email, p.EmailVerified, of
	}
	return before.Name != u.Name || before.Picture != u.Picture || before.Locale != u.Locale ||
		before.Email != u.Email || before.EmailVerified != u.EmailVerified || before.EmailOf != u.EmailOf
}

// vouched tells whether another identity of the person than that one stands for the proved address, to which
// they are written when something happens to their account: an identity that was added does not replace it.
func (u User) vouched(than Key) bool {
	return u.EmailVerified && u.EmailOf != than && slices.ContainsFunc(u.Identities, func(i Identity) bool {
		return i.Key() != than && (u.EmailOf == Key{} || i.Key() == u.EmailOf)
	})
}

// SearchText is what a list's filter looks into.
func (u User) SearchText() string {
	return strings.ToLower(string(u.ID) + "\n" + u.Name + "\n" + u.Email)
}

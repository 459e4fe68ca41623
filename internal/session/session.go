package session

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// CookieName is the name of the session cookie. Over https it has the __Host- prefix; plain
// http exists only on loopback, where browsers disagree about Secure.
func CookieName(secure bool) string {
	if secure {
		return "__Host-admit-session"
	}
	return "admit-session"
}

// Session is a browser session of one person.
type Session struct {
	ID             ident.SessionID // the `sid` claim; not the cookie's value
	Root           ident.SessionID // the first id of the chain that this session continues
	Account        ident.AccountID
	User           ident.UserID
	Connection     ident.ConnectionID // of the last evidence; the `azp` claim
	Evidence       []Evidence
	CreatedAt      time.Time
	LastSeen       time.Time
	ExpiresAt      time.Time // slides with use
	AbsoluteExpiry time.Time // never moves
}

// AuthTime is when the person last proved who they are.
func (s Session) AuthTime() time.Time {
	var last time.Time
	for _, e := range s.Evidence {
		if e.At.After(last) {
			last = e.At
		}
	}
	return last
}

// Tenant is the one that the last proof was accepted for, or empty.
func (s Session) Tenant() ident.TenantID {
	if len(s.Evidence) == 0 {
		return ""
	}
	return s.Evidence[len(s.Evidence)-1].Tenant
}

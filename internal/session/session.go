package session

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

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

	Rotation     Rotation
	Device       string    // such as "Chrome on Windows", for people to read
	Address      string    // that it was last seen at
	Applications []string  // that it was used for, in the order of their first use
	AsideAt      time.Time // when the browser put it aside for another account's; zero for the one in use
	Bound        bool      // to its browser, by a key; only lists tell

	presented int64 // the version of the cookie that found it
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

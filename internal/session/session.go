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

// Evidence is one proof of who the person is. It is appended, never changed (I-8).
type Evidence struct {
	Method     string             `json:"method"` // the `amr` value: "email", "fed"
	Connection ident.ConnectionID `json:"connection"`
	Issuer     string             `json:"issuer"`
	Subject    string             `json:"subject"`
	At         time.Time          `json:"at"`
	Tenant     ident.TenantID     `json:"tenant,omitempty"` // that the proof was accepted for
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

// AMR is the list of methods by which the person proved who they are, in order, each once (I-9).
func (s Session) AMR() []string {
	var amr []string
	seen := map[string]bool{}
	for _, e := range s.Evidence {
		if !seen[e.Method] {
			seen[e.Method] = true
			amr = append(amr, e.Method)
		}
	}
	return amr
}

// ACR1 is the authentication context of one factor: whatever the evidence was, somebody proved who they are once.
const ACR1 = "urn:admit:aal1"

// ACR is the authentication context class that the evidence amounts to now (I-9), or empty
// without any evidence. It is the only place that computes it.
func (s Session) ACR() string {
	if len(s.Evidence) == 0 {
		return ""
	}
	return ACR1
}

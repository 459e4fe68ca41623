package dbsc

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Algorithm is the only one that keys and proofs may be of. The draft knows RS256 and "none", too.
const Algorithm = jose.ES256

// How long things live.
const (
	// ChallengeLife is how long a challenge can be answered.
	ChallengeLife = 5 * time.Minute
	// CookieLife is what the browser is told of the bound cookie, and BoundLife how long it is
	// taken: requests that were on their way when it ended still count.
	CookieLife = 590 * time.Second
	BoundLife  = 10 * time.Minute
	// Overlap is how long the former value of the cookie is taken after a refresh, and none at all after
	// the registration, for requests that were on their way.
	Overlap = 10 * time.Second
	// BindWithin is how long a session may stay unbound where the policy wants bindings.
	BindWithin = 2 * time.Minute
	// RefusalEvery bounds what refused proofs write into the audit trail, for each binding.
	RefusalEvery = time.Minute
)

// MaxProof bounds a proof, in bytes.
const MaxProof = 2 << 10

// Policy says what an account, or a tenant, wants.
type Policy string

// The policies.
const (
	Offered  Policy = ""        // sessions are bound where the browser can
	Required Policy = "require" // a session that is not bound within BindWithin is not found any more
	Off      Policy = "off"     // no session is bound from now on; those that are stay so
)

// Binding is a chain of sessions that is bound to a key.
type Binding struct {
	Account ident.AccountID
	ID      string // the browser's session identifier
	Root    ident.SessionID
	Key     jose.PublicJWK
	Created time.Time
	Expires time.Time // the chain's absolute end
	Uses    int64     // how often it was refreshed
	Cookie  Cookie
	Former  Cookie
}

// Cookie is a value of the bound cookie as it is kept.
type Cookie struct {
	Hash  []byte
	Until time.Time
}

// good tells whether that is the value, now.
func (c Cookie) good(hash []byte, now time.Time) bool {
	return len(c.Hash) > 0 && secret.Equal(c.Hash, hash) && now.Before(c.Until)
}

// Suffix is what the name of the binding's cookie ends with, so that the sessions of several people
// in one browser do not overwrite one another's.
func (b Binding) Suffix() string { return b.ID[len(b.ID)-suffixSize:] }

const (
	idPrefix   = "bnd_"
	suffixSize = 10
)

func hashOf(cookie secret.Text) []byte { return secret.Hash("session/bound", cookie.Reveal()) }

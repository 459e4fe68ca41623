package passkey

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// The limits.
const (
	MaxPerPerson  = 20
	MaxName       = 64   // characters
	MaxID         = 1023 // bytes of a credential id (WebAuthn 5.1)
	MaxResponse   = 64 << 10
	ChallengeLife = 5 * time.Minute
	// maxOpen is how many challenges of one kind a login or session can have at once: tabs.
	maxOpen = 8
)

// Passkey is a registered public key of a person.
type Passkey struct {
	ID         string // "pky_...", of this row; not the credential id
	Account    ident.AccountID
	User       ident.UserID
	Credential []byte // the credential id, unique in the account
	Key        []byte // COSE_Key
	Algorithm  int64  // COSE
	Handle     []byte // the user handle that the authenticator knows
	Party      string // the RP id
	SignCount  uint32
	Model      string   // AAGUID as lower-case UUID; all zeros when the authenticator does not say
	Transports []string // how it can be reached
	Eligible   bool     // BE: may live on several devices. Never changes
	BackedUp   bool     // BS: does, as of the last use
	Verified   bool     // UV at the registration
	Attested   bool     // the model is proved by a certificate that the deployment trusts
	// Pending: made for a challenge that was not ours; it proves nothing until it has answered one.
	Pending   bool
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // zero until the first use
}

// Form tells where the key lives, as far as the authenticator says: "platform" for one that is part of a
// device or follows its person from device to device, "roaming" for one that is carried about.
func (p Passkey) Form() string {
	if slices.Contains(p.Transports, "internal") || p.Eligible && len(p.Transports) == 0 {
		return "platform"
	}
	return "roaming"
}

// Ceremony is a registration or a proof, with all that its challenge is bound to.
type Ceremony struct {
	Account ident.AccountID
	// One of the two: the login that it is a step of, or the session whose person does it.
	Login   ident.LoginID
	Session ident.SessionID
	// Browser is the hash of the browser's binding. A login always has one.
	Browser []byte
	// User is who it must be. Empty in a login: whoever holds a passkey.
	User ident.UserID
	// Passkey is the only one of User's that will do, by its ID; empty: any. A pending one must be named.
	Passkey string
	// UserVerification demands that the authenticator verifies the person. Finish goes by what Begin
	// was told, never by what the browser says.
	UserVerification bool
	// Models are the AAGUIDs that may be registered (policy.Authenticators); empty: any. Both Begin
	// and Finish of a registration want them.
	Models []string
	// Label and Name are how authenticators list the person: an address, and what they are called.
	Label, Name string
	// By is who acts, for the audit trail.
	By actor.Actor
}

func (c Ceremony) actor() actor.Actor {
	a := c.By
	a.Account = c.Account
	return a
}

// binding names what the challenge belongs to, or is empty when nothing is named.
func (c Ceremony) binding() string {
	switch {
	case c.Login != "" && c.Session == "" && len(c.Browser) > 0:
		return "login:" + string(c.Login)
	case c.Session != "" && c.Login == "" && c.User != "":
		return "session:" + string(c.Session)
	}
	return ""
}

// Refusal says why an answer was not accepted. It is for the log, and for choosing a sentence for the person.
type Refusal string

// The refusals. The zero value refuses nothing.
const (
	RefusedGone     Refusal = "gone"      // the challenge is used, expired, of another browser, or none of ours
	RefusedResponse Refusal = "response"  // it cannot be read or does not verify
	RefusedUnknown  Refusal = "unknown"   // no such passkey (any more), or not of the person it must be of
	RefusedUnproved Refusal = "unproved"  // the authenticator did not verify the person, as was demanded
	RefusedCloned   Refusal = "cloned"    // the counter went back, or the key changed its nature
	RefusedTaken    Refusal = "taken"     // the credential is registered already
	RefusedFull     Refusal = "full"      // the person has MaxPerPerson
	RefusedModel    Refusal = "model"     // not one of the models that the policy allows, or it does not prove to be
	RefusedKey      Refusal = "algorithm" // a key of a kind that was not offered
)

// Proof is what came of a login.
type Proof struct {
	Refused Refusal
	// Of an accepted answer; all empty otherwise.
	User     ident.UserID
	ID       string // of the passkey
	Verified bool   // UV: the authenticator verified the person
	Synced   bool   // BE: the key may live on several devices
}

// Registered is what came of a registration.
type Registered struct {
	Refused Refusal
	Passkey Passkey // empty when refused
}

// cleanName makes one line of what somebody typed: no control characters, no spaces around, at most MaxName
// characters. It may be empty.
func cleanName(s string) string {
	if len(s) > 16*MaxName {
		s = s[:16*MaxName]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > MaxName {
		s = strings.TrimSpace(string(r[:MaxName]))
	}
	return s
}

package session

import (
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Method is how one proof was made, as evidence keeps it. The `amr` values of tokens are computed
// from it (RFC 8176 has no word for some).
type Method = string

// The methods.
const (
	MethodEmail    Method = "email"    // a code or link that was mailed
	MethodUpstream Method = "fed"      // another provider said so
	MethodPassword Method = "pwd"      // a password
	MethodTOTP     Method = "otp"      // a time-based one-time code (RFC 6238)
	MethodRecovery Method = "recovery" // a recovery code, used up by it
	MethodPasskey  Method = "passkey"  // a WebAuthn assertion
)

// Evidence is one proof of who the person is. It is appended, never changed (I-8).
type Evidence struct {
	Method     Method             `json:"method"`
	Connection ident.ConnectionID `json:"connection"`
	Issuer     string             `json:"issuer"`
	Subject    string             `json:"subject"`
	At         time.Time          `json:"at"`
	Tenant     ident.TenantID     `json:"tenant,omitempty"` // that the proof was accepted for
	// Of a passkey.
	Verified bool `json:"verified,omitempty"` // the authenticator verified the person (UV)
	Synced   bool `json:"synced,omitempty"`   // the key may live on several devices (BE)
}

// The authentication context classes (`acr`), weakest first. Whoever fulfils one fulfils those before.
const (
	// ACR1 is one factor: whatever the evidence was, somebody proved who they are once.
	ACR1 = "urn:admit:aal1"
	// ACR2 is two factors of different kinds, or a passkey that verified the person.
	ACR2 = "urn:admit:aal2"
	// ACRPhishingResistant is a passkey that verified the person: nothing that could be typed into
	// another site's page. The name is of OpenID Connect's EAP ACR values.
	ACRPhishingResistant = "phr"
)

// ACRs are the classes, weakest first.
func ACRs() []string { return []string{ACR1, ACR2, ACRPhishingResistant} }

// second tells whether a method adds a second factor to a first one. The mail does not: it is what
// the first factors of most people come back to.
func second(m Method) bool { return m == MethodTOTP || m == MethodRecovery || m == MethodPasskey }

// first tells whether a method is a factor to which a second adds something: every other one, whoever vouches.
func first(m Method) bool { return !second(m) }

// Assurance is the class that evidence amounts to (I-9), or empty without any. It is the only place
// that computes it.
func Assurance(evidence []Evidence) string {
	acr, one, two := "", false, false
	for _, e := range evidence {
		if e.Method == MethodPasskey && e.Verified {
			return ACRPhishingResistant
		}
		acr = ACR1
		one, two = one || first(e.Method), two || second(e.Method)
	}
	if one && two {
		return ACR2
	}
	return acr
}

// Fulfils tells whether one class is as good as another that was asked for. An unknown one is fulfilled by nothing.
func Fulfils(has, wanted string) bool {
	w := slices.Index(ACRs(), wanted)
	return w >= 0 && slices.Index(ACRs(), has) >= w
}

// Since returns the evidence that is not older than a time.
func Since(evidence []Evidence, oldest time.Time) []Evidence {
	return slices.DeleteFunc(slices.Clone(evidence), func(e Evidence) bool { return e.At.Before(oldest) })
}

// ACR is the authentication context class of the session.
func (s Session) ACR() string { return Assurance(s.Evidence) }

// StrongSince tells whether the person proved who they are as well as a class says since a time: the
// recent proof that changing how one signs in wants.
func (s Session) StrongSince(oldest time.Time, acr string) bool {
	return Fulfils(Assurance(Since(s.Evidence, oldest)), acr)
}

// RecentLife is how old the proof may be that changing how one signs in wants.
const RecentLife = 10 * time.Minute

// Recent tells whether the person proved lately who they are, as well as they can: with a second factor
// if they hold one (I-7). Whoever changes how somebody signs in asks this, and nothing else.
func Recent(s Session, holdsSecond bool, now time.Time) bool {
	return s.StrongSince(now.Add(-RecentLife), RecentACR(holdsSecond))
}

// RecentACR is the class that Recent wants: what an errand for a fresh proof asks for.
func RecentACR(holdsSecond bool) string {
	if holdsSecond {
		return ACR2
	}
	return ACR1
}

// AMR is the list of methods by which the person proved who they are, in order, each once (I-9, RFC 8176).
func (s Session) AMR() []string {
	var amr []string
	add := func(values ...string) {
		for _, v := range values {
			if !slices.Contains(amr, v) {
				amr = append(amr, v)
			}
		}
	}
	for _, e := range s.Evidence {
		switch {
		case e.Method == MethodPasskey && e.Synced:
			add("swk")
		case e.Method == MethodPasskey:
			add("hwk")
		default:
			add(e.Method)
		}
		if e.Method == MethodPasskey && e.Verified {
			add("user")
		}
	}
	if Fulfils(s.ACR(), ACR2) {
		add("mfa")
	}
	return amr
}

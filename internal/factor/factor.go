package factor

// Kind names a way to prove who one is.
type Kind string

// The kinds that Admit has itself. What other providers say is a connection, and no factor.
const (
	EmailCode Kind = "email"    // a code by mail
	Password  Kind = "password" // off unless the account has a connection for it
	Passkey   Kind = "passkey"  // WebAuthn
	TOTP      Kind = "totp"     // RFC 6238
	Recovery  Kind = "recovery" // ten codes, each good once
)

// Held is what a person has registered, as far as a login must know it.
type Held struct {
	Passkeys int
	TOTP     int
	Recovery int // codes that are left
	Password bool
}

// Second tells whether the person has anything that can be a second factor. Recovery codes alone are
// none: they stand in for what is lost.
func (h Held) Second() bool { return h.Passkeys > 0 || h.TOTP > 0 }

// Outcome is what came of a code or password that was typed.
type Outcome uint8

// The outcomes. The zero value is no outcome, so that forgetting one lets nobody in.
const (
	Right  Outcome = iota + 1
	Wrong          // and counted
	Paused         // too many wrong ones for this person: wait
	Absent         // the person has none. Told to nobody (I-23)
)

// Result is an outcome and what belongs to it.
type Result struct {
	Outcome Outcome
	Retry   int // seconds to wait, when Paused
}

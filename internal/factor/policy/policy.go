package policy

import (
	"slices"
	"time"

	"github.com/admit-id/admit/internal/factor"
)

// When says when a second factor is needed.
type When string

// The answers, from the laxest. The zero value is WhenHeld.
const (
	// WhenHeld asks those who have registered one, in a browser that is not remembered.
	WhenHeld When = ""
	// WhenNewDevice asks everybody in a browser that is not remembered; who has none registers one.
	WhenNewDevice When = "newDevice"
	// WhenAlways asks everybody at each sign-in.
	WhenAlways When = "always"
)

// Binding says what a session needs of the browser (Device Bound Session Credentials).
type Binding string

// The answers. The zero value says nothing, and then sessions are bound where the browser can.
const (
	BindingOffered  Binding = ""
	BindingRequired Binding = "require" // a session that is not bound soon ends
	BindingOff      Binding = "off"
)

// Policy is what is demanded. The zero value is the default of every account.
type Policy struct {
	// First are Admit's own factors that may begin a sign-in: EmailCode, Passkey, Password. Empty:
	// all that the account has. Connections to other providers are not named here.
	First []factor.Kind `json:"first,omitempty"`
	// Second are those that may be the second: Passkey, TOTP, Recovery. Empty: all.
	Second     []factor.Kind `json:"second,omitempty"`
	SecondWhen When          `json:"secondWhen,omitempty"`
	// RememberDays is for how long a browser in which a second factor was shown is not asked again
	// (except for an `acr`). 0: nothing said, and where the account says nothing it is not remembered; -1: never.
	RememberDays int `json:"rememberDays,omitempty"`
	// Attestation: only passkeys of these models (AAGUID, lower-case UUID). Empty: any.
	Authenticators []string `json:"authenticators,omitempty"`
	// Binding of sessions to devices.
	Binding Binding `json:"sessionBinding,omitempty"`
	// RecoveryHours is how long somebody who lost every second factor waits; 0 means DefaultRecovery.
	RecoveryHours int `json:"recoveryHours,omitempty"`
	// NoRecovery leaves it to an administrator.
	NoRecovery bool `json:"noRecovery,omitempty"`
}

// DefaultRecovery is the delay of a recovery where no policy says another.
const DefaultRecovery = 24 * time.Hour

// RecoveryDelay is how long a recovery takes.
func (p Policy) RecoveryDelay() time.Duration {
	if p.RecoveryHours > 0 {
		return time.Duration(p.RecoveryHours) * time.Hour
	}
	return DefaultRecovery
}

// AllowsFirst tells whether a factor may begin a sign-in.
func (p Policy) AllowsFirst(k factor.Kind) bool {
	return len(p.First) == 0 || slices.Contains(p.First, k)
}

// AllowsSecond tells whether a factor may be the second.
func (p Policy) AllowsSecond(k factor.Kind) bool {
	return len(p.Second) == 0 || slices.Contains(p.Second, k)
}

// Merge returns what both demand: the stricter word of each member.
func (p Policy) Merge(q Policy) Policy {
	p.First, p.Second = both(p.First, q.First), both(p.Second, q.Second)
	p.Authenticators = both(p.Authenticators, q.Authenticators)
	p.SecondWhen = stricter(p.SecondWhen, q.SecondWhen, WhenHeld, WhenNewDevice, WhenAlways)
	p.Binding = stricter(p.Binding, q.Binding, BindingOffered, BindingOff, BindingRequired)
	p.RememberDays = shortest(p.RememberDays, q.RememberDays)
	p.RecoveryHours = max(p.RecoveryHours, q.RecoveryHours)
	p.NoRecovery = p.NoRecovery || q.NoRecovery
	return p
}

// over is an account's policy together with what tenants and applications say, who may demand more and never
// less: where the account says nothing, its word is the default. That is DefaultRecovery, browsers that are not
// remembered, and sessions that are bound where the browser can.
func (p Policy) over(below Policy) Policy {
	if p.RecoveryHours == 0 && below.RecoveryHours > 0 {
		p.RecoveryHours = int(DefaultRecovery / time.Hour)
	}
	if p.RememberDays == 0 {
		below.RememberDays = min(below.RememberDays, 0)
	}
	if p.Binding == BindingOffered && below.Binding == BindingOff {
		below.Binding = BindingOffered
	}
	return p.Merge(below)
}

// both returns what two lists allow, of which an empty one allows everything. When they have nothing in
// common, it is a list of one that names nothing, for an empty one would allow everything again (I-28).
func both[T ~string](a, b []T) []T {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := slices.DeleteFunc(slices.Clone(a), func(x T) bool { return !slices.Contains(b, x) })
	if len(out) == 0 {
		return []T{"none"}
	}
	return out
}

func stricter[T comparable](a, b T, order ...T) T {
	return order[max(slices.Index(order, a), slices.Index(order, b), 0)]
}

// shortest returns the shorter of two numbers of days, of which 0 says nothing and a negative one never.
func shortest(a, b int) int {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	return min(a, b)
}

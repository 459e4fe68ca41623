package policy

import (
	"regexp"
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/fault"
)

// The limits of what a policy says.
const (
	MaxRememberDays   = 365
	MaxRecoveryHours  = 30 * 24
	MaxAuthenticators = 100
)

var model = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func invalid(format string, args ...any) error {
	return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, format, args...)
}

// ErrLocksOut refuses a policy under which nobody could sign in any more.
var ErrLocksOut = fault.New(fault.Unprocessable, "PolicyLocksOut", "Nobody could sign in under this policy. Allow a factor that the account offers and you hold, or make a connection first.")

// Validate judges the words of a policy.
func (p Policy) Validate() error {
	if err := known("first", p.First, factor.EmailCode, factor.Passkey, factor.Password); err != nil {
		return err
	}
	if err := known("second", p.Second, factor.Passkey, factor.TOTP, factor.Recovery); err != nil {
		return err
	}
	switch {
	case len(p.Second) > 0 && !p.AllowsSecond(factor.Passkey) && !p.AllowsSecond(factor.TOTP):
		return invalid("second must hold passkey or totp: recovery codes stand in for one of them.")
	case !slices.Contains([]When{WhenHeld, WhenNewDevice, WhenAlways}, p.SecondWhen):
		return invalid("secondWhen must be newDevice, always, or left out.")
	case !slices.Contains([]Binding{BindingOffered, BindingRequired, BindingOff}, p.Binding):
		return invalid("sessionBinding must be require, off, or left out.")
	case p.RememberDays < -1 || p.RememberDays > MaxRememberDays:
		return invalid("rememberDays must be -1 (never) to %d.", MaxRememberDays)
	case p.RecoveryHours < 0 || p.RecoveryHours > MaxRecoveryHours:
		return invalid("recoveryHours must be 1 to %d, or left out.", MaxRecoveryHours)
	case len(p.Authenticators) > MaxAuthenticators:
		return invalid("authenticators holds at most %d models.", MaxAuthenticators)
	}
	for _, a := range p.Authenticators {
		if !model.MatchString(a) {
			return invalid("authenticators holds AAGUIDs as lower-case UUIDs.")
		}
	}
	return nil
}

func known(member string, list []factor.Kind, all ...factor.Kind) error {
	for i, k := range list {
		if !slices.Contains(all, k) {
			return invalid("%s must hold only %s.", member, words(all))
		}
		if slices.Contains(list[:i], k) {
			return invalid("%s names %s twice.", member, k)
		}
	}
	return nil
}

func words(all []factor.Kind) (text string) {
	for i, k := range all {
		switch {
		case i == len(all)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += string(k)
	}
	return text
}

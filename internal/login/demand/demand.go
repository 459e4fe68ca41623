// Package demand owns what a sign-in still needs: a pure function of what was proved, what the person
// holds and what the policy says.
//
// Entry points: Next, for a person whose first proof is in; Answers, for a session that is there already.
//
// Never: state, time, errors. What is not provided for ends in Refuse.
package demand

import (
	"slices"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/session"
)

// Facts is what is decided from.
type Facts struct {
	Policy     policy.Policy
	Evidence   []session.Evidence // of this sign-in, or of the session that it goes on from
	Recent     []session.Evidence // of that, what was proved a short while ago
	Held       factor.Held
	Remembered bool   // the person has shown a second factor in this browser, and asked to be remembered
	ACR        string // that the session must fulfil at the end, or empty
	NoPasskeys bool   // the account's address can have none
	Used       bool   // of a session: the application has let it in before
}

// Step is what comes next.
type Step uint8

// The steps.
const (
	Refuse Step = iota // nothing that would do can be shown or registered
	Fulfilled
	Second // show one of Ways
	Enrol  // register one of Ways
)

// Answer is a step and its ways, in the order to offer them.
type Answer struct {
	Step Step
	Ways []factor.Kind
	// Registers says that something is registered in the end, after Second too.
	Registers bool
}

// Reachable tells whether the person can bring the evidence to a class: it is there, or they hold what is missing.
func (f Facts) Reachable(acr string) bool {
	f.ACR = acr
	return session.Fulfils(session.Assurance(f.Evidence), acr) || len(f.held(f.helps)) > 0
}

// Next decides. Who holds a second factor must show one before another can be registered: otherwise
// whoever has the mailbox alone could register their own. One that was shown long ago shows nothing of who is here now.
func Next(f Facts) Answer {
	if len(f.Evidence) == 0 || !first(f.Policy, f.Evidence) {
		return Answer{}
	}
	if f.fulfilled() {
		return Answer{Step: Fulfilled}
	}
	if ways := f.held(f.helps); len(ways) > 0 {
		return Answer{Step: Second, Ways: ways}
	}
	if f.Held.Second() && !shown(f.Recent) {
		if ways := f.held(func(factor.Kind) bool { return true }); len(ways) > 0 {
			return Answer{Second, ways, true}
		}
		return Answer{}
	}
	if ways := f.registrable(); len(ways) > 0 {
		return Answer{Enrol, ways, true}
	}
	return Answer{}
}

// Answers tells whether a session answers a request by itself: it was begun in a way that the policy
// allows, and has what the policy demands. Where it is asked of those who hold a second factor, it was asked
// when the application was first used in the session, and is not asked again.
func Answers(f Facts) bool {
	if len(f.Evidence) == 0 || !first(f.Policy, f.Evidence) || f.ACR != "" && !session.Fulfils(session.Assurance(f.Evidence), f.ACR) {
		return false
	}
	return f.Used && f.Policy.SecondWhen == policy.WhenHeld || !f.wanted() || strong(f.Policy, f.Evidence)
}

func (f Facts) fulfilled() bool {
	if f.ACR != "" && !session.Fulfils(session.Assurance(f.Evidence), f.ACR) {
		return false
	}
	return !f.wanted() || strong(f.Policy, f.Evidence)
}

// wanted tells whether the policy wants a second factor of this person in this browser.
func (f Facts) wanted() bool {
	switch f.Policy.SecondWhen {
	case policy.WhenHeld:
		return f.Held.Second() && !f.Remembered
	case policy.WhenNewDevice:
		return !f.Remembered
	}
	return true
}

// helps tells whether showing a factor brings the sign-in nearer to its end.
func (f Facts) helps(k factor.Kind) bool {
	return f.Policy.AllowsSecond(k) && (f.ACR != session.ACRPhishingResistant || k == factor.Passkey)
}

// held are the second factors that the person can show and that pass. Recovery codes stand in for
// what is lost; alone they are no second factor.
func (f Facts) held(pass func(factor.Kind) bool) (ways []factor.Kind) {
	for _, w := range []struct {
		kind factor.Kind
		has  bool
	}{
		{factor.Passkey, f.Held.Passkeys > 0 && !f.NoPasskeys},
		{factor.TOTP, f.Held.TOTP > 0},
		{factor.Recovery, f.Held.Second() && f.Held.Recovery > 0},
	} {
		if w.has && pass(w.kind) {
			ways = append(ways, w.kind)
		}
	}
	return ways
}

// registrable are the factors that can be registered now and would do.
func (f Facts) registrable() (ways []factor.Kind) {
	if !f.NoPasskeys && f.Policy.AllowsSecond(factor.Passkey) {
		ways = append(ways, factor.Passkey)
	}
	if f.ACR != session.ACRPhishingResistant && f.Policy.AllowsSecond(factor.TOTP) {
		ways = append(ways, factor.TOTP)
	}
	return ways
}

// shown tells whether any second factor is in the evidence.
func shown(evidence []session.Evidence) bool {
	return slices.ContainsFunc(evidence, func(e session.Evidence) bool { return SecondKind(e.Method) != "" })
}

// first tells whether the sign-in was begun in a way that the policy allows. Connections to other
// providers are not its matter.
func first(p policy.Policy, evidence []session.Evidence) bool {
	return slices.ContainsFunc(evidence, func(e session.Evidence) bool {
		switch e.Method {
		case session.MethodTOTP, session.MethodRecovery:
			return false
		case session.MethodPasskey:
			return e.Verified && p.AllowsFirst(factor.Passkey)
		case session.MethodPassword:
			return p.AllowsFirst(factor.Password)
		case session.MethodEmail:
			return p.AllowsFirst(factor.EmailCode)
		}
		return true
	})
}

// strong tells whether evidence has a second factor that the policy allows. A passkey that verified the
// person is both factors at once, also where it may be a first one only.
func strong(p policy.Policy, evidence []session.Evidence) bool {
	counted := slices.DeleteFunc(slices.Clone(evidence), func(e session.Evidence) bool {
		k := SecondKind(e.Method)
		whole := e.Method == session.MethodPasskey && e.Verified && p.AllowsFirst(factor.Passkey)
		return k != "" && !whole && !p.AllowsSecond(k)
	})
	return session.Fulfils(session.Assurance(counted), session.ACR2)
}

// SecondKind is the kind of second factor that a method is, or empty.
func SecondKind(m session.Method) factor.Kind {
	switch m {
	case session.MethodTOTP:
		return factor.TOTP
	case session.MethodRecovery:
		return factor.Recovery
	case session.MethodPasskey:
		return factor.Passkey
	}
	return ""
}

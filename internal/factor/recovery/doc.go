// Package recovery owns the recovery codes: ten, each good once, that stand in for a second factor that is
// not at hand.
//
// Flow: Create makes ten and forgets those before; they are shown once and kept as MACs. Use counts the
// attempt, then uses a code up in one statement.
//
// Entry points: Service.
//
// Never: a second factor by itself. Who has nothing but codes has no second factor (factor.Held).
package recovery

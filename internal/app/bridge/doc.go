// Package bridge owns the small types by which one feature is told of another: a feature declares
// what it needs as an interface, and these give it what another has.
//
// Never: a decision, state, a store.
package bridge

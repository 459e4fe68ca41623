// Package holding owns what one person has registered to prove themselves with, all factors together, and
// how the person changes it.
//
// Flow: the person's own page and the browser SDK ask Of what there is; each verb that changes something is
// one unit of work and returns when it is durable. Whether the person may change anything now (a recent
// proof) is decided by the surface, before.
//
// Entry points: holding.go (Of, Held, Rename, Remove), enrol.go (what is new).
//
// Never: proofs of a login (package login asks the factors), sessions, pages.
package holding

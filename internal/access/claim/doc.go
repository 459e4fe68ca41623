// Package claim owns what a resource is to everybody: its configuration (PUBLIC, CLAIM), and
// the claims that follow from it.
//
// Owns: resource configurations, and who claimed what.
//
// Flow: Configure judges the caller, who must be able to give what the configuration gives away
// (I-14), writes it with its version, and adds to the change feed; the engine follows. Claim makes the
// caller the owner of one resource in a collection by a new access record, in one unit of work with
// the row that makes those who claim the same wait for each other.
//
// Entry points: Service.Get, List, Configure, Claim, and the reaction ForgetUser.
//
// Never: a configuration of Admit's own resources, or of a pattern that could name one; a claim on
// what somebody was given before, or on anything below which somebody was.
package claim

// Package index owns the facts of the access engine in memory: who holds which grants,
// who belongs to which group, what each role permits.
//
// Each account has one immutable Snapshot behind an atomic pointer. A check loads the
// pointer once and sees one state of the account: a record that moves rights from one person
// to another is seen before or after, never half. Checks take no lock and allocate nothing.
//
// A write makes the next snapshot. It copies the path to each principal that it touches (a
// few small tables, one leaf of grants) and shares the rest. Writers of one index wait for
// each other; readers wait for nobody.
//
// Grants are written out per principal, because that makes a check a handful of binary
// searches. A record that would write out more than shareLimit grants that way (many people
// times many resources) keeps its grants once, and its people refer to them.
package index

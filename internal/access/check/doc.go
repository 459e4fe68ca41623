// Package check owns the decision: may someone do something to a resource, given what
// they hold? It is pure: no I/O, no clock, no lock, and no allocation on the hot path.
//
// It also owns the one canonical form of resources and actions (I-15). Writes, checks,
// lists and caches all read them with ParseResource and ParseAction; bytes that two
// readers could understand differently are refused, never repaired.
//
// # What covers what
//
// A grant on X covers X and everything below it. A grant on X/* covers everything below X
// and not X. A star that is not the last segment stands for exactly one segment, and a star
// between colons (ns:*) for exactly one part. The resource * is everything.
//
// A question may hold stars too. It is answered yes only if what is held covers every
// resource that the question can name. One grant must do that by itself; this loses
// nothing, because a grant that covers a name which no other grant mentions covers every
// name in its place, so a set of grants covers a pattern only if one of them does.
//
// A grant may be bound in time. It counts for a question if it is in force during all of the
// time that the question is about, again by itself.
//
// Actions follow the same rules with a colon for the slash: documents covers
// documents:read, and documents:* covers documents:read and not documents.
package check

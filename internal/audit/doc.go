// Package audit owns the append-only record of who did what.
//
// Owns: Entry and the reading of entries.
//
// Flow: Service.Record is subscribed to every event, so an entry is written in the same
// transaction as the change it tells of (I-27): what was undone left no entry, and what
// was answered has one.
//
// Entry points: Service.Record (subscription to "*"), Service.List.
//
// Never: a change or removal of an entry; the store has no statement for it and the
// database refuses it. Never a secret: events carry identifiers only.
package audit

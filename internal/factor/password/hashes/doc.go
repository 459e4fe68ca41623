// Package hashes owns the formats of stored passwords: its own (argon2id as a PHC string), and those that
// other systems leave behind.
//
// Entry points: Parse, which refuses every cost that is out of range before anything is allocated for it
// (CRY-02); Params, which makes new ones.
//
// Never: threads, limits, and what a password must be like (package password).
package hashes

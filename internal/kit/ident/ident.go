// Package ident owns the typed identifiers of Admit. Two identifiers that look
// alike are different types, so that a user id can never stand where an account
// id is wanted. Identifiers are random, never reused, and carry no secret.
package ident

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

type (
	// AccountID names an account: one customer of a deployment. It never contains a dot,
	// because the access-key format separates its parts by dots.
	AccountID string
	// TenantID names a tenant (a customer's customer) inside an account.
	TenantID string
	// UserID names a person inside an account. It is the `sub` of their tokens.
	UserID string
	// ApplicationID names a relying party; it is the `client_id` of user tokens.
	ApplicationID string
	// ConnectionID names a way to sign in; it is the `azp` of user tokens.
	ConnectionID string
	// ServiceClientID names a machine identity ("sc_...").
	ServiceClientID string
	// KeyID is a `kid`.
	KeyID string
	// SessionID is the public handle of a browser session, the `sid` claim. It is not the cookie's value.
	SessionID string
	// LoginID names a stored login request, the SDK's authenticationRequestId.
	LoginID string
	// RecordID names an access record.
	RecordID string
	// RoleID names a role, for example "Authress:Owner" or "ro_editor".
	RoleID string
	// GroupID names a group of users ("grp_...").
	GroupID string
)

// DefaultAccount is the account that the public URL serves.
const DefaultAccount AccountID = "acc_default"

// DefaultApplication exists in every account from the start.
const DefaultApplication ApplicationID = "app_default"

const letters = "0123456789abcdefghjkmnpqrstvwxyz"

// size is how many random bytes an identifier has.
const size = 16

// supply is randomness that was read for several identifiers at once, each byte for one.
type supply struct {
	bytes [32 * size]byte
	used  int
}

var supplies = sync.Pool{New: func() any { return &supply{used: len(supply{}.bytes)} }}

// New returns prefix followed by 128 random bits in lower-case base 32 (26 characters).
func New(prefix string) string {
	s := supplies.Get().(*supply)
	if s.used == len(s.bytes) {
		rand.Read(s.bytes[:]) // never fails; see crypto/rand
		s.used = 0
	}
	b := s.bytes[s.used : s.used+size]
	s.used += size
	out := make([]byte, 0, 64)
	out = append(out, prefix...)
	high, low := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	supplies.Put(s)
	for range 25 { // five bits each, from the top
		out = append(out, letters[high>>59])
		high, low = high<<5|low>>59, low<<5
	}
	return string(append(out, letters[high>>59])) // the last three, as if followed by zeros
}

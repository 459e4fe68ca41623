// Package ident owns the typed identifiers of Admit. Two identifiers that look
// alike are different types, so that a user id can never stand where an account
// id is wanted. Identifiers are random, never reused, and carry no secret.
package ident

import (
	"crypto/rand"
	"encoding/base32"
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

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New returns prefix followed by 128 random bits in lower-case base 32 (26 characters).
func New(prefix string) string {
	var b [16]byte
	rand.Read(b[:]) // never fails; see crypto/rand
	return prefix + encoding.EncodeToString(b[:])
}

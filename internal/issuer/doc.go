// Package issuer owns the foreign OpenID Connect issuers whose tokens an account takes as
// bearers: a pipeline's, a cluster's, another identity system's.
//
// Owns: Issuer, whose tokens name whom (Namespace), and the check of such a token's claims.
//
// Flow: Service writes; Directory follows the change feed (kind "issuer") and answers which
// issuers an account trusts now; Verifier turns a bearer into a person of the issuer's
// namespace, with signatures checked by connection/oidc.
//
// Entry points: service.go (link, unlink, list), verify.go (every such bearer).
//
// Never: a token without an exact audience; an id that a person or a client of the account has
// or could get; a key or an address that a token brings along.
package issuer

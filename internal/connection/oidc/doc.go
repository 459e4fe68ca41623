// Package oidc owns speaking OpenID Connect to providers: discovery, the authorization
// request with nonce and PKCE, and the validation of what comes back (OpenID Connect Core 1.0
// section 3.1.3.7, RFC 9207).
//
// Entry points: oidc.go (the trip), provider.go (what is remembered of a provider, and how
// seldom it is asked), keys.go (its key set), idtoken.go (the checks, in order).
//
// A person is known by the ID token's issuer and subject. Nothing that a provider leaves out
// is assumed: a missing nonce, audience, expiry or issue time is a refusal.
package oidc

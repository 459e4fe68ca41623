// Package introspection owns what a token says now: introspection (RFC 7662, RFC 9701), userinfo
// (OpenID Connect Core section 5.3) and revocation (RFC 7009).
//
// Flow: Reader.Look (reader.go) finds out what an access token says, from memory for tokens that were
// seen before, by one read for opaque ones that were not; whatever may have ended since is looked at on every use.
// introspect.go, userinfo.go and revoke.go answer from it.
//
// Entry points: Service.Introspect, Service.Userinfo, Service.Revoke; People follows the change feed.
//
// Never: a word about a token to somebody whom it does not concern, an answer from a token that has ended,
// "revoked" before it is durable.
package introspection

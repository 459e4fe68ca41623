// Package oauth owns the rules of Admit as an OAuth 2.1 authorization server and OpenID Provider:
// the nouns that its parts share. The parts are packages below it:
//
//	party          who the client is, and the proof of it (RFC 6749 section 2.3, RFC 7523, RFC 8705)
//	authorize      an authorization request: a matrix of checks, the way through login and consent, the answer
//	pipeline       the token endpoint: a fixed pipeline with one variable part, the grant
//	introspection  what a token says now: introspection, userinfo, revocation
//	dpop           proofs of possession: nonces and replays (RFC 9449)
//	device         the device authorization grant (RFC 8628)
//	consent        what people have allowed third-party clients
//	logout         the end of a session, told to those who took part in it
//	registration   clients that register themselves (RFC 7591, RFC 7592)
//	remote         documents and keys of clients, fetched and kept for a while
//	oauthdb        the SQL of codes, grants and tokens; each other part has its own below it
//
// Entry points: client.go, authorization.go, error.go.
//
// Never: what a person may do (access). A scope says what the holder of a token may ask for.
package oauth

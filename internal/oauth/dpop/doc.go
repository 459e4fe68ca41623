// Package dpop owns proofs of possession at Admit's own endpoints (RFC 9449): the nonces that Admit
// gives out, and the memory of proofs that were used. The form of a proof is client/dpop's, which
// APIs that take Admit's tokens use too.
//
// A nonce is not kept: it is a MAC over kind, account and a window of time, so every node takes what
// any node gave, for at least NonceLife. Nonces of the authorization server's endpoints (ForServer) and
// of Admit's API (ForAPI) are apart. Whether a nonce is demanded is the installation's decision; one
// that is sent is always judged.
//
// A proof for the authorization server's endpoints is used up in the database, by one INSERT, in the same unit
// of work as what it pays for: of many requests with one proof, one succeeds, on however many
// nodes. A proof for Admit's API is remembered in the memory of the node, in a bounded set: checks are
// answered without a database, and what a replay could do there within a minute is to repeat one
// request on one URL with one token, over a connection that the thief already reads. Who wants
// less demands nonces, or a certificate.
//
// Entry points: service.go. Never: what a token is bound to (pipeline, token).
package dpop

// Package verify checks Admit's access tokens in an API that Admit protects.
//
// It owns the one strict reader of compact JSON Web Signatures that the client and the
// server share. A token is accepted only if
//
//   - it is a compact JWS (RFC 7515 section 3.1) of at most [MaxToken] bytes in canonical
//     base64url: no padding, no white space, no spare bits;
//   - its header has the members alg, kid and typ and no other, each once;
//   - the key that the kid names is an Ed25519 key, the header says exactly "EdDSA"
//     (RFC 8037), and the signature is right; or, where the Config names other algorithms,
//     the key is for exactly the one that the header says;
//   - its claims are strict JSON: valid UTF-8, no member twice, no two members that differ
//     only in case, at any level;
//   - typ is "at+jwt" (RFC 9068), iss is the configured issuer byte for byte, aud is
//     present and names the configured audience, sub is present, exp is in the future, and
//     iat and nbf, where present, are not.
//
// The signing keys come from the issuer's key set (KeySetPath, or AllKeysPath for other algorithms)
// and from nowhere else: nothing in a token can choose where keys are fetched.
//
// A token that is bound to a key or a certificate ([Confirmation]) is refused, because this package sees
// no request that could prove it. RequireToken of package middleware does, and takes such tokens.
//
// It does not ask whether the session behind a token has ended since. A token stays valid
// here until it expires. For decisions that must see a removed right or a closed session
// at once, ask Admit for the permission (package client).
package verify

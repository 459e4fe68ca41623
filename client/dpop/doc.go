// Package dpop proves that whoever sends a request holds a key, and checks such proofs
// (RFC 9449, Demonstrating Proof of Possession).
//
// It owns the form of a DPoP proof. [Verify] accepts one only if
//
//   - it came in exactly one DPoP header, as a compact JWS of at most [MaxProof] bytes in
//     canonical base64url whose JSON has no member twice, at any level, in any case;
//   - its header has the members typ ("dpop+jwt"), alg and jwk, perhaps kid, and no other;
//   - jwk is a public key and alg fits it: Ed25519 (EdDSA, also called Ed25519), P-256 (ES256), RSA of 2048 to
//     4096 bits (RS256, PS256); and the signature is right;
//   - htm is the request's method, htu its URL (see [SameURL]), iat now, jti there and short;
//   - ath is the hash of the access token, where there is one, and the nonce is one of ours,
//     where one is wanted.
//
// That a proof has not been used before is for the caller to see to: [Verified] names it.
//
// [Proof] makes one, and [Transport] signs every request of an http.Client.
package dpop

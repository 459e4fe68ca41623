// Package oidc owns the public documents by which others find Admit and verify what it signs:
// discovery and the key sets.
//
// Four key sets:
//   - /.well-known/openid-configuration/jwks holds access-token keys only. SDKs look here,
//     and check neither typ nor aud, so nothing else may verify under it.
//   - /.well-known/openid-configuration/id-token-jwks holds ID-token keys of EdDSA.
//   - /.well-known/jwks.json holds all keys of the account, of every use and algorithm. It is the
//     jwks_uri of discovery, for verifiers that tell tokens apart by typ and aud.
//   - /v1/clients/{clientId}/.well-known/openid-configuration/jwks holds one service
//     client's active keys, because a client's tokens name that address as their issuer.
//
// Documents are encoded once and sent as they are until the keys behind them change or one
// of them comes to its published end.
//
// Discovery names only what there is: an endpoint that no route serves is left out. It stands at
// /.well-known/openid-configuration and at /.well-known/oauth-authorization-server (RFC 8414). An
// issuer has no path, so both forms of the addresses that the two standards build are the same.
package oidc

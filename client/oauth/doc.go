// Package oauth gets tokens from Admit, or from any other OAuth 2.1 authorization server and OpenID
// Provider, in programs that run on a person's machine, in jobs and in services.
//
// It owns the client's side of the grants:
//
//   - [Client.Authorize] and [Authorization.Redeem]: the authorization code with PKCE, for programs
//     with a browser at hand; [Listen] waits for the browser to come back (RFC 8252);
//   - [Client.Device] and [Client.Poll]: the device grant, for programs without (RFC 8628);
//   - [Client.Credentials], [Client.Exchange] (RFC 8693) and [Client.Refresh].
//
// Everything is found by discovery ([Discover]). What comes back is checked: state and issuer of
// the answer (RFC 9207), signature, issuer, audience, times and nonce of an ID token.
//
// For tokens that are bound to a key give Client.HTTP the Transport of package dpop. APIs verify
// access tokens with package verify. For a web application any OpenID Connect library will do, for
// example golang.org/x/oauth2 with github.com/coreos/go-oidc.
package oauth

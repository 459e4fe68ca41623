// Package oauth2 owns speaking plain OAuth 2.0 (RFC 6749, with PKCE, RFC 7636) to providers:
// the authorization request, the exchange of the code, and who the person is by the
// provider's user-info endpoint. connection/oidc builds on Client.
//
// A person is known by the origin of the user-info endpoint and the subject that the
// connection's expression makes of its answer, so that a connection that is pointed at
// another provider never meets the old one's people.
package oauth2

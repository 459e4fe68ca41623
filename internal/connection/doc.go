// Package connection owns the ways to sign in: the built-in e-mail connection and the
// upstream identity providers that an account has set up.
//
// Owns: Connection with its limits, the rule that turns a provider's claims into one
// subject (Expression), the question whether a provider may vouch for an address
// (Connection.Vouches), the client secrets at rest, Directory (every connection in memory).
//
// Flow: Service writes; the change feed tells Directory on every node; login asks Directory
// which connections there are and Upstreams to make the trip: AuthorizeURL, then Finish.
//
// Entry points: connection.go (the noun), validate.go (its rules), service.go (the verbs),
// upstream.go (what login needs). oidc/ and oauth2/ speak to providers, catalog/ has the presets.
//
// Never: link identities, match people by e-mail, give an identifier to a second connection.
package connection

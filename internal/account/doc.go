// Package account owns accounts: who a deployment serves, under which host names, and
// with which settings.
//
// Owns: Account, Settings, the rule that turns a Host header into an account, the issuer.
//
// Flow: the public URL of the configuration serves the default account; every other
// account is reached by its custom domains. Service writes; Directory follows the change
// feed (kind "account") and answers from memory on every request.
//
// Entry points: Service (set-up, settings), Directory.ByHost (every request),
// Directory.Issuer (every absolute URL and every token).
//
// Never: a fallback to another account for an unknown host, a normalised comparison of
// hosts, an absolute URL made from a request header (I-2).
package account

// Package authorize owns an authorization request: from the browser's arrival to the answer.
//
// Flow: Begin reads the parameters through the matrix of checks (package check), then decides from
// the browser's session what is missing:
//
//	Begin -> code at once (a living session, no consent needed: one read, one write)
//	      -> a row in oauth_requests -> the login box ----+
//	      |                          -> the consent page -+-> Resume -> code, or again
//	      -> an error, to the client or on a page of ours
//
// The row holds the request as it came, belongs to one browser, and is used up by one statement.
// Resume runs the checks again: a client, a redirect URL or a right that is gone meanwhile ends the
// request. A pushed request (RFC 9126) goes through the same checks when it is pushed and when it
// is used.
//
// Entry points: service.go (the verbs), decide.go (what is missing), answer.go (how it is told).
//
// Never: pages, HTTP, SQL, tokens.
package authorize

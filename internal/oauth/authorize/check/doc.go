// Package check owns the matrix of checks that an authorization request runs through: one per file,
// in one ordered list (list.go), which docs/reference/authorization-steps.md prints.
//
// Each check reads the parameters in effect and writes what it made of them into the Request. Until
// the client and its redirect URL are proven good, an error is shown on a page of ours; after that
// it is the client's to hear. What no check reads is an unknown parameter, which is ignored
// (RFC 6749 section 3.1).
//
// Entry points: list.go, request.go.
//
// Never: a session, a decision, a parameter of the front channel beside a signed or pushed request.
package check

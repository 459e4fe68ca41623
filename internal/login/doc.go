// Package login owns a person's way from "sign in" to "signed in": one stored request
// (a row) and one dispatcher.
//
// Owns: the login request, what its browser may see next, the end of a login. Its steps have packages of
// their own: begin (how a request comes to be), choice (whose it is), mailed, away (providers and service
// clients), prove (passkeys, passwords, apps, recovery codes).
//
// Flow: begin writes the row. Every page asks View, which binds the row to the first
// browser that shows it and lets Next decide, from stored state alone, what comes:
//
//	       +-> forward -> away -----------------------+
//	       +-> await -> a service client's link ------+
//	begin -+-> choose -> mailed, a passkey, password -+-> Try -> finish -> advance -+-> complete -> done
//	       +-> accounts (one of several sessions)     |                             |
//	       +-> a session is alive and is enough ------|-----------------------------+
//	       +-> a session is alive, and is not --+     |                             |
//	                                            +-> second, enrol, renew (prove) <--+ (more is wanted, or offered)
//
// and beside the way: expired, other_browser, no_cookie, failed. The steps never call one another; each
// goes through Try, which freezes the subject, appends what was proved and asks package demand
// whether it is enough.
//
// Entry points: login.go (the words), next.go (the decision), second.go (Try, advance), service.go (the
// verbs), errand.go (a login that a page of ours waits for).
//
// Never: SQL, HTTP, tokens' claims, page texts.
package login

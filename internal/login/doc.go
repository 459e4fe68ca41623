// Package login owns a person's way from "sign in" to "signed in": one stored request
// (a row) and one dispatcher.
//
// Owns: the login request, what its browser may see next, the upstream legs, the
// authorization codes, the setup links.
//
// Flow: Start writes the row. Every page asks View, which binds the row to the first
// browser that shows it and lets Next decide, from stored state alone, what comes:
//
//	           +-> forward -> upstream leg -> FinishUpstream --+
//	           +-> await -> a service client's link -> ConfirmHandover
//	Start -> choose -> SendCode -> code -> EnterCode/FollowLink +-> complete -> done
//	           +-> a session is alive (single sign-on) --------+
//
// and beside the way: expired, other_browser, no_cookie, failed. The steps
// (step_*.go) never call one another; each writes what it proved and ends in Next.
//
// Entry points: login.go (the words), next.go (the decision), service.go (the verbs), errand.go (a login
// that a page of ours waits for).
//
// Never: SQL, HTTP, tokens' claims, page texts.
package login

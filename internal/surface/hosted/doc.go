// Package hosted owns the pages that people see when they sign in: the login box, the
// code, the second factor, the mail's link, the set-up of the first administrator.
//
// Flow: GET /login?state=ID asks login.View what this browser may see and shows it. Every
// form posts to /login/<step>; the step's answer is a 303, either back to /login?state=ID
// (with the problem's name in the query) or out to the application or a provider. Only
// what the next GET would not know is answered in place, such as a mistyped address.
//
// Entry points: routes.go (pattern -> handler), login.go, setup.go. How a page is made is in
// hosted/page; pages that ask about a client are in hosted/ask, mails in hosted/letter.
//
// Never: decisions about a login (package login), SQL, inline script or style, a request
// to another host, text of an account that is not escaped (I-25).
package hosted

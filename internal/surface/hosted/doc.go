// Package hosted owns the pages that people see when they sign in: the login box, the
// code, the mail's link, the set-up of the first administrator, and what stands there
// when something cannot go on. It also owns the texts of the code mail, because they
// live in the same catalogues.
//
// Flow: GET /login?state=ID asks login.View what this browser may see and shows it. Every
// form posts to /login/<step>; the step's answer is a 303, either back to /login?state=ID
// (with the problem's name in the query) or out to the application or a provider. Only
// a mistyped e-mail address is answered in place, so that the person need not type it again.
//
// Entry points: routes.go (pattern -> handler), login.go, setup.go, page.go (how a page
// is made), theme.go (an account's accent colour), mail.go.
//
// Never: decisions about a login (package login), SQL, inline script or style, a request
// to another host, text of an account that is not escaped (I-25).
package hosted

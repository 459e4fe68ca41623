// Package front owns the OAuth endpoints that a browser passes: the authorization endpoint, the way
// back from the login box and the consent page, and the endpoint where clients push what the browser
// would carry.
//
// Flow: authorize reads the parameters as they came, oauth/authorize decides, tell answers: a 303, a
// page that posts itself, or a page of ours that says what is wrong. The pages are those of
// surface/hosted/ask, which app hands in.
//
// Entry points: routes.go (pattern -> handler), front.go.
//
// Never: a redirect that oauth/authorize has not built, a parameter that is read twice, CORS.
package front

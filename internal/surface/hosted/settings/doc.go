// Package settings owns /settings: the page on which a person sees and changes what concerns themselves.
//
// Flow: every section wants a living session, else an errand to the login box and back. Every change is a
// POST from our own page that names the person whom the page showed, wants a recent proof as strong as the
// person can give (session.Recent), and ends in a redirect to the section it came from.
//
// Entry points: routes.go, settings.go (who is here, and what every change goes through).
//
// Never: rules of what may be changed how (the features'), a way back to an address that no application
// has registered, texts that are not in the catalogue.
package settings

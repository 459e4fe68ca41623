// Package handover owns the proof that a service client gives for a person: a JWT, signed
// with one of its access keys, that says who is to be signed in (the SDK's
// generateUserLoginUrl).
//
// Flow: the browser opens /login with the JWT. Read checks it against the client that the
// stored login names, never against what the address says. Seal turns it into a ticket for
// the page that asks the person to confirm; Open takes the ticket back from that browser.
// Read then checks everything again.
//
// Entry points: Service.
//
// Never: single use (the login keeps that in its unit of work); who exists (package user).
package handover

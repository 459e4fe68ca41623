// Package loginapi owns /api/* and /logout: the protocol that the browser SDK @authress/login
// speaks, on the wire. The shapes follow the SDK's published versions; where they differ from
// the standards is written in docs/divergences/authress.md.
//
// Entry points: New, Surface.Routes (routes.go).
//
// Never: rules of a login (internal/login), pages (surface/hosted), absolute URLs from a
// request (I-2).
package loginapi

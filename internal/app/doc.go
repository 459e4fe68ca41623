// Package app owns the wiring: which feature gets which store, which surface which feature, and
// who reacts to whose events. It is the only package that may import everything, and holds no
// rule of its own.
//
// Read app.go for the life of a deployment, feature.go for who gets what, subscriptions.go for
// who reacts to what, surface.go for what is served.
package app

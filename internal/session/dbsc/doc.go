// Package dbsc owns the binding of sessions to browsers (Device Bound Session Credentials, W3C draft):
// the keys that browsers keep for a session, the proofs that they make with them, and the value of the
// short-lived cookie that they get for a proof. A session that is bound is worth nothing without that
// cookie, and who took both has them for BoundLife at most.
//
// Flow: the answer that sets a new session's cookie carries a challenge (Offer); the browser makes a
// key and proves it (Register), once per chain of sessions: the key is never replaced. Before the
// cookie ends it asks for a challenge and proves the key again (Refresh). Guard tells session, at
// every use of a session's cookie, whether what came beside it is good.
//
// A challenge is not kept. It is a MAC over what it is for: a registration's names the chain of sessions,
// and is used up by the binding that it makes; a refresh's names the binding and how often that
// was refreshed, so that the refresh itself uses it up, with every other that was given meanwhile.
//
// A refresh wants the proof of the key and nothing else. Browsers send it on behalf of other sites'
// navigations, too, and then without the cookies of this one.
//
// Entry points: service.go (Offer, Register, Refresh), guard.go. Never: header syntax and JSON (surface/bind).
package dbsc

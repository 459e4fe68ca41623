// Package totp owns the proof by a time-based one-time code (RFC 6238): six digits, SHA-1, steps of
// thirty seconds, which is what every authenticator app does.
//
// Flow: Begin makes a seed and keeps it sealed for one person in one browser; Confirm takes the first code
// and makes a device of it. Enter counts the attempt, compares, and uses the step up: no step of a device
// is accepted twice, nor an earlier one after it.
//
// Entry points: Service.
//
// Never: whether somebody may register or remove a device now (the surfaces ask the session), and whether
// a second factor is needed (package policy).
package totp

// Package passkey owns passkeys: public keys that authenticators of people hold (WebAuthn Level 3), and the
// two ceremonies in which they are registered and used.
//
// Flow: BeginRegistration or BeginLogin makes a challenge that is bound to everything its answer must come
// from, and the options for the browser; FinishRegistration or FinishLogin uses the challenge up, verifies the
// answer and keeps or looks up the key. A refusal is no error: the caller commits whatever the outcome, because
// the challenge is used up and an event may have been written.
//
// Entry points: service.go (the verbs), verify.go (what is accepted), party.go (who asks).
//
// Never: whether a proof is enough for a session (package session), whether the person may change how they sign
// in (the caller looks for recent strong proof, I-7), the library's types in what is stored.
package passkey

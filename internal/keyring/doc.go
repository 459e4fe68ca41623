// Package keyring owns the signing keys of accounts: their making, rotation, publication
// and end.
//
// Owns: Key and its life, the rotation rules, the sealed private halves.
//
// Life of a key, all by time:
//
//	made ──────────► signs ───────────► signs no more ───────────► no longer published
//	CreatedAt        SignFrom           SignUntil                   SignUntil + MaxTokenLife + Margin
//	published from here on ..........................................
//
// Each use of a key (key.go: what it signs, and by which algorithm) has such a line of keys. A static
// key is not rotated by age, for verifiers that cannot fetch a key set; its kid begins with "s-",
// that of the others with "d-". An operator can withdraw any key, which ends it and what it signed at once.
//
// A key is published before it signs, so that verifiers which cache the published set have
// it in time: by at least Lead when rotated by age, DefaultAfter by command, and never less
// than Propagation, within which every node has heard of it. It stays published until the
// last token it signed has expired. Its private half is destroyed soon after it signed last.
//
// Flow: Service writes the schedule; Ring follows the change feed (kind "key") and answers
// from memory and the clock. No timer switches keys: every node reads the same schedule.
//
// Entry points: Service.Create with a new account, Service.Provide with a client that needs
// another algorithm, Service.Rotate and Service.Withdraw by command, Service.RotateDue by the clock, Ring.Signer and Ring.Key on every request.
//
// Never: one key for two algorithms or two uses (a static key signs access and ID tokens; see StaticUse), a kid used twice, a private half outside the seal of
// kit/crypt at rest, two keys that sign for one use at one time.
package keyring

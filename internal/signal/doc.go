// Package signal owns what registered receivers are told of people and their sessions: streams of
// Security Event Tokens (RFC 8417) as OpenID Shared Signals Framework 1.0 has them, with the events of
// CAEP and RISC.
//
// Flow: a service client makes a stream and says how it is told. Tell puts a signal into the queues of
// the account's streams, in the unit of work of the change that it tells of. Package deliver pushes what
// waits (RFC 8935); Poll hands it out and forgets what is acknowledged (RFC 8936).
//
// Entry points: service.go (the streams), tell.go (the signals), poll.go, token.go (what a token says).
//
// Never: who may have a stream (the surface asks), which event of Admit is which signal (internal/app).
package signal

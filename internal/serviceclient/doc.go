// Package serviceclient owns machine identities and their access keys.
//
// Owns: Client, Key, the format of access keys, the limit of active keys.
//
// Flow: CreateKey makes an Ed25519 key pair, keeps the public half and returns the
// access key once; or it keeps a public key that the caller brought. Directory follows the
// change feed (kind "serviceclient") and answers which keys are active.
//
// Entry points: Service (management), Directory (every token of a service client).
//
// Never: a stored private key, a removed key or client in an answer of Directory (I-11),
// an identifier used twice (I-13).
package serviceclient

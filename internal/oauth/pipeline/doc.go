// Package pipeline owns the token endpoint: how a client comes to tokens.
//
// Flow, always the same, in pipeline.go: the client proves itself (party), the key that it holds is
// proved (dpop, mutual TLS), the grant type must be the client's, the grant proves itself (the one
// variable part: one file per grant, grant_*.go), scopes and resources are narrowed (narrow.go), the family of
// tokens is written with the event in one unit of work (family.go), and what was written is signed
// afterwards (issue.go), while nobody waits for the writer.
//
// Refresh tokens are computed, not kept (refresh.go; docs/decisions/0011).
//
// Entry points: Service.Run; Families (family.go), which ends what was given.
//
// Never: a token that outlives its grant or subject, more than was granted before, a grant type or a scope
// that the client does not have now (I-11), anything signed before it is durable.
package pipeline

// Package policy owns what an account, a tenant or an application demands of a sign-in: which factors may
// begin one, when a second is needed, what losing all of them means.
//
// Flow: an administrator writes a policy for an account, a tenant or an application; the Directory holds
// them in memory; Of merges those that apply to a login, the stricter word winning.
//
// Entry points: policy.go (the words and Merge), directory.go, service.go.
//
// Never: evidence, and whether a session fulfils anything (package session computes that).
package policy

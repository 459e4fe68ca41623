// Package consent owns what people have allowed clients that are not the account's own.
//
// Owns: who must be asked (third-party clients, those that registered themselves, metadata
// documents), what an earlier answer covers, and how it is taken back.
//
// Flow: Needed compares what a client asks for with the person's earlier answers; one of them must
// cover all of it. Allow remembers an answer. Withdraw forgets all of a client's, and the event that
// tells of it ends the client's grants in the same unit of work.
//
// Entry points: service.go.
//
// Never: what a person may do (access), a token, a page. Two answers are never added up: whoever
// allowed a scope here and another there has not allowed both together.
package consent

// Package application owns relying parties: the applications that send people to sign
// in, where people may be sent back to, and which browser origins may call the login API.
//
// Owns: Application, the redirect rule (AllowsRedirect), the CORS origin rule.
//
// Flow: Service writes through Store in one transaction with its event and a change of
// kind "application"; Directory follows the change feed and answers from memory.
//
// Entry points: Service (management), Directory (every request of the login protocol).
//
// Never: a wildcard, a sub-domain match, a normalised comparison (I-1). Directory hands
// out active applications only (I-11). Identifiers are never used again (I-13).
package application

// Package request owns access requests: somebody asks for access, and somebody who could give
// it decides.
//
// Owns: the request (who asks for what for whom), its states, and the access that follows from
// an approval.
//
// Flow: a request is OPEN until exactly one decision: APPROVED, DENIED or DELETED. Approving makes
// an access record in the same unit of work, judged for the approver at that moment as if they
// had written it (I-14). What was asked for never changes after it was made, so what was read is what is
// approved.
//
// Entry points: Service.Create, Get, List, Decide, Delete, and the reaction ForgetUser.
//
// Never: access without an approver who could give it; more than one decision; a hint to people
// who ask which roles exist.
package request

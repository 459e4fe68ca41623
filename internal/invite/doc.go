// Package invite owns invites: permissions that wait for a person who need not be there yet.
//
// Owns: Invite, who may make one, what becomes of it when it is accepted.
//
// Flow: Create judges the inviter and returns the id, once. A login may follow the id (Look,
// Preset, Reserve); afterwards the person accepts it (Accept), which makes an access record.
//
// The id is a bearer secret of 256 bits; only its hash is kept, and the audit trail and logins know
// the invite by its key, a part of that hash. What is given is judged for the inviter when the
// invite is made and again, on the state that would result, when it is accepted (I-14): an inviter who
// lost the right gives nothing, and the invite stays unused.
//
// Never: an invite that two people accept; the id of a person or service that is there, or was.
package invite

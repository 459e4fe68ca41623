package user

// The events of this feature; the target is the user's id.
const (
	EventCreated = "user.created" // detail "connection"
	EventUpdated = "user.updated" // the profile changed at a login
	EventDeleted = "user.deleted" // sessions, grants and all else that names the user must go; detail "linked" for one of a linked issuer
	// EventAddress tells that a sign-in replaced the proved address to which the person is written; detail
	// "connection". It comes first, while the former one can still be read.
	EventAddress  = "user.address.changed"
	EventProfile  = "user.profile.updated" // the person changed it
	EventDeletion = "user.deletion"        // the person is about to be deleted, by themselves: their address can still be read
	EventClaims   = "user.claims.updated"  // what the tokens of the person carry
	EventUnlinked = "user.unlinked"        // identities of a deleted connection are gone; the target is the connection, detail "count"
)

// ChangeKind is the kind of this feature's entries in the change feed, written when a user's
// profile or claims change and when a user is deleted; the key is the user's id.
const ChangeKind = "user"

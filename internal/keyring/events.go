package keyring

// The events of this feature; the target is the kid, detail "use".
const (
	EventCreated   = "keyring.key.created"   // detail "signFrom", RFC 3339
	EventScheduled = "keyring.key.scheduled" // a pending key was brought forward; detail "signFrom"
	EventWithdrawn = "keyring.key.withdrawn" // an operator took it out of use, with all that it signed
	EventDestroyed = "keyring.key.destroyed" // the private half is gone
)

// ChangeKind is the kind of this feature's entries in the change feed; the key is the use.
const ChangeKind = "key"

package account

// The events of this feature; the target is the account's id.
const (
	EventCreated     = "account.created"
	EventUpdated     = "account.updated"
	EventHostAdded   = "account.host.added"   // detail "host"
	EventHostRemoved = "account.host.removed" // detail "host"
)

// ChangeKind is the kind of this feature's entries in the change feed; the key is the account's id.
const ChangeKind = "account"

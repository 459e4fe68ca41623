package serviceclient

// The events of this feature; the target is the client's id.
const (
	EventCreated    = "serviceclient.created"
	EventUpdated    = "serviceclient.updated"
	EventDeleted    = "serviceclient.deleted"
	EventKeyCreated = "serviceclient.key.created" // detail "keyId", and "brought" when the caller made the key
	EventKeyDeleted = "serviceclient.key.deleted" // detail "keyId"
)

// ChangeKind is the kind of this feature's entries in the change feed; the key is the client's id.
const ChangeKind = "serviceclient"

package application

// The events of this feature; the target is the application's id.
const (
	EventCreated = "application.created"
	EventUpdated = "application.updated"
	EventDeleted = "application.deleted"
	// EventLowered follows EventUpdated when the application is trusted less than what it holds was given for.
	EventLowered = "application.trust.lowered"
)

// ChangeKind is the kind of this feature's entries in the change feed; the key is the application's id.
const ChangeKind = "application"

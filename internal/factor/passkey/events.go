package passkey

// The events of this feature; the target is the person's id, detail "passkey" the passkey's.
const (
	EventRegistered = "passkey.registered" // details "model", "form"
	EventPending    = "passkey.pending"    // registered with a challenge that was not ours; it proves nothing yet
	EventRenamed    = "passkey.renamed"
	EventRemoved    = "passkey.removed"    // details "model", "form"
	EventSuspicious = "passkey.suspicious" // detail "why": the counter went back or the key changed its nature
)

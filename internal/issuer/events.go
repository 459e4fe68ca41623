package issuer

// The events of this feature; the target is the trust's id.
const (
	EventLinked   = "issuer.linked" // details "issuer", "audience", "userIdExpression"
	EventUnlinked = "issuer.unlinked"
)

// ChangeKind is the kind of this feature's entries in the change feed; the key is the trust's id.
const ChangeKind = "issuer"

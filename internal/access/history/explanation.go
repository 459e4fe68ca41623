package history

import (
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// The bounds of an explanation.
const (
	MaxReasons = 20
	MaxNear    = 10
)

// Question is: may the user, or service client, do the action to the resource? Resource and
// action may hold stars; then it is about all that they name.
type Question = access.Question

// Explanation is an answer with what it rests on.
type Explanation struct {
	Question Question // resource and action in canonical form
	Allowed  bool
	// Because are the grants of which each suffices by itself, the most specific first. Empty
	// when it is not allowed.
	Because []Reason
	More    bool // others suffice too, and are left out
	// Nearest are the grants that come closest, the closest first. Empty when it is allowed.
	Nearest []Near
	At      time.Time // the moment that the answer is about
	// Revision is the number of the last change in the feed that the reading saw.
	Revision int64
}

// Cover tells how a granted resource covers the asked one.
type Cover string

// The ways to cover.
const (
	Itself     Cover = "itself"     // the granted resource is the asked one
	Parent     Cover = "parent"     // it is above it
	Wildcard   Cover = "wildcard"   // it holds stars that stand for it, or for something above it
	Everything Cover = "everything" // it is *
	Public     Cover = "public"     // the resource, or one above it, is open to everybody
	Elsewhere  Cover = "elsewhere"  // it does not cover it; only in Near
)

// Grant says where something was given: a role on a resource, by a statement of a record.
type Grant struct {
	// Record, RecordName and Statement (the number of the statement in the record, from 0) are told
	// only to who may read the record, and Group only to who may read the group. Hidden says
	// that something of this was left out.
	Record     ident.RecordID
	RecordName string
	Statement  int
	Group      ident.GroupID // through which the user has it
	ViaGroup   bool          // the user has it through a group, named or not
	Hidden     bool
	Role       ident.RoleID // empty for what is public
	Resource   string       // as granted, in canonical form
	Covers     Cover
	StartsAt   time.Time // zero: from the beginning
	ExpiresAt  time.Time // zero: without end
}

// Reason is a grant that suffices.
type Reason struct {
	Grant
	Permission access.Permission // the line of the role that allows it; for what is public, * with allow
}

// Miss says what a grant lacks.
type Miss string

// The misses, in the order of nearness.
const (
	NotYet        Miss = "notYet"        // it starts later: StartsAt
	Expired       Miss = "expired"       // it has ended: ExpiresAt
	Revoked       Miss = "revoked"       // the record gave it until Since and does not any more, or was deleted
	LeftGroup     Miss = "leftGroup"     // the user belonged to the group until Since
	RoleMissing   Miss = "roleMissing"   // the role does not exist
	NotAllowed    Miss = "notAllowed"    // the role names the action, but only to grant or delegate it
	OtherAction   Miss = "otherAction"   // the role has other actions
	OtherResource Miss = "otherResource" // the role allows it on another resource
	Unknown       Miss = "unknown"       // no record names the user or a group of theirs; nothing else is set
	Nothing       Miss = "nothing"       // records name them, and give nothing like it; nothing else is set
)

// Near is a grant that comes close.
type Near struct {
	Grant
	Why        Miss
	Permission access.Permission // for NotAllowed: the line of the role that names the action
	Actions    []string          // for OtherAction: what the role allows, at most ten
	Since      time.Time         // for Revoked and LeftGroup: when it ended
}

// Subject is somebody who may.
type Subject struct{ User ident.UserID }

// Subjects is one page of everybody who may do something to a resource, in order of their ids.
type Subjects struct {
	Subjects []Subject
	More     bool // others follow
	// Everyone says that the resource is open to everybody for the action. The list then holds
	// those who were given it besides.
	Everyone bool
	At       time.Time
	Revision int64
}

// ResourceUser is a user with explicit access to a resource, with the roles they were given on it.
type ResourceUser struct {
	User  ident.UserID
	Roles []ident.RoleID // each once, in order
}

package invite

import (
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/user"
)

// Limits of an invite.
const (
	DefaultLife   = 7 * 24 * time.Hour
	MinLife       = 5 * time.Minute
	MaxLife       = 30 * 24 * time.Hour
	MaxStatements = 100
	MaxID         = 256 // bytes of an id that is looked for
	maxBytes      = access.MaxRecordBytes

	// MaxOpen is how many invites of one person can be open at once, and MaxOpenAdministrator how
	// many of one who may CREATE Authress:Invites, and of one service client.
	MaxOpen              = 100
	MaxOpenAdministrator = 10_000
)

// Strategy says what accepting an invite does with the person's record of former invites of the
// same inviter. Only a record that such an invite has made and nobody has given to others counts.
type Strategy string

// The strategies.
const (
	// NewRecord makes a record of its own for every invite.
	NewRecord Strategy = "GENERATE_NEW_RECORD"
	// Merge adds the statements to those of the record. Unsafe, because what was given
	// before stays, whatever the inviter thinks of it now.
	Merge Strategy = "UNSAFE_FORCE_MERGE"
	// Replace puts the statements in the place of those of the record.
	Replace Strategy = "REPLACE_RECORD_DATA"
	// Skip leaves the record as it is, when it is in force.
	Skip Strategy = "SKIP_CHANGES"
)

// Invite is permissions that wait for a person.
type Invite struct {
	Account    ident.AccountID
	Hash       []byte // of the id
	Statements []access.Statement
	Strategy   Strategy
	// LinkedUser is the id that a person gets who signs up by the invite; empty for a random one.
	LinkedUser ident.UserID
	Tenant     ident.TenantID // whose way to sign in the invite leads to, or empty
	By         actor.Actor    // who made it; only Kind, Account and ID are kept
	ReservedBy ident.UserID   // who signed up by it and got LinkedUser
	AcceptedBy ident.UserID
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Key names the invite where its id must not be: audit trail and logins.
func (i Invite) Key() string { return hex.EncodeToString(i.Hash[:min(16, len(i.Hash))]) }

// open tells whether it can still be accepted.
func (i Invite) open(now time.Time) bool { return i.AcceptedBy == "" && now.Before(i.ExpiresAt) }

// record is what the person gets. Only the strategy decides its id.
func (i Invite) record(id ident.RecordID, user ident.UserID) access.Record {
	r := access.Record{ID: id, Name: "Invite", Statements: i.Statements, Tags: map[string]string{"invite": i.Key()}}
	if user != "" {
		r.Users = []ident.UserID{user}
	}
	return r
}

const (
	idPurpose     = "invite/id"
	recordPurpose = "invite/record"
)

func hashOf(id secret.Text) []byte { return secret.Hash(idPurpose, id.Reveal()) }

// recordOf is the record of all invites of one inviter to one person that do not make their own.
func recordOf(by actor.Actor, user ident.UserID) ident.RecordID {
	return ident.RecordID("invited_" + hex.EncodeToString(secret.Hash(recordPurpose, by.String()+"\n"+string(user))[:20]))
}

var linkedForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,32}$`)

// ownIDs begin the ids that the user feature makes for people.
const ownIDs = "usr_"

func (i Invite) validate() error {
	switch i.Strategy {
	case NewRecord, Merge, Replace, Skip:
	default:
		return invalid("conflictResolutionStrategy is GENERATE_NEW_RECORD, UNSAFE_FORCE_MERGE, REPLACE_RECORD_DATA or SKIP_CHANGES.")
	}
	if len(i.Statements) > MaxStatements {
		return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "An invite has at most 100 statements.")
	}
	size := 0
	for _, st := range i.Statements {
		if len(st.Users)+len(st.Groups) > 0 {
			return invalid("The statements of an invite name no users and no groups: they are for whoever accepts it.")
		}
		for _, r := range st.Resources {
			size += len(r)
		}
	}
	if size > maxBytes {
		return fault.New(fault.TooLarge, fault.CodeInvalidRequest, "The invite is larger than an access record may be.")
	}
	if len(i.Statements) > 0 {
		r := i.record("invited", "usr_x")
		if err := r.Validate(); err != nil {
			return err
		}
	}
	if i.LinkedUser != "" && (!linkedForm.MatchString(string(i.LinkedUser)) || !user.Usable(i.LinkedUser) ||
		strings.HasPrefix(strings.ToLower(string(i.LinkedUser)), ownIDs)) {
		return invalid("linkedUserId has 1 to 32 characters of a-z A-Z 0-9 _ - and does not begin like an id that Admit makes.")
	}
	return nil
}

func invalid(public string) error { return fault.New(fault.Invalid, fault.CodeInvalidRequest, public) }

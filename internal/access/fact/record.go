package fact

import (
	"time"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Limits of an access record.
const (
	MaxRecordBytes        = 100 * 1024 // of its stored form
	maxName               = 128        // characters
	maxDescription        = 1024
	maxRecordUsers        = 1000
	maxRecordAdmins       = 100
	maxRecordGroups       = 100
	maxStatements         = 100
	maxStatementRoles     = 100
	maxStatementResources = 100
	maxStatementUsers     = 100
	maxStatementGroups    = 10
)

// Status says whether a record is in force.
type Status string

// The statuses. A deleted record is kept, gives nothing, and may be created again.
const (
	Active  Status = "ACTIVE"
	Deleted Status = "DELETED"
)

// Record gives users and groups roles on resources.
type Record struct {
	ID          ident.RecordID
	Name        string
	Description string
	Status      Status
	Users       []ident.UserID
	Groups      []ident.GroupID
	Admins      []ident.UserID // may change the record, within what they may give
	Statements  []Statement
	Tags        map[string]string
	CreatedAt   time.Time
	// LastUpdated has whole seconds and grows by at least one with every change, so that
	// a precondition in whole seconds never misses one.
	LastUpdated time.Time
	Capacity    float64 // share of MaxRecordBytes that is used, 0 to 1; set by the Service
	Unsaid      []bool  `json:"-"` // per statement, for ReplaceRecord: it says nothing of its bounds in time
}

// Statement is a set of roles on a set of resources. It applies to the record's users and
// groups, or to its own; a record uses one way or the other.
type Statement struct {
	Roles     []ident.RoleID
	Resources []string // as written; ParseResource reads them
	Users     []ident.UserID
	Groups    []ident.GroupID
	// It is in force from StartsAt until before ExpiresAt, by this deployment's clock; a zero
	// time is no bound. Both are in UTC and whole seconds once they are stored.
	StartsAt  time.Time `json:",omitzero"`
	ExpiresAt time.Time `json:",omitzero"`
}

// Window is when the statement is in force.
func (s *Statement) Window() check.Window { return check.Between(s.StartsAt, s.ExpiresAt) }

// Validate checks the record against the limits of the contract, except its size.
func (r *Record) Validate() error {
	if !form.ID(string(r.ID), 100, form.RecordBytes) {
		return invalid("recordId has 1 to 100 characters of a-z A-Z 0-9 - _ : | ~.")
	}
	if err := form.Text("name", r.Name, 1, maxName); err != nil {
		return err
	}
	if err := form.Text("description", r.Description, 0, maxDescription); err != nil {
		return err
	}
	if len(r.Statements) == 0 {
		return invalid("statements must hold at least one statement.")
	}
	if err := form.Within(
		form.AtMost("users", len(r.Users), maxRecordUsers), form.AtMost("admins", len(r.Admins), maxRecordAdmins),
		form.AtMost("groups", len(r.Groups), maxRecordGroups), form.AtMost("statements", len(r.Statements), maxStatements),
	); err != nil {
		return err
	}
	if err := form.Principals(r.Users, r.Groups); err != nil {
		return err
	}
	if err := form.Principals(r.Admins, nil); err != nil {
		return err
	}
	own := false
	for i := range r.Statements {
		if err := r.Statements[i].validate(); err != nil {
			return err
		}
		own = own || len(r.Statements[i].Users)+len(r.Statements[i].Groups) > 0
	}
	if own && len(r.Users)+len(r.Groups) > 0 {
		return fault.New(fault.Unprocessable, fault.CodeInvalidRequest,
			"users and groups stand at the record or at its statements, not at both.")
	}
	return form.Tags(r.Tags)
}

func (s *Statement) validate() error {
	if len(s.Roles) == 0 || len(s.Resources) == 0 {
		return invalid("A statement names at least one role and one resource.")
	}
	if err := form.Within(
		form.AtMost("roles of a statement", len(s.Roles), maxStatementRoles),
		form.AtMost("resources of a statement", len(s.Resources), maxStatementResources),
		form.AtMost("users of a statement", len(s.Users), maxStatementUsers),
		form.AtMost("groups of a statement", len(s.Groups), maxStatementGroups),
	); err != nil {
		return err
	}
	for _, role := range s.Roles {
		if !form.ID(string(role), 64, form.RoleBytes) {
			return invalid("A role id has 1 to 64 characters of a-z A-Z 0-9 - . _ : @.")
		}
	}
	for _, resource := range s.Resources {
		if _, err := check.ParseResource(resource); err != nil {
			return err
		}
	}
	if err := s.validTimes(); err != nil {
		return err
	}
	return form.Principals(s.Users, s.Groups)
}

func (s *Statement) validTimes() error {
	for _, t := range []time.Time{s.StartsAt, s.ExpiresAt} {
		if !t.IsZero() && (t.Unix() <= 0 || t.UTC().Year() > 9999) {
			return invalid("startsAt and expiresAt lie after 1970 and before the year 10000.")
		}
	}
	if w := s.Window(); w.Until != 0 && w.Until <= w.From {
		return invalid("expiresAt lies after startsAt.")
	}
	return nil
}

// inSeconds writes the bounds of the statement as they count: parts of seconds make it shorter.
func (s *Statement) inSeconds() { s.StartsAt, s.ExpiresAt = s.Window().Bounds() }

// Blocks is what the record gives to whom, in the form of the index. A record that is not
// in force gives nothing. The record must be valid.
func (r *Record) Blocks() []index.Block {
	if r.Status == Deleted {
		return nil
	}
	var out []index.Block
	common := index.Block{Principals: principals(r.Users, r.Groups)}
	for i := range r.Statements {
		s := &r.Statements[i]
		if len(s.Users)+len(s.Groups) > 0 {
			out = append(out, index.Block{Principals: principals(s.Users, s.Groups), Grants: s.grants()})
			continue
		}
		common.Grants = append(common.Grants, s.grants()...)
	}
	if len(common.Grants) > 0 {
		out = append(out, common)
	}
	return out
}

func (s *Statement) grants() []index.Grant {
	out := make([]index.Grant, 0, len(s.Roles)*len(s.Resources))
	window := s.Window()
	for _, text := range s.Resources {
		resource, err := check.ParseResource(text)
		if err != nil {
			continue // cannot be stored; and giving less is the safe side
		}
		for _, role := range s.Roles {
			out = append(out, index.Grant{Role: role, Resource: resource, Window: window})
		}
	}
	return out
}

func principals(users []ident.UserID, groups []ident.GroupID) []index.Principal {
	out := make([]index.Principal, 0, len(users)+len(groups))
	for _, u := range users {
		out = append(out, index.Principal{User: u})
	}
	for _, g := range groups {
		out = append(out, index.Principal{Group: g})
	}
	return out
}

// Next returns the time of a change: now in whole seconds, but later than the change before.
func Next(now, before time.Time) time.Time {
	t := now.UTC().Truncate(time.Second)
	if !t.After(before) {
		t = before.Truncate(time.Second).Add(time.Second)
	}
	return t
}

// UnchangedSince checks the caller's precondition; the zero time is none.
func UnchangedSince(lastUpdated, since time.Time) error {
	if !since.IsZero() && lastUpdated.Truncate(time.Second).After(since.Truncate(time.Second)) {
		return fault.New(fault.Precondition, "PreconditionFailed",
			"It was changed since you read it. Read it again and repeat your change.")
	}
	return nil
}

// ValidUser checks the form of a user id: 1 to 128 characters of the contract's alphabet.
func ValidUser(u ident.UserID) error { return form.User(u) }

func invalid(why string) error { return form.Invalid(why) }

package request

import (
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Limits of a request, and of how many may wait for a decision.
const (
	maxUsers = 100
	maxPairs = 10_000 // of a role and a resource: what an approver can be judged for at once

	MaxOpen          = 20     // open requests of somebody who asks for themselves
	MaxOpenPermitted = 10_000 // open requests of somebody who may CREATE Authress:AccessRequests
)

// ID names a request.
type ID string

// Status says how far a request is.
type Status string

// The statuses. Only an open request can change, apart from being deleted.
const (
	Open     Status = "OPEN"
	Approved Status = "APPROVED"
	Denied   Status = "DENIED"
	Deleted  Status = "DELETED"
)

// Request asks that users get roles on resources.
type Request struct {
	ID          ID
	Status      Status
	By          ident.UserID // who asks: a user or a service client; empty once they were deleted
	Users       []ident.UserID
	Statements  []access.Statement
	Tags        map[string]string
	DecidedBy   string         // who approved, denied or deleted it, as the audit trail names them
	Record      ident.RecordID // what an approval made
	CreatedAt   time.Time
	LastUpdated time.Time // in milliseconds; later with every change
}

// record is the access record that an approval makes.
func (r *Request) record() access.Record {
	return access.Record{
		ID: r.Record, Name: "Access request " + string(r.ID), Description: "Made by approving the access request.",
		Status: access.Active, Users: r.Users, Statements: r.Statements, Tags: r.Tags,
	}
}

// Validate checks the request against the limits of the contract. What breaks one is Unprocessable.
func (r *Request) Validate() error {
	if len(r.Users) == 0 || len(r.Users) > maxUsers {
		return unprocessable("access.users names 1 to 100 users.")
	}
	pairs := 0
	for i := range r.Statements {
		s := &r.Statements[i]
		if len(s.Users)+len(s.Groups) > 0 {
			return unprocessable("The statements of a request name no users and groups of their own.")
		}
		pairs += len(s.Roles) * len(s.Resources)
	}
	if pairs > maxPairs {
		return unprocessable("A request asks for at most 10,000 roles on resources.")
	}
	rec := r.record()
	rec.ID = "rec_"
	return understood(rec.Validate())
}

func unprocessable(why string) error {
	return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, why)
}

// understood makes what was refused as Invalid Unprocessable: the request was understood, and breaks a rule.
func understood(err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	f, ok := fault.Wrap("request", err).(*fault.Error)
	if !ok {
		return err
	}
	out := *f
	out.Kind = fault.Unprocessable
	return &out
}

// next is the time of a change: now in milliseconds, but later than the change before.
func next(now, before time.Time) time.Time {
	t := now.UTC().Truncate(time.Millisecond)
	if !t.After(before) {
		t = before.Add(time.Millisecond)
	}
	return t
}

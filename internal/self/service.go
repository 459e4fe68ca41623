package self

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// EventExported tells that somebody took their data along; the target is the person.
const EventExported = "user.data.exported"

// PageSize is how many acts a page of Activity has.
const PageSize = 25

// Trail is the audit trail. *audit.Service is one.
type Trail interface {
	List(ctx context.Context, account ident.AccountID, q audit.Query) ([]audit.Entry, string, error)
}

// Part is one part of an Export, read by the feature that holds it. What it returns becomes JSON.
type Part struct {
	Name string
	Read func(ctx context.Context, account ident.AccountID, user ident.UserID) (any, error)
}

// Service answers a person's questions about themselves. Who may ask is decided by the surface.
type Service struct {
	db    tx.Runner
	trail Trail
	parts []Part
}

// New makes the service.
func New(db tx.Runner, trail Trail, parts ...Part) *Service {
	return &Service{db: db, trail: trail, parts: parts}
}

// Act is something that happened to a person's account.
type Act struct {
	ID     string            `json:"id"`
	At     time.Time         `json:"at"`
	Type   string            `json:"type"`
	By     By                `json:"by"`
	Detail map[string]string `json:"detail,omitempty"`
	// Address is that of the browser or program, when it was the person's own.
	Address string          `json:"address,omitempty"`
	Session ident.SessionID `json:"session,omitempty"`
	Target  string          `json:"target,omitempty"`
}

// By says who did it, as far as that is the person's business.
type By string

// Who did it.
const (
	ByYou           By = "you"           // the person, or whoever was at their sign-in
	ByAdministrator By = "administrator" // another person, a service client or the operator
	BySystem        By = "system"        // Admit itself: a deadline, a rule
)

// actOf is an entry as the person sees it.
func actOf(e audit.Entry, user ident.UserID) Act {
	a := Act{ID: e.ID, At: e.At, Type: e.Type, By: ByAdministrator, Target: e.Target}
	switch {
	case e.Actor == "user:"+string(user), e.Actor == actor.Actor{}.String():
		a.By, a.Detail, a.Address, a.Session = ByYou, e.Detail, e.Address, e.Session
	case e.Actor == actor.ForSystem("").String():
		a.By, a.Detail = BySystem, e.Detail
	}
	return a
}

// Activity returns a page of what happened to a person's account, newest first. before is the next of the
// page before, empty on the first; next is empty on the last.
func (s *Service) Activity(ctx context.Context, account ident.AccountID, user ident.UserID, before string) (page []Act, next string, err error) {
	if user == "" || before != "" && !strings.HasPrefix(before, "evt_") {
		return nil, "", nil
	}
	for range maxRounds {
		var found []Act
		if found, before, err = s.acts(ctx, account, user, audit.Query{Before: before, Limit: PageSize}); err != nil {
			return nil, "", err
		}
		page = append(page, slices.DeleteFunc(found, func(a Act) bool { return everyday(a.Type) })...)
		if before == "" || len(page) >= PageSize {
			break
		}
	}
	return page, before, nil
}

// maxRounds bounds how much of everyday a page skips. One that is short although others follow is no fault.
const maxRounds = 8

// everyday tells what happens so often that it would hide the rest: the tokens of applications, and the steps
// of a sign-in, of which the session tells. It is in an Export.
func everyday(kind string) bool {
	for _, prefix := range []string{"oauth.token.", "oauth.authorized", "login.", "session.seat.", "session.replaced", "session.switched"} {
		if strings.HasPrefix(kind, prefix) {
			return kind != "login.newDevice" && !strings.HasPrefix(kind, "login.browser.")
		}
	}
	return false
}

func (s *Service) acts(ctx context.Context, account ident.AccountID, user ident.UserID, q audit.Query) (page []Act, next string, err error) {
	q.Person = string(user)
	entries, next, err := s.trail.List(ctx, account, q)
	for _, e := range entries {
		page = append(page, actOf(e, user))
	}
	return page, next, fault.Wrap("self.Activity", err)
}

// Export collects everything that the account holds about a person, and leaves a note in the audit trail
// that it was taken. An error in one part is an error of the whole: half a truth is none. What happened is read
// while the export is written.
func (s *Service) Export(ctx context.Context, by actor.Actor, user ident.UserID) (out Export, err error) {
	if user == "" || by.Kind != actor.User || by.ID != string(user) {
		return out, fault.New(fault.Forbidden, fault.CodeForbidden, "Only the person themselves can take their data.")
	}
	out = Export{Account: by.Account, User: user, Parts: map[string]any{}, trail: s}
	for _, p := range s.parts {
		if out.Parts[p.Name], err = p.Read(ctx, by.Account, user); err != nil {
			return Export{}, fault.Wrap("self.Export: "+p.Name, err)
		}
	}
	err = s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		out.At = t.Now()
		return t.Emit(ctx, event.New(by, EventExported, string(user)))
	})
	return out, fault.Wrap("self.Export", err)
}

package remember

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Own is what people do with their own browsers, each verb a unit of work of its own. Who may call is
// decided by the surface.
type Own struct {
	db tx.Runner
	s  *Service
}

// NewOwn makes it.
func NewOwn(db tx.Runner, s *Service) *Own { return &Own{db, s} }

// List returns a person's browsers, the newest first, and the id of the one with that cookie, if it is one of them.
func (o *Own) List(ctx context.Context, account ident.AccountID, user ident.UserID, cookie secret.Text) (all []Browser, here string, err error) {
	err = o.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if all, err = o.s.List(ctx, t, account, user); err != nil {
			return err
		}
		here, err = o.s.Name(ctx, t, account, user, cookie)
		return err
	})
	return all, here, fault.Wrap("remember.List", err)
}

// Forget forgets one of the person's browsers. NotFound when they have none such.
func (o *Own) Forget(ctx context.Context, by actor.Actor, id string) error {
	if by.Kind != actor.User || by.ID == "" {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has browsers of their own.")
	}
	err := o.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return o.s.Remove(ctx, t, by, ident.UserID(by.ID), id)
	})
	return fault.Wrap("remember.Forget", err)
}

// Where is a browser as a person takes it along.
type Where struct {
	Name      string    `json:"name,omitempty"`
	CreatedAt time.Time `json:"createdTime"`
	ExpiresAt time.Time `json:"expiresTime"`
}

// About returns a person's browsers, for themselves to take along.
func (o *Own) About(ctx context.Context, account ident.AccountID, user ident.UserID) ([]Where, error) {
	all, _, err := o.List(ctx, account, user, secret.Text{})
	out := []Where{}
	for _, b := range all {
		out = append(out, Where{b.Name, b.CreatedAt, b.ExpiresAt})
	}
	return out, err
}

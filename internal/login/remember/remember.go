// Package remember owns the browsers in which a person need not show a second factor again.
//
// Flow: who shows a second factor and ticks the box gets a cookie (Add), whose hash is kept for this
// person; Knows is asked before the second factor is. What changes how somebody signs in forgets all
// their browsers. People see them and forget them on their own page (Own).
//
// Entry points: Service, Own.
//
// Never: who may be remembered, and for how long (package policy says that), and anything that an `acr` wants.
package remember

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const purpose = "login/device"

// maxHeld bounds the browsers of a person; the oldest gives way.
const maxHeld = 20

// The events; the target is the person.
const (
	EventAdded     = "login.browser.remembered"
	EventForgotten = "login.browser.forgotten" // detail "browser", or "all"
)

// Browser is one that is remembered for a person.
type Browser struct {
	Account   ident.AccountID
	User      ident.UserID
	ID        string // "brw_..."
	Name      string // "Firefox on Linux", or empty
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Store keeps them. Cookies are known by their hash only.
type Store interface {
	// Add keeps a browser in place of the same person's behind that hash, and no more than keep of the person.
	Add(ctx context.Context, t tx.Tx, b Browser, hash []byte, keep int) error
	// Find returns a person's living browser behind a hash, or a fault of kind NotFound.
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, hash []byte) (Browser, error)
	// Move gives what is remembered behind a hash, for whomever, another one.
	Move(ctx context.Context, t tx.Tx, account ident.AccountID, from, to []byte) error
	// List returns a person's living browsers, the newest first.
	List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Browser, error)
	// Remove deletes one; a fault of kind NotFound when there is none.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, id string) error
	// Forget deletes all of a person and tells how many.
	Forget(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int64, error)
}

// Service holds the verbs, all in the caller's unit of work.
type Service struct{ Store Store }

// Knows tells whether a person is remembered in the browser with that cookie, since at most life ago.
func (s *Service) Knows(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, cookie secret.Text, life time.Duration) (bool, error) {
	if cookie.Empty() || user == "" || life <= 0 {
		return false, nil
	}
	found, err := s.Store.Find(ctx, t, account, user, hash(cookie))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && t.Now().Before(found.CreatedAt.Add(life)), err
}

// Name names the browser with that cookie, if the person is remembered there; else it is empty.
func (s *Service) Name(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, cookie secret.Text) (string, error) {
	if cookie.Empty() {
		return "", nil
	}
	found, err := s.Store.Find(ctx, t, account, user, hash(cookie))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return found.ID, err
}

// Add remembers a browser for a person and returns the new value of its cookie. The old value dies: whoever
// has seen it gains nothing from what is added now. Others who are remembered there stay so.
func (s *Service) Add(ctx context.Context, t tx.Tx, by actor.Actor, name string, former secret.Text, life time.Duration) (secret.Text, time.Time, error) {
	cookie, expires := secret.Random(""), t.Now().Add(life)
	b := Browser{
		Account: by.Account, User: ident.UserID(by.ID), ID: ident.New("brw_"), Name: name, CreatedAt: t.Now(), ExpiresAt: expires,
	}
	if !former.Empty() {
		if err := s.Store.Move(ctx, t, by.Account, hash(former), hash(cookie)); err != nil {
			return secret.Text{}, time.Time{}, err
		}
	}
	if err := s.Store.Add(ctx, t, b, hash(cookie), maxHeld); err != nil {
		return secret.Text{}, time.Time{}, err
	}
	return cookie, expires, t.Emit(ctx, event.New(by, EventAdded, by.ID, "browser", b.ID, "name", name))
}

// List returns a person's browsers, the newest first.
func (s *Service) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Browser, error) {
	return s.Store.List(ctx, t, account, user)
}

// Remove forgets one of a person's browsers. Errors: NotFound.
func (s *Service) Remove(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, id string) error {
	if err := s.Store.Remove(ctx, t, by.Account, user, id); err != nil {
		return err
	}
	return t.Emit(ctx, event.New(by, EventForgotten, string(user), "browser", id))
}

// ForgetOthers forgets a person's browsers, but for the one with that cookie.
func (s *Service) ForgetOthers(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, cookie secret.Text) error {
	keep, err := s.Name(ctx, t, by.Account, user, cookie)
	if err != nil {
		return err
	}
	all, err := s.Store.List(ctx, t, by.Account, user)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.ID == keep {
			continue
		}
		if err := s.Remove(ctx, t, by, user, b.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// ForgetAll is the reaction to what changes how a person signs in, and to the end of the person.
func (s *Service) ForgetAll(ctx context.Context, t tx.Tx, e event.Event) error {
	n, err := s.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target))
	if err != nil || n == 0 {
		return err
	}
	by := e.Actor
	by.Account = e.Account
	return t.Emit(ctx, event.New(by, EventForgotten, e.Target, "browser", "all"))
}

func hash(cookie secret.Text) []byte { return secret.Hash(purpose, cookie.Reveal()) }

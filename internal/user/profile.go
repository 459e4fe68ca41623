package user

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Chosen says which members of a profile the person has set. Signing in leaves them as they are.
type Chosen uint8

// The members.
const (
	ChosenName Chosen = 1 << iota
	ChosenLocale
	ChosenPicture
)

// The reasons why a profile is refused.
var (
	ErrName    = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A name has at most 256 bytes and no characters that cannot be seen.")
	ErrLocale  = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A locale is a language tag such as en or pt-BR.")
	ErrPicture = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A picture is an https address of at most 2048 bytes.")
)

// Wish is what a person says about themselves. An empty member is taken back: the next sign-in fills
// it again.
type Wish struct {
	Name, Locale, Picture string
}

var localeForm = regexp.MustCompile(`^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$`)

func (w Wish) validate() error {
	switch {
	case len(w.Name) > maxName || oneLine(w.Name) != w.Name:
		return ErrName
	case w.Locale != "" && (len(w.Locale) > maxLocale || !localeForm.MatchString(w.Locale)):
		return ErrLocale
	}
	if w.Picture == "" {
		return nil
	}
	u, err := url.Parse(w.Picture)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(w.Picture) > maxPicture || oneLine(w.Picture) != w.Picture {
		return ErrPicture
	}
	return nil
}

// set puts a wish onto u and tells whether that changed it.
func (u *User) set(w Wish) bool {
	before := *u
	for _, f := range []struct {
		to   *string
		from string
		own  Chosen
	}{{&u.Name, w.Name, ChosenName}, {&u.Locale, w.Locale, ChosenLocale}, {&u.Picture, w.Picture, ChosenPicture}} {
		switch {
		case f.from == *f.to: // as it was, whoever set it
		case f.from == "":
			*f.to, u.Chosen = "", u.Chosen&^f.own
		default:
			*f.to, u.Chosen = f.from, u.Chosen|f.own
		}
	}
	return before.Name != u.Name || before.Locale != u.Locale || before.Picture != u.Picture || before.Chosen != u.Chosen
}

// SetProfile replaces what a person says about themselves. Errors: ErrName, ErrLocale, ErrPicture,
// NotFound.
func (s *Service) SetProfile(ctx context.Context, by actor.Actor, id ident.UserID, w Wish) (u User, err error) {
	w.Name, w.Locale, w.Picture = strings.TrimSpace(w.Name), strings.TrimSpace(w.Locale), strings.TrimSpace(w.Picture)
	if err := w.validate(); err != nil {
		return User{}, err
	}
	err = s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if u, err = s.store.Get(ctx, t, by.Account, id); err != nil {
			return err
		}
		if !u.set(w) {
			return nil
		}
		u.UpdatedAt = t.Now()
		if err := s.store.Update(ctx, t, u); err != nil {
			return err
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventProfile, string(id)))
	})
	return u, fault.Wrap("user.SetProfile", err)
}

// Leave is Delete by the person themselves. EventDeletion comes first, while their address can still be
// read, so that they can be told.
func (s *Service) Leave(ctx context.Context, by actor.Actor, id ident.UserID) error {
	if by.Kind != actor.User || by.ID != string(id) || Foreign(id) {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only the person themselves can leave.")
	}
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if err := t.Emit(ctx, event.New(by, EventDeletion, string(id))); err != nil {
			return err
		}
		return s.deleteIn(ctx, t, by, id)
	})
	return fault.Wrap("user.Leave", err)
}

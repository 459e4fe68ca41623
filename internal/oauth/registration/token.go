package registration

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// InitialToken lets whoever has it register clients (RFC 7591 section 1.2).
type InitialToken struct {
	Account   ident.AccountID
	ID        string // "rgt_..."
	Uses      int    // left
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Limits of initial access tokens.
const (
	MaxTokens    = 50 // of an account
	MaxUses      = 10_000
	MaxTokenLife = 366 * 24 * time.Hour

	tokenPrefix  = "ait_"
	tokenPurpose = "oauth.registration.initial"
)

// The events of initial access tokens; the target is the token's id.
const (
	EventTokenCreated = "oauth.registrationtoken.created"
	EventTokenDeleted = "oauth.registrationtoken.deleted"
)

// TokenStore keeps initial access tokens.
type TokenStore interface {
	// InsertToken adds a token with the hash of its value, unless the account has limit that are good.
	InsertToken(ctx context.Context, t tx.Tx, k InitialToken, hash []byte, limit int) (bool, error)
	// UseToken uses one registration of a good token up, in one statement, and returns the token's id. A
	// fault of kind NotFound otherwise.
	UseToken(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (string, error)
	// RemoveToken takes a token away for good, and tells whether it was there.
	RemoveToken(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (bool, error)
	// Tokens returns those that are good, oldest first.
	Tokens(ctx context.Context, t tx.Tx, account ident.AccountID) ([]InitialToken, error)
}

func tokenHash(value string) []byte { return secret.Hash(tokenPurpose, value) }

func invalid(public string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, public)
}

// CreateToken makes an initial access token that is good for so many registrations, and returns its
// value, which is kept nowhere. Who may call is decided by the surface.
func (s *Service) CreateToken(ctx context.Context, by actor.Actor, uses int, expires time.Time) (k InitialToken, value secret.Text, err error) {
	if uses < 1 || uses > MaxUses {
		return k, value, invalid("A registration token is good for 1 to 10000 clients.")
	}
	value = secret.RandomChecked(tokenPrefix)
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if !expires.After(t.Now()) || expires.Sub(t.Now()) > MaxTokenLife {
			return invalid("A registration token ends in the future, within a year.")
		}
		k = InitialToken{Account: by.Account, ID: ident.New("rgt_"), Uses: uses, CreatedAt: t.Now(), ExpiresAt: expires}
		added, err := s.d.Tokens.InsertToken(ctx, t, k, tokenHash(value.Reveal()), MaxTokens)
		if err != nil {
			return err
		}
		if !added {
			return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "An account has at most 50 registration tokens. Remove one first.")
		}
		return t.Emit(ctx, event.New(by, EventTokenCreated, k.ID))
	})
	if err != nil {
		return InitialToken{}, secret.Text{}, fault.Wrap("registration.CreateToken", err)
	}
	return k, value, nil
}

// DeleteToken takes an initial access token away. Clients that registered with it stay.
func (s *Service) DeleteToken(ctx context.Context, by actor.Actor, id string) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.d.Tokens.RemoveToken(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such registration token.")
		}
		return t.Emit(ctx, event.New(by, EventTokenDeleted, id))
	})
	return fault.Wrap("registration.DeleteToken", err)
}

// ListTokens returns the initial access tokens that are good.
func (s *Service) ListTokens(ctx context.Context, account ident.AccountID) (list []InitialToken, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		list, err = s.d.Tokens.Tokens(ctx, t, account)
		return err
	})
	return list, fault.Wrap("registration.ListTokens", err)
}

// network is what one caller surely controls: an IPv4 address, or an IPv6 /64.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// unwrapOAuth takes an outcome that a standard names out of whatever wraps it.
func unwrapOAuth(err error) error {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e
	}
	return err
}

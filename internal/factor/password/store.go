package password

import (
	"context"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Kept is a password as it is stored: the text of its hash, sealed for its place.
type Kept struct {
	Account ident.AccountID
	User    ident.UserID
	Version string // random, new with each password; the same when it is hashed anew
	Sealed  []byte
	Short   bool // too short to be the only factor; of an imported one that is known when it is used
	SetAt   time.Time
	UsedAt  time.Time // zero: never
}

// Store keeps one password per person. Methods that look for one return a fault of kind NotFound when
// there is none.
type Store interface {
	// Put stores a password in place of the one before.
	Put(ctx context.Context, t tx.Tx, k Kept) error
	// Insert stores a password of a person who has none; false when there is one.
	Insert(ctx context.Context, t tx.Tx, k Kept) (bool, error)
	// Get returns a person's password.
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (Kept, error)
	// Replace stores next in place of exactly old; NotFound when another was set meanwhile.
	Replace(ctx context.Context, t tx.Tx, old, next Kept) error
	// Remove deletes a person's password.
	Remove(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
}

const (
	sealPurpose = "password/hash"
	version     = "pwv_"
)

// fresh is a password that is set now, without its hash.
func fresh(account ident.AccountID, user ident.UserID, at time.Time) Kept {
	return Kept{Account: account, User: user, Version: ident.New(version), SetAt: at}
}

// seal puts a hash in. Without the master key, what is stored cannot even be guessed at.
func (s *Service) seal(k Kept, hash string) Kept {
	k.Sealed = s.d.Keys.Seal(sealPurpose, []byte(hash), k.place()...)
	return k
}

func (s *Service) open(k Kept) (string, error) {
	plain, err := s.d.Keys.Open(sealPurpose, k.Sealed, k.place()...)
	if err != nil { // the operator is told; whoever waits is not, and gets no further
		return "", errUnreadable.With(fmt.Errorf("the password of %s: %w", k.User, err))
	}
	return string(plain), nil
}

var errUnreadable = fault.New(fault.Unavailable, fault.CodeUnavailable, "This cannot be checked at the moment. Please try again later.")

func (k Kept) place() []string {
	return []string{string(k.Account), "password", string(k.User), "hash", k.Version}
}

package dpop

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Seen is the memory of a node.
type Seen struct{ *seen }

// NewSeen makes one.
func NewSeen(limit int) Seen { return Seen{newSeen(limit)} }

// Note notes a proof.
func (s Seen) Note(account ident.AccountID, hash []byte, until, now time.Time) (fresh, full bool) {
	return s.note(account, hash, until, now)
}

// Knows judges a nonce.
func (s *Service) Knows(account ident.AccountID, kind Kind, nonce string) bool {
	return s.knows(account, kind, nonce)
}

// ErrFull is the answer of a node that can remember no more.
var ErrFull = errFull

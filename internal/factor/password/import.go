package password

import (
	"context"

	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// CheckImport tells whether a hash of another system can be taken over, and its algorithm.
func CheckImport(hash secret.Text) (algorithm string, err error) {
	h, err := hashes.Parse(hash.Reveal())
	return h.Algorithm, err
}

// Import gives a person the password whose hash another system kept, in the caller's unit of work. It is
// hashed anew when they sign in with it. A password that they have already stays, and false is returned.
func (s *Service) Import(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, hash secret.Text) (bool, error) {
	h, err := hashes.Parse(hash.Reveal())
	if err != nil {
		return false, err
	}
	ok, err := s.d.Store.Insert(ctx, t, s.seal(fresh(by.Account, user, t.Now()), hash.Reveal()))
	if err != nil || !ok {
		return false, err
	}
	return true, t.Emit(ctx, event.New(by, EventImported, string(user), "algorithm", h.Algorithm))
}

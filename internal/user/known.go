package user

import (
	"context"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Known returns the person who has an identity, or a fault of kind NotFound. It makes nobody and
// changes nothing: whoever asks has proved nothing yet.
func (s *Service) Known(ctx context.Context, t tx.Tx, account ident.AccountID, i Identity) (User, error) {
	id, err := s.identities.Whose(ctx, t, account, i)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return User{}, fault.Wrap("user.Known", err)
	}
	return s.Find(ctx, t, account, id) // also of nobody: the work tells nothing (I-23)
}

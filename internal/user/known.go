package user

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Known returns the person who has an identity, or a fault of kind NotFound. It makes nobody.
func (s *Service) Known(ctx context.Context, t tx.Tx, account ident.AccountID, i Identity) (User, error) {
	return s.find(ctx, t, account, i)
}

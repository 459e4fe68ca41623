package person

import (
	"context"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session/endings"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/surface/oidc/revoked"
)

// Feed is what the revocation feed is made with.
type Feed struct {
	Ring     *keyring.Ring
	Fresh    func() bool
	Draining func() bool
}

// rememberEndings keeps what has ended in the order in which the feed tells it.
func (f *Features) rememberEndings(follower *feed.Follower) {
	f.endings = endings.New(endings.Deps{Store: sessiondb.Store{}, Keys: withdrawnKeys, KeyChange: keyring.ChangeKind, Rev: follower.Rev})
	follower.Subscribe(f.endings, f.endings.FeedKinds()...)
}

// withdrawnKeys are those of an account and use, or of everybody.
func withdrawnKeys(ctx context.Context, t tx.Tx, account ident.AccountID, use string) ([]endings.Key, error) {
	keys, err := keyringdb.Store{}.Withdrawn(ctx, t, account, keyring.Use(use))
	out := make([]endings.Key, len(keys))
	for i, k := range keys {
		out[i] = endings.Key{Account: k.Account, ID: k.KID, At: k.Withdrawn}
	}
	return out, err
}

func (f *Features) revokedSurface(x Feed) *revoked.Surface {
	return revoked.New(revoked.Deps{
		Log: f.endings, Ring: x.Ring, Issuer: f.d.Accounts.Issuer, Fresh: x.Fresh, Draining: x.Draining, Clock: f.d.Clock,
	})
}

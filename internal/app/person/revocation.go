package person

import (
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/session"
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
	f.endings = endings.New(sessiondb.Store{}, follower.Rev)
	follower.Subscribe(f.endings, session.FeedKinds()...)
}

func (f *Features) revokedSurface(x Feed) *revoked.Surface {
	return revoked.New(revoked.Deps{
		Log: f.endings, Ring: x.Ring, Issuer: f.d.Accounts.Issuer, Fresh: x.Fresh, Draining: x.Draining, Clock: f.d.Clock,
	})
}

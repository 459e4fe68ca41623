package session

import (
	"time"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
)

// ClientCut begins the id of an EndedGrant that stands for everything that a client has.
const ClientCut = clientCut

// QueryOf says which revocation a change of FeedKinds tells of; false for another change.
func QueryOf(c feed.Change, since time.Time) (RevokedQuery, bool) {
	q := RevokedQuery{Account: c.Account, Since: since}
	switch c.Kind {
	case KindSession:
		q.Session = ident.SessionID(c.Key)
	case KindUser:
		q.User = ident.UserID(c.Key)
	case KindToken:
		q.User, q.Token = parseTokenChange(c.Key)
	case KindGrant:
		q.Grant = c.Key
	default:
		return RevokedQuery{}, false
	}
	return q, true
}

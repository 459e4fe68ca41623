package logout

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth"
)

// The rules of deliveries.
const (
	// keepDone is how long a finished delivery stays.
	keepDone = 7 * 24 * time.Hour
	// PartyLife is how long a client is remembered to take part in a session that nothing ends. No
	// session lives longer.
	PartyLife = 400 * 24 * time.Hour
)

// The events.
const (
	EventFailed  = "oauth.logout.failed" // given up
	EventClient  = "oauth.client.ended"
	EventAccount = "oauth.account.ended"
)

// Party is a client that takes part in a session: it was issued an ID token that names it.
type Party struct {
	Account ident.AccountID
	Session ident.SessionID // the `sid` that the client knows
	Root    ident.SessionID
	Client  string
	User    ident.UserID
}

// Delivery is a logout token that is to be sent.
type Delivery struct {
	Party
	ID        string
	Attempts  int
	CreatedAt time.Time
}

// Notified tells whether the client wants to be told of the end of sessions.
func Notified(c oauth.Client) bool {
	return c.Settings.BackchannelLogoutURL != "" || c.Settings.FrontchannelLogoutURL != ""
}

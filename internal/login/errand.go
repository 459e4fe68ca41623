package login

import (
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Errand is a login that one of our own pages needs: an authorization request, a device code. It
// ends at Return with the session in place and without any answer in the address.
type Errand struct {
	Account     ident.AccountID
	Actor       actor.Actor
	Application ident.ApplicationID // whose login box it is, or empty
	PartyName   string              // what to call a party that is no application
	Return      string              // path and query of ours
	Host        string              // that the browser used: it stays on the loopback twin
	Connection  ident.ConnectionID  // to go to at once, or empty
	Hint        string              // an e-mail address to fill in, or empty
	Fresh       bool                // a session that is there already does not answer
	// ACR is a class of package session that the session must fulfil at the end, or empty. A session that
	// does not is asked for what is missing only.
	ACR      string
	Wish     bool         // ACR is only wished: nobody is held up who has nothing to reach it with
	Link     ident.UserID // the person, signed in with this browser, who links what is proved, or empty
	Replaces string       // of a link through the e-mail connection: the address whose place the new one takes
	Choose   bool         // nor does it without being asked: the person chooses the account
}

package access

import (
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/listing"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Listing asks for the resources of a user.
type Listing struct {
	Collection string // what is below it is listed; "" and "*" mean everything
	Action     string // the user may do this to them; "" means any permission counts
	Nested     bool   // also what is not directly below the collection
	After      string // the page goes on after this resource
	Limit      int
}

// Resources returns the resources below a collection on which the user holds something that
// allows the action: those that were given, and the pattern of the whole collection when all of
// it was given. Together they name exactly what Check allows there. They come in order of their text;
// more tells whether there are others after them.
func (e *Engine) Resources(account ident.AccountID, user ident.UserID, l Listing) (resources []string, more bool, err error) {
	if l.Collection == "" {
		l.Collection = "*"
	}
	collection, err := check.ParseResource(l.Collection)
	if err != nil {
		return nil, false, err
	}
	var action *check.Action
	if l.Action != "" {
		a, err := check.ParseAction(l.Action)
		if err != nil {
			return nil, false, err
		}
		action = &a
	}
	if !e.fresh() {
		return nil, false, errStale
	}
	snap, err := e.at(account, user)
	if err != nil {
		return nil, false, err
	}
	out := listing.Page(e.orders, snap, listing.Ask{Account: account, User: string(user), Collection: &collection, Action: action,
		Nested: l.Nested, After: l.After, Limit: l.Limit + 1, Now: e.now()})
	if l.Limit > 0 && len(out) > l.Limit {
		return out[:l.Limit], true, nil
	}
	return out, false, nil
}

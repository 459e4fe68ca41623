package access

import (
	"strings"
	"sync/atomic"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Who asks for others asks about everybody, as a rule: the backend of a product. That it may is the
// same answer at every check of the same second in the same state of the account, so it is kept.

var (
	everybody = check.SystemResource("UserPermissions", "*")
	reading   = check.MustAction("READ")
)

// asked is the answer to whether somebody may ask about everybody, and what it holds for.
type asked struct {
	account ident.AccountID
	id      string
	snap    *index.Snapshot
	during  check.Window
	may     bool
}

// answers are the last ones, each in the place that its asker's id leads to. They keep no more than
// that many states of accounts from being forgotten.
type answers [16]atomic.Pointer[asked]

// AllowAsking judges who may ask what a user may do: the user about themselves, a service client
// that has the option, and whoever may READ Authress:UserPermissions/{user}.
func (e *Engine) AllowAsking(a actor.Actor, user ident.UserID) error {
	switch a.Kind {
	case actor.User:
		if a.ID == string(user) {
			return nil
		}
	case actor.ServiceClient:
		if a.ID == string(user) || e.clients.MayReadPermissions(a.Account, ident.ServiceClientID(a.ID)) {
			return nil
		}
	}
	if a.Kind == actor.User || a.Kind == actor.ServiceClient {
		switch may, err := e.asksAboutAll(a); {
		case err != nil:
			return err
		case may:
			return nil
		}
	}
	return e.Allow(a, "READ", System("UserPermissions", string(user)))
}

// asksAboutAll tells whether a user or service client may ask about everybody.
func (e *Engine) asksAboutAll(a actor.Actor) (bool, error) {
	if !e.fresh() {
		return false, errStale
	}
	snap, err := e.at(a.Account, ident.UserID(a.ID))
	if err != nil {
		return false, err
	}
	now := e.now()
	place := &e.asked[placeOf(a.ID)]
	if k := place.Load(); k != nil && k.snap == snap && k.during == now && k.id == a.ID && k.account == a.Account {
		return k.may, nil
	}
	var q check.Question
	q.Ask(&everybody, &reading, check.Allow)
	q.During = now
	may := snap.Check(a.ID, &q)
	place.Store(&asked{account: ident.AccountID(strings.Clone(string(a.Account))), id: strings.Clone(a.ID), snap: snap, during: now, may: may})
	return may, nil
}

func placeOf(id string) int {
	if id == "" {
		return 0
	}
	return int(id[len(id)-1]^id[len(id)/2]) % len(answers{})
}

package pipeline

import (
	"sync"

	"github.com/admit-id/admit/internal/kit/ident"
)

// maxOver is how many sessions are remembered.
const maxOver = 16384

type overKey struct {
	account ident.AccountID
	id      ident.SessionID
}

// over remembers sessions that have ended and whose families go on. No session comes back from that.
type over struct {
	mu  sync.Mutex
	all map[overKey]struct{}
}

func (o *over) has(account ident.AccountID, id ident.SessionID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.all[overKey{account, id}]
	return ok
}

// add remembers a session, if one is named.
func (o *over) add(account ident.AccountID, id ident.SessionID) {
	if id == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) >= maxOver {
		for k := range o.all { // the order is random
			delete(o.all, k)
			break
		}
	}
	o.all[overKey{account, id}] = struct{}{}
}

package introspection

import (
	"context"
	"sync"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// Users finds people. *user.Service does.
type Users interface {
	Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
}

// maxPeople is how many people are remembered.
const maxPeople = 16384

type personKey struct {
	account ident.AccountID
	id      ident.UserID
}

// People remembers people whose tokens are asked about. It is a feed.Subscriber for
// user.ChangeKind: what changes is forgotten.
type People struct {
	db    tx.Runner
	users Users

	mu      sync.RWMutex
	all     map[personKey]*user.User
	changes uint64 // how often something was forgotten
}

// NewPeople makes it, empty.
func NewPeople(db tx.Runner, users Users) *People {
	return &People{db: db, users: users, all: map[personKey]*user.User{}}
}

// find returns a person. They are shared and must not be changed.
func (p *People) find(ctx context.Context, account ident.AccountID, id ident.UserID) (*user.User, error) {
	before := p.Mark()
	if have := p.Recall(account, id); have != nil {
		return have, nil
	}
	var found user.User
	err := p.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		found, err = p.users.Find(ctx, t, account, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Remember(account, found, before)
	return &found, nil
}

// Find returns a person to whoever has just read a living session of theirs, in the same unit of work: it
// ends with them. It may be remembered and must not be changed.
func (p *People) Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error) {
	if have := p.Recall(account, id); have != nil {
		return *have, nil
	}
	return p.users.Find(ctx, t, account, id)
}

// Recall returns a person who is remembered, or nil. They are shared and must not be changed.
func (p *People) Recall(account ident.AccountID, id ident.UserID) *user.User {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.all[personKey{account, id}]
}

// Mark is what Remember compares with. It goes before the read.
func (p *People) Mark() uint64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.changes
}

// Remember keeps a person who was read in a unit of work that began after the mark and is committed.
func (p *People) Remember(account ident.AccountID, found user.User, mark uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes != mark { // what was read may be old already
		return
	}
	if len(p.all) >= maxPeople {
		for k := range p.all { // the order is random
			delete(p.all, k)
			break
		}
	}
	p.all[personKey{account, found.ID}] = &found
}

// Load implements feed.Subscriber.
func (p *People) Load(context.Context, tx.Tx) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.all)
	p.changes++
	return nil
}

// Apply implements feed.Subscriber.
func (p *People) Apply(_ context.Context, _ tx.Tx, changes []feed.Change) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changes {
		delete(p.all, personKey{c.Account, ident.UserID(c.Key)})
	}
	p.changes++
	return nil
}

package oauthdb

import (
	"slices"
	"sync"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth"
)

// maxRemembered is how many codes are remembered, and how many grants: about a kilobyte each.
const maxRemembered = 4096

// memory remembers of rows what never changes in them, so that a statement that uses one need not return
// it. It decides nothing: that statement holds every condition, and fails for a row that is not there.
type memory[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K]V
}

func newMemory[K comparable, V any]() *memory[K, V] { return &memory[K, V]{all: map[K]V{}} }

func (m *memory[K, V]) put(key K, v V) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.all[key]; !there && len(m.all) >= maxRemembered {
		for k := range m.all { // the order is random
			delete(m.all, k)
			break
		}
	}
	m.all[key] = v
}

func (m *memory[K, V]) get(key K) (v V, ok bool) {
	if m == nil {
		return v, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok = m.all[key]
	return v, ok
}

// take is get, once.
func (m *memory[K, V]) take(key K) (v V, ok bool) {
	if m == nil {
		return v, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok = m.all[key]
	delete(m.all, key)
	return v, ok
}

// codeKey names a code.
type codeKey struct {
	account ident.AccountID
	hash    string
}

// grantKey names a row: the salt is of one attempt to make a grant, of which only one was committed.
type grantKey struct {
	account ident.AccountID
	id      string
	salt    string
}

// shared makes an authorization fit for being held by several: appending to it copies.
func shared(a oauth.Authorization) oauth.Authorization {
	a.Scopes, a.Resources, a.AMR = slices.Clip(a.Scopes), slices.Clip(a.Resources), slices.Clip(a.AMR)
	a.Details, a.Claims, a.Actor = slices.Clip(a.Details), slices.Clip(a.Claims), slices.Clip(a.Actor)
	return a
}

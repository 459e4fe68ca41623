package party

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Remote fetches what clients publish, through the guarded client (I-20).
type Remote interface {
	// Get returns the body of a 200 answer, at most limit bytes of it.
	Get(ctx context.Context, address string, limit int64) ([]byte, error)
}

// How long what a host said is good for, and how often it is asked.
const (
	keysFresh  = 10 * time.Minute // then a key set is asked for again
	placeFresh = time.Hour        // then a discovery document is
	staleLimit = 24 * time.Hour   // how long an old answer serves while there is no new one
	askKeys    = time.Minute      // a host is asked this seldom, besides the first time
	askFailed  = 10 * time.Second // and this seldom while it has never answered
	askWait    = 5 * time.Second  // how long a caller waits
	maxPlaces  = 4096             // addresses remembered
)

type place struct {
	account ident.AccountID
	address string
}

// memory remembers answers of many hosts. The zero value is ready.
type memory[T any] struct {
	mu     sync.Mutex
	byKey  map[place]*remembered[T]
	flight singleflight.Group
}

type remembered[T any] struct {
	value T
	has   bool
	at    time.Time // of the value
	asked time.Time
	twice bool // asked beyond the first answer, so that a new key is found at once, once
}

// question is what a host is asked, and how.
type question[T any] struct {
	key   place
	clock clock.Clock
	fresh time.Duration
	every time.Duration
	good  func(T) bool // whether an answer serves this caller
	fetch func(context.Context) (T, error)
}

var (
	errAsked = errors.New("the host was asked a moment ago")
	errFull  = errors.New("too many hosts are remembered")
)

// recall returns the remembered answer, asking first when it is absent, not fresh or not good. When
// it cannot be had, an old answer serves for a day. Callers who want the same answer wait for one fetch.
func (m *memory[T]) recall(ctx context.Context, q question[T]) (T, error) {
	value, enough, err := m.look(q)
	if enough || err != nil {
		return value, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	done := m.flight.DoChan(string(q.key.account)+"\x00"+q.key.address, func() (any, error) {
		if !m.mayAsk(q) {
			return nil, errAsked
		}
		// One caller who leaves must not fail the others who wait.
		v, err := q.fetch(context.WithoutCancel(ctx))
		if err == nil {
			m.keep(q, v)
		}
		return nil, err
	})
	select {
	case result := <-done:
		err = result.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.byKey[q.key]; r != nil && r.has && q.clock.Now().Sub(r.at) < staleLimit {
		return r.value, nil
	}
	if err == nil {
		err = errAsked
	}
	return value, err
}

// look returns what is remembered when that is enough, and makes room for the answer otherwise.
func (m *memory[T]) look(q question[T]) (value T, enough bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := q.clock.Now()
	r := m.byKey[q.key]
	if r == nil {
		if !m.room(now) {
			return value, false, errFull
		}
		r = &remembered[T]{}
		m.byKey[q.key] = r
	}
	if r.has && now.Sub(r.at) < q.fresh && q.good(r.value) {
		return r.value, true, nil
	}
	return value, false, nil
}

func (m *memory[T]) mayAsk(q question[T]) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.byKey[q.key], q.clock.Now()
	if r == nil {
		return false
	}
	every := q.every
	if !r.has {
		every = askFailed
	}
	again := r.has && !r.twice
	if !r.asked.IsZero() && !again && now.Sub(r.asked) < every {
		return false
	}
	r.twice = r.has
	r.asked = now
	return true
}

func (m *memory[T]) keep(q question[T], v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.byKey[q.key]; r != nil {
		r.value, r.has, r.at = v, true, q.clock.Now()
	}
}

// room tells whether one more address fits, after forgetting those that nobody has asked for of late.
func (m *memory[T]) room(now time.Time) bool {
	if m.byKey == nil {
		m.byKey = map[place]*remembered[T]{}
	}
	if len(m.byKey) < maxPlaces {
		return true
	}
	for k, r := range m.byKey {
		if now.Sub(r.asked) > askKeys {
			delete(m.byKey, k)
		}
	}
	return len(m.byKey) < maxPlaces
}

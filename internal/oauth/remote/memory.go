package remote

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	askFailed = 10 * time.Second // a host that has never answered well is asked this seldom
	askWait   = 5 * time.Second  // how long a caller waits
	maxPlaces = 4096             // addresses remembered
	forgotten = 10 * time.Minute // what was not asked for so long makes room
)

// Place is where an answer comes from, for one account by itself (I-16).
type Place struct {
	Account ident.AccountID
	Address string
}

// Memory remembers answers of many hosts. The zero value is ready.
type Memory[T any] struct {
	mu     sync.Mutex
	byKey  map[Place]*remembered[T]
	flight singleflight.Group
}

type remembered[T any] struct {
	value  T
	has    bool
	at     time.Time // of the value
	asked  time.Time
	twice  bool // asked again since the first answer: what is missing from it is looked for at once, but once
	failed error
}

// Question is what a host is asked, and how.
type Question[T any] struct {
	Place Place
	Clock clock.Clock
	Fresh func(T) time.Duration // an older answer is asked for again
	Stale time.Duration         // beyond that, how long an old answer serves while the host gives none
	Every time.Duration         // a host that has answered is asked this seldom
	Good  func(T) bool          // whether an answer serves this caller; nil for always
	Fetch func(context.Context) (T, error)
	// Final tells whether an error is the host's word, after which the old answer is not used any more.
	Final func(error) bool
}

// Errors of Recall, beside those of Fetch.
var (
	ErrAsked = errors.New("remote: the host was asked a moment ago")
	ErrFull  = errors.New("remote: too many addresses are remembered")
)

// Recall returns the remembered answer, asking first when it is absent, not fresh or not good. An
// answer that is not good is returned all the same when there is no better one; the caller looks
// again. Callers who want the same answer wait for one fetch.
func (m *Memory[T]) Recall(ctx context.Context, q Question[T]) (T, error) {
	value, enough, err := m.look(q)
	if enough || err != nil {
		return value, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	done := m.flight.DoChan(string(q.Place.Account)+"\x00"+q.Place.Address, func() (any, error) {
		if err := m.mayAsk(q); err != nil {
			return nil, err
		}
		// One caller who leaves must not fail the others who wait.
		v, err := q.Fetch(context.WithoutCancel(ctx))
		m.keep(q, v, err)
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
	if r := m.byKey[q.Place]; r != nil && r.has && q.Clock.Now().Sub(r.at) < q.Fresh(r.value)+q.Stale {
		return r.value, nil
	}
	if err == nil {
		err = ErrAsked
	}
	return value, err
}

// look returns what is remembered when that is enough, and makes room for the answer otherwise.
func (m *Memory[T]) look(q Question[T]) (value T, enough bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := q.Clock.Now()
	r := m.byKey[q.Place]
	if r == nil {
		if !m.room(now) {
			return value, false, ErrFull
		}
		r = &remembered[T]{}
		m.byKey[q.Place] = r
	}
	if r.has && now.Sub(r.at) < q.Fresh(r.value) && (q.Good == nil || q.Good(r.value)) {
		return r.value, true, nil
	}
	return value, false, nil
}

// mayAsk takes the permission to ask, or returns why not.
func (m *Memory[T]) mayAsk(q Question[T]) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.byKey[q.Place], q.Clock.Now()
	if r == nil {
		return ErrAsked
	}
	every := q.Every
	if !r.has {
		every = askFailed
	}
	again := r.has && !r.twice
	if !r.asked.IsZero() && !again && now.Sub(r.asked) < every {
		if r.failed != nil {
			return r.failed
		}
		return ErrAsked
	}
	r.asked, r.twice = now, r.has
	return nil
}

func (m *Memory[T]) keep(q Question[T], v T, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.byKey[q.Place]
	if r == nil {
		return
	}
	if r.failed = err; err == nil {
		r.value, r.has, r.at = v, true, q.Clock.Now()
	} else if q.Final != nil && q.Final(err) {
		var none T
		r.value, r.has = none, false
	}
}

// room tells whether one more address fits, after forgetting those that nobody has asked for of late.
func (m *Memory[T]) room(now time.Time) bool {
	if m.byKey == nil {
		m.byKey = map[Place]*remembered[T]{}
	}
	if len(m.byKey) < maxPlaces {
		return true
	}
	for k, r := range m.byKey {
		if now.Sub(r.asked) > forgotten {
			delete(m.byKey, k)
		}
	}
	return len(m.byKey) < maxPlaces
}

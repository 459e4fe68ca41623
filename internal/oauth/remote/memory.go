package remote

import (
	"context"
	"errors"
	"slices"
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
	made   time.Time
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
	// Admit is asked for leave just before a fetch, and told whether an answer is remembered; done, if not
	// nil, runs after the fetch. Its refusal is this caller's alone: nothing of it is remembered. Nil for always.
	Admit func(known bool) (done func(), err error)
	// Final tells whether an error is the host's word, after which the old answer is not used any more.
	Final func(error) bool
}

// ErrAsked is Recall's own error, beside those of Fetch.
var ErrAsked = errors.New("remote: the host was asked a moment ago")

// Recall returns the remembered answer, asking first when it is absent, not fresh or not good. An
// answer that is not good is returned all the same when there is no better one; the caller looks
// again. Callers who want the same answer wait for one fetch.
func (m *Memory[T]) Recall(ctx context.Context, q Question[T]) (T, error) {
	value, enough := m.look(q)
	if enough {
		return value, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	done := m.flight.DoChan(string(q.Place.Account)+"\x00"+q.Place.Address, func() (any, error) {
		done, err := m.mayAsk(q)
		if err != nil {
			return nil, err
		}
		defer done()
		// One caller who leaves must not fail the others who wait.
		v, err := q.Fetch(context.WithoutCancel(ctx))
		m.keep(q, v, err)
		return nil, err
	})
	var err error
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
func (m *Memory[T]) look(q Question[T]) (value T, enough bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := q.Clock.Now()
	r := m.byKey[q.Place]
	if r == nil {
		m.makeRoom()
		r = &remembered[T]{made: now}
		m.byKey[q.Place] = r
	}
	if r.has && now.Sub(r.at) < q.Fresh(r.value) && (q.Good == nil || q.Good(r.value)) {
		return r.value, true
	}
	return value, false
}

// mayAsk takes the permission to ask, or returns why not.
func (m *Memory[T]) mayAsk(q Question[T]) (done func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.byKey[q.Place], q.Clock.Now()
	if r == nil {
		return nil, ErrAsked
	}
	every := q.Every
	if !r.has {
		every = askFailed
	}
	again := r.has && !r.twice
	if !r.asked.IsZero() && !again && now.Sub(r.asked) < every {
		if r.failed != nil {
			return nil, r.failed
		}
		return nil, ErrAsked
	}
	if q.Admit != nil {
		if done, err = q.Admit(r.has); err != nil {
			if r.asked.IsZero() { // what was never asked for takes no room
				delete(m.byKey, q.Place)
			}
			return nil, err
		}
	}
	if done == nil {
		done = func() {}
	}
	r.asked, r.twice = now, r.has
	return done, nil
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

// makeRoom forgets the addresses that were asked for longest ago, an eighth of them, when there are too
// many. What is forgotten is asked for anew: a flood of addresses costs a fetch, and locks nobody out.
func (m *Memory[T]) makeRoom() {
	if m.byKey == nil {
		m.byKey = map[Place]*remembered[T]{}
	}
	if len(m.byKey) < maxPlaces {
		return
	}
	times := make([]time.Time, 0, len(m.byKey))
	for _, r := range m.byKey {
		times = append(times, r.touched())
	}
	slices.SortFunc(times, time.Time.Compare)
	limit := times[len(times)/8]
	for k, r := range m.byKey {
		if !r.touched().After(limit) {
			delete(m.byKey, k)
		}
	}
}

// touched is when a place came, or was last asked.
func (r *remembered[T]) touched() time.Time {
	if r.asked.After(r.made) {
		return r.asked
	}
	return r.made
}

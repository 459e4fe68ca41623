package egress

import (
	"context"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// Bounds per host.
const (
	maxInFlight = 16               // exchanges at once
	maxWait     = time.Second      // how long one waits for its turn
	tripAfter   = 5                // failures in a row until the breaker opens
	openFor     = 10 * time.Second // how long it stays open; then one exchange probes
	maxHosts    = 4096             // hosts remembered
)

// hosts keeps the bounds of every host.
type hosts struct {
	clock clock.Clock
	mu    sync.Mutex
	byKey map[string]*host
}

type host struct {
	turns    chan struct{}
	users    int // callers that hold this entry
	failures int
	openTill time.Time
	probing  bool
}

func newHosts(c clock.Clock) *hosts { return &hosts{clock: c, byKey: map[string]*host{}} }

// enter waits for a turn at a host. The returned function ends the turn and says whether the
// host failed; it must be called once.
func (h *hosts) enter(ctx context.Context, key string) (func(failed bool), error) {
	e, probe, err := h.admit(key)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case e.turns <- struct{}{}:
		return func(failed bool) {
			<-e.turns
			h.leave(key, e, probe, failed)
		}, nil
	case <-timer.C:
		h.abandon(key, e, probe)
		return nil, ErrBusy
	case <-ctx.Done():
		h.abandon(key, e, probe)
		return nil, ctx.Err()
	}
}

func (h *hosts) admit(key string) (e *host, probe bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e = h.byKey[key]
	if e == nil {
		h.makeRoom()
		e = &host{turns: make(chan struct{}, maxInFlight)}
		h.byKey[key] = e
	}
	if e.failures >= tripAfter {
		if e.probing || h.clock.Now().Before(e.openTill) {
			return nil, false, ErrOpen
		}
		e.probing, probe = true, true
	}
	e.users++
	return e, probe, nil
}

// leave records the outcome. Failures of exchanges that began before the breaker opened count
// too, so that a host that hangs is left alone once its first few exchanges have timed out.
func (h *hosts) leave(key string, e *host, probe, failed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if probe {
		e.probing = false
	}
	if failed {
		e.failures++
		if e.failures >= tripAfter {
			e.openTill = h.clock.Now().Add(openFor)
		}
	} else if probe || e.failures < tripAfter {
		e.failures = 0
	}
	h.release(key, e)
}

func (h *hosts) abandon(key string, e *host, probe bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if probe {
		e.probing = false
	}
	h.release(key, e)
}

// release forgets a host that nobody uses and that has nothing to remember.
func (h *hosts) release(key string, e *host) {
	e.users--
	if e.users == 0 && e.failures == 0 {
		delete(h.byKey, key)
	}
}

// makeRoom drops hosts that nobody uses when there are too many; it loses only their failures.
func (h *hosts) makeRoom() {
	if len(h.byKey) < maxHosts {
		return
	}
	for key, e := range h.byKey {
		if e.users == 0 {
			delete(h.byKey, key)
		}
	}
}

package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

const shards = 16

// Local limits keys inside this process. Its memory is bounded: when a shard is full, keys
// that hold nobody back go first, and after them any key, so that a flood of new keys can
// make it forget but never grow.
type Local struct {
	clock  clock.Clock
	rule   Rule
	seed   maphash.Seed
	max    int // keys per shard
	shards [shards]localShard
}

type localShard struct {
	mu      sync.Mutex
	arrival map[string]int64 // unix nanoseconds
}

// NewLocal limits up to about maxKeys keys by the rule.
func NewLocal(c clock.Clock, r Rule, maxKeys int) *Local {
	l := &Local{clock: c, rule: r, seed: maphash.MakeSeed(), max: max(1, maxKeys/shards)}
	for i := range l.shards {
		l.shards[i].arrival = map[string]int64{}
	}
	return l
}

// Allow counts one occurrence. When the rule does not allow it, nothing is counted and retry
// says how long to wait.
func (l *Local) Allow(key string) (ok bool, retry time.Duration) {
	now := l.clock.Now().UnixNano()
	s := &l.shards[maphash.String(l.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	arrival, known := s.arrival[key]
	next := max(arrival, now) + int64(l.rule.interval())
	if over := next - now - int64(l.rule.window()); over > 0 {
		return false, time.Duration(over)
	}
	if !known && len(s.arrival) >= l.max {
		s.makeRoom(now)
	}
	s.arrival[key] = next
	return true, 0
}

// makeRoom forgets an eighth of the shard's keys, those that are due first among the ones it looks at.
func (s *localShard) makeRoom(now int64) {
	want := max(1, len(s.arrival)/8)
	for key, arrival := range s.arrival {
		if arrival <= now {
			delete(s.arrival, key)
			want--
		}
	}
	for key := range s.arrival {
		if want <= 0 {
			return
		}
		delete(s.arrival, key)
		want--
	}
}

// Len is the number of keys held, for tests and metrics.
func (l *Local) Len() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].arrival)
		l.shards[i].mu.Unlock()
	}
	return n
}

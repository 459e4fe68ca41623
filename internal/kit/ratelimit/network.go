package ratelimit

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

const (
	shardCount = 32
	perShard   = 4096 // entries; with all shards about 16 MiB at most
)

// Limiter limits client networks, or whoever has a name, inside this process, by class of what they ask for. Memory is
// bounded: when a shard is full, clients that it does not know yet share one budget, and those
// it knows keep theirs, so that a flood of addresses cannot wipe out what is held against one
// (DOS-05).
type Limiter struct {
	clock  clock.Clock
	rules  []Rule // by class
	shards [shardCount]shard
}

type client struct {
	class   uint8
	network netip.Addr
}

type shard struct {
	mu    sync.Mutex
	full  map[client]int64 // unix nanoseconds
	swept int64
}

// New makes a limiter. Class i has rules[i]; a class without a rule, or with a zero one, is
// without limit. Scale multiplies every count.
func New(c clock.Clock, rules []Rule, scale float64) *Limiter {
	l := &Limiter{clock: c, rules: make([]Rule, len(rules))}
	for i, r := range rules {
		if r.Count > 0 {
			r.Count = max(1, int(float64(r.Count)*scale))
		}
		l.rules[i] = r
	}
	for i := range l.shards {
		l.shards[i].full = map[client]int64{}
	}
	return l
}

// Allow spends one request. If the budget is used up it returns how long until one fits, and
// spends nothing.
func (l *Limiter) Allow(class int, address netip.Addr) (wait time.Duration, ok bool) {
	return l.allow(class, network(address))
}

// AllowName is Allow for whoever has the name, in place of a network. Names are kept as hashes of 128 bits.
func (l *Limiter) AllowName(class int, name string) (wait time.Duration, ok bool) {
	sum := sha256.Sum256([]byte(name))
	return l.allow(class, netip.AddrFrom16([16]byte(sum[:16])))
}

func (l *Limiter) allow(class int, who netip.Addr) (wait time.Duration, ok bool) {
	if class >= len(l.rules) || l.rules[class].Count == 0 {
		return 0, true
	}
	rule := l.rules[class]
	key := client{uint8(class), who}
	s := &l.shards[place(key)]
	now := l.clock.Now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.full[key]
	if !known && len(s.full) >= perShard {
		s.sweep(now)
		if len(s.full) >= perShard {
			key = client{class: uint8(class)} // strangers share what is left
			at = s.full[key]
		}
	}
	next := max(at, now) + int64(rule.interval())
	if over := next - now - int64(rule.window()); over > 0 {
		return time.Duration(over), false
	}
	s.full[key] = next
	return 0, true
}

// sweep forgets budgets that are full again, at most once a second.
func (s *shard) sweep(now int64) {
	if now-s.swept < int64(time.Second) && now >= s.swept {
		return
	}
	s.swept = now
	for k, at := range s.full {
		if at <= now {
			delete(s.full, k)
		}
	}
}

// network is what one client surely controls: an IPv4 address, or an IPv6 /64.
func network(a netip.Addr) netip.Addr {
	if !a.Is6() || a.Is4In6() {
		return a.Unmap()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// place spreads clients over the shards. It need not resist an attacker: a crowded shard only
// shares budgets earlier.
func place(c client) int {
	h := uint32(2166136261) ^ uint32(c.class)
	for _, b := range c.network.As16() {
		h = (h ^ uint32(b)) * 16777619
	}
	return int(h>>16^h) % shardCount
}

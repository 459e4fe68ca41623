package ratelimit

import (
	"crypto/sha256"
	"net/netip"
	"time"
)

// SpentName tells whether a name's budget is used up, and how long until one fits. It spends nothing:
// it is for limits on what went wrong, which is known only afterwards. Those who ask at the same
// moment may go over the budget by as many as they are.
func (l *Limiter) SpentName(class int, name string) (wait time.Duration, spent bool) {
	if class >= len(l.rules) || l.rules[class].Count == 0 {
		return 0, false
	}
	rule := l.rules[class]
	sum := sha256.Sum256([]byte(name))
	key := client{uint8(class), netip.AddrFrom16([16]byte(sum[:16]))}
	s := &l.shards[place(key)]
	now := l.clock.Now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	next := max(s.full[key], now) + int64(rule.interval())
	if over := next - now - int64(rule.window()); over > 0 {
		return time.Duration(over), true
	}
	return 0, false
}

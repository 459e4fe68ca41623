package serviceclient

import (
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

// periods are what the durations of a rate limit mean. A month has 30 days, and PT0S, in which
// no request would fit, is read as a second.
var periods = map[string]time.Duration{
	"PT0S": time.Second, "PT5M": 5 * time.Minute, "PT1H": time.Hour, "P1D": 24 * time.Hour, "P1M": 30 * 24 * time.Hour,
}

type budgetKey struct {
	account ident.AccountID
	id      ident.ServiceClientID
}

// budget is what one client has left on this node: a bucket of Quota requests that fills
// evenly over Duration. It keeps one time and no counter (GCRA).
type budget struct {
	limit RateLimit
	full  atomic.Int64 // when the bucket is full again, unix nanoseconds
}

// take spends one request, or returns how long until one fits and spends nothing.
func (b *budget) take(now int64) (wait time.Duration, ok bool) {
	interval := int64(periods[b.limit.Duration]) / int64(b.limit.Quota)
	window := interval * int64(b.limit.Quota)
	for {
		full := b.full.Load()
		next := min(max(full, now), now+window) + interval
		if over := next - now - window; over > 0 {
			return time.Duration(over), false
		}
		if b.full.CompareAndSwap(full, next) {
			return 0, true
		}
	}
}

// budget puts the rate limit of a client into budgets. One that has not changed goes on as it is.
func (d *Directory) budget(budgets map[budgetKey]*budget, account ident.AccountID, id ident.ServiceClientID, limits []RateLimit) {
	key := budgetKey{account, id}
	delete(budgets, key)
	for _, l := range limits { // at most one
		if periods[l.Duration] == 0 || l.Quota <= 0 {
			continue
		}
		b := (*d.budgets.Load())[key]
		if b == nil || b.limit != l {
			b = &budget{limit: l}
		}
		budgets[key] = b
	}
}

// Limiter holds service clients to their rate limits, each node by itself. A changed limit
// counts at once, from a full bucket.
type Limiter struct {
	directory *Directory
	clock     clock.Clock
}

// NewLimiter makes a limiter over what the directory knows.
func NewLimiter(d *Directory, c clock.Clock) *Limiter { return &Limiter{d, c} }

// Take spends one request of a client. If its budget is used up it returns how long until one
// fits, and spends nothing.
func (l *Limiter) Take(account ident.AccountID, id ident.ServiceClientID) (wait time.Duration, ok bool) {
	b := (*l.directory.budgets.Load())[budgetKey{account, id}]
	if b == nil {
		return 0, true
	}
	return b.take(l.clock.Now().UnixNano())
}

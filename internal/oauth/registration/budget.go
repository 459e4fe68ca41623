package registration

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ratelimit"
)

// DocumentsPerNetwork bounds, on each node, how many metadata documents a network can have fetched that
// are not in memory. Anybody can name an address, at endpoints that need no proof.
var DocumentsPerNetwork = ratelimit.Rule{Count: 60, Per: time.Hour, Burst: 10}

// How many fetches of metadata documents are under way on a node.
const (
	DocumentsPerHost = 2
	DocumentsAtOnce  = 32
)

var (
	errBudget = errors.New("registration: this network has had enough metadata documents fetched")
	errBusy   = errors.New("registration: too many fetches of metadata documents are under way")
)

// budget bounds fetches.
type budget struct {
	networks *ratelimit.Limiter

	mu    sync.Mutex
	all   int
	hosts map[string]int
}

func newBudget(c clock.Clock) *budget {
	return &budget{networks: ratelimit.New(c, []ratelimit.Rule{DocumentsPerNetwork}, 1), hosts: map[string]int{}}
}

// take gives leave for one fetch, and returns what to call after it. A document that is known is asked for
// again at no network's cost.
func (b *budget) take(from netip.Addr, host string, known bool) (done func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= DocumentsAtOnce || b.hosts[host] >= DocumentsPerHost {
		return nil, errBusy
	}
	if !known && from.IsValid() {
		if _, ok := b.networks.Allow(0, from); !ok {
			return nil, errBudget
		}
	}
	b.all++
	b.hosts[host]++
	return func() { b.give(host) }, nil
}

func (b *budget) give(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.hosts[host]--; b.hosts[host] == 0 {
		delete(b.hosts, host)
	}
}

// hostOf is the host of an id that is allowed, whatever its port.
func hostOf(id string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(id, "https://"), "/")
	host, _, _ = strings.Cut(host, ":")
	return host
}

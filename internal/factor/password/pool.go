package password

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/kit/fault"
)

// waitingPerThread bounds the comparisons that wait: beyond it the answer is "later" at once (DOS-02).
// At the weakest costs the last one waits for about half a second.
const waitingPerThread = 16

// ErrBusy says that too many passwords are being compared. Whoever floods the server with passwords
// gets it, and it is no fault of ours.
var ErrBusy = fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many people are signing in with a password at this moment. Try again in a few seconds.")

// Pool is the only place where passwords are hashed: on as many threads as there are processors, so that
// memory is bounded, and at a lower priority than everything else, so that whoever asks for anything else
// does not wait for them (I-22). Its threads begin with the first password.
type Pool struct {
	params  hashes.Params
	dummy   string // a hash that nothing matches, of the usual costs
	threads int
	jobs    chan func()
	waiting atomic.Int64
	start   sync.Once
}

// NewPool makes a pool whose new hashes have the costs. Costs that are too weak are hashes.Least.
func NewPool(params hashes.Params) *Pool {
	if !params.Valid() {
		params = hashes.Least
	}
	threads := runtime.GOMAXPROCS(0)
	return &Pool{params: params, dummy: params.Nobody(), threads: threads, jobs: make(chan func(), threads*waitingPerThread)}
}

// Full tells whether the next password would be turned away.
func (p *Pool) Full() bool { return p.waiting.Load() >= int64(p.threads*(1+waitingPerThread)) }

// Hash makes a new hash of a password in its normal form.
func (p *Pool) Hash(ctx context.Context, normal string) (out string, err error) {
	err = p.do(ctx, func() { out = p.params.New(normal) })
	return out, err
}

// Compare tells whether the password is that of the hash, and whether the hash should be made anew.
func (p *Pool) Compare(ctx context.Context, text, password string) (right, stale bool, err error) {
	h, err := hashes.Parse(text)
	if err != nil {
		return false, false, err // nobody signs in with a hash that cannot be judged
	}
	err = p.do(ctx, func() {
		right = h.Compare(normal(password))
		if !right && !h.Own() && normal(password) != password {
			right = h.Compare(password) // others did not normalise
		}
	})
	return right && err == nil, h.Weaker(p.params), err
}

// do runs one piece of work on a thread of the pool, or returns ErrBusy at once. Work that has begun is
// finished, whether anybody still waits for it or not.
func (p *Pool) do(ctx context.Context, work func()) error {
	p.start.Do(p.run)
	if p.waiting.Add(1) > int64(p.threads*(1+waitingPerThread)) {
		p.waiting.Add(-1)
		return ErrBusy
	}
	done := make(chan struct{})
	p.jobs <- func() { // has room: those who wait were counted
		defer func() {
			p.waiting.Add(-1)
			close(done)
		}()
		if ctx.Err() == nil {
			work()
		}
	}
	<-done
	if ctx.Err() != nil {
		return ErrBusy.With(ctx.Err())
	}
	return nil
}

// run starts the threads. Each has a processor of Go's scheduler to itself besides those that there were,
// so that it is the system that decides who runs: everybody else first.
func (p *Pool) run() {
	if canYield {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + p.threads)
	}
	for range p.threads {
		go func() {
			runtime.LockOSThread()
			yield()
			for work := range p.jobs {
				work()
			}
		}()
	}
}

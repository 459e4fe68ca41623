package password

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/kit/fault"
)

// waitingPerThread bounds the comparisons that wait: beyond it the answer is "later" at once (DOS-02).
// At the weakest costs the last one waits for about half a second.
const waitingPerThread = 16

// ErrBusy says that too many passwords are being compared. Whoever floods the server with passwords
// gets it, and it is no fault of ours.
var ErrBusy = fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many people are signing in with a password at this moment. Try again in a few seconds.")

// Pool is the only place where passwords are hashed: as many at a time as there are processors, so that
// memory is bounded, and at a lower priority than everything else, so that whoever asks for anything else
// does not wait for them (I-22). It hashes in child processes where it was told how to start them (Apart),
// and otherwise on threads of its own. Both begin with the first password.
type Pool struct {
	params  hashes.Params
	dummy   string // a hash that nothing matches, of the usual costs
	threads int
	jobs    chan job
	waiting atomic.Int64
	start   sync.Once

	program *worker.Program // nil: inside this process
	log     *slog.Logger
	inside  atomic.Int32 // lanes that have to do without a child for now
}

// job is one piece of work and where its outcome goes.
type job struct {
	ctx  context.Context
	task hashes.Task
	out  chan<- outcome
}

type outcome struct {
	done hashes.Done
	err  error
}

// NewPool makes a pool whose new hashes have the costs. Costs that are too weak are hashes.Least.
func NewPool(params hashes.Params) *Pool {
	if !params.Valid() {
		params = hashes.Least
	}
	threads := runtime.GOMAXPROCS(0)
	return &Pool{params: params, dummy: params.Nobody(), threads: threads, jobs: make(chan job, threads*waitingPerThread), log: slog.Default()}
}

// Apart makes the pool hash in child processes of the program. It comes before the first password.
func (p *Pool) Apart(program worker.Program, log *slog.Logger) { p.program, p.log = &program, log }

// Full tells whether the next password would be turned away.
func (p *Pool) Full() bool { return p.waiting.Load() >= int64(p.threads*(1+waitingPerThread)) }

// Hash makes a new hash of a password in its normal form.
func (p *Pool) Hash(ctx context.Context, normal string) (string, error) {
	done, err := p.do(ctx, hashes.Task{Costs: p.params, Passwords: []string{normal}})
	return done.Hash, err
}

// Compare tells whether the password is that of the hash, and whether the hash should be made anew.
func (p *Pool) Compare(ctx context.Context, text, password string) (right, stale bool, err error) {
	h, err := hashes.Parse(text)
	if err != nil {
		return false, false, err // nobody signs in with a hash that cannot be judged
	}
	task := hashes.Task{Hash: text, Passwords: []string{normal(password)}}
	if !h.Own() && normal(password) != password {
		task.Passwords = append(task.Passwords, password) // others did not normalise
	}
	done, err := p.do(ctx, task)
	return done.Right && err == nil, h.Weaker(p.params), err
}

// do has one piece of work done, or returns ErrBusy at once. Work that has begun is finished, whether
// anybody still waits for it or not.
func (p *Pool) do(ctx context.Context, task hashes.Task) (hashes.Done, error) {
	p.start.Do(p.run)
	if p.waiting.Add(1) > int64(p.threads*(1+waitingPerThread)) {
		p.waiting.Add(-1)
		return hashes.Done{}, ErrBusy
	}
	out := make(chan outcome, 1)
	p.jobs <- job{ctx, task, out} // has room: those who wait were counted
	o := <-out
	if ctx.Err() != nil {
		return hashes.Done{}, ErrBusy.With(ctx.Err())
	}
	return o.done, o.err
}

func (p *Pool) run() {
	for range p.threads {
		go (&lane{pool: p}).run()
	}
}

package password

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/kit/fault"
)

const (
	idleAfter = 2 * time.Minute  // a child that nobody needs ends
	restAfter = 30 * time.Second // before the next one, after one that was starved or did not start
)

// lane does one piece of work after the other: in its child process, or itself where there is none to be had.
type lane struct {
	pool  *Pool
	child *worker.Child    // nil: none runs
	rest  <-chan time.Time // until then none is started
	own   bool             // the goroutine has a thread to itself
	alone bool             // it has to do without a child for now
}

func (l *lane) run() {
	idle := time.NewTimer(idleAfter)
	for {
		select {
		case j := <-l.pool.jobs:
			var o outcome
			if j.ctx.Err() == nil {
				o.done, o.err = l.do(j.task)
			}
			l.pool.waiting.Add(-1)
			j.out <- o
			idle.Reset(idleAfter)
		case <-idle.C:
			if l.child != nil {
				l.child.Close()
				l.child = nil
			}
		}
	}
}

// do has the child do it. When the child ends meanwhile, whoever ended it, another one tries, once: what ends
// two of them is not tried inside the server.
func (l *lane) do(t hashes.Task) (hashes.Done, error) {
	for range 2 {
		if !l.ready() {
			return l.inside(t)
		}
		done, err := l.child.Do(t)
		if err == nil || errors.Is(err, hashes.ErrFormat) {
			return done, err
		}
		l.child.Kill()
		l.child = nil
		if errors.Is(err, worker.ErrStarved) {
			l.without(err)
			return l.inside(t)
		}
		l.pool.log.Warn("a process that hashes passwords ended; it is started again", "error", err)
	}
	return hashes.Done{}, fault.New(fault.Unavailable, fault.CodeUnavailable, "The password cannot be checked now. Try again in a moment.")
}

// ready tells whether there is a child; it starts one if need be.
func (l *lane) ready() bool {
	if l.child != nil || l.pool.program == nil {
		return l.child != nil
	}
	if l.rest != nil {
		select {
		case <-l.rest:
			l.rest = nil
		default:
			return false
		}
	}
	child, err := l.pool.program.Start()
	if err != nil {
		l.without(err)
		return false
	}
	l.child = child
	if l.alone && l.pool.inside.Add(-1) == 0 {
		l.pool.log.Info("passwords are hashed in processes of their own again")
	}
	l.alone = false
	return true
}

// without notes that there is no child for a while. That permission checks now wait for passwords more than they
// should is said once.
func (l *lane) without(why error) {
	l.rest = time.After(restAfter)
	if !l.alone && l.pool.inside.Add(1) == 1 {
		l.pool.log.Warn("passwords are hashed inside the server's process for now", "error", why)
	}
	l.alone = true
}

// widen is done once: the processors that Go uses are the process's, however many pools it has had.
var widen sync.Once

// inside does the work on this goroutine, at a lower priority than everything else of the process. Go's scheduler
// gets as many more processors as there are such threads, so that it is the system that decides who runs.
func (l *lane) inside(t hashes.Task) (hashes.Done, error) {
	if canYield {
		widen.Do(func() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + l.pool.threads) })
	}
	if !l.own {
		l.own = true
		runtime.LockOSThread()
		yield()
	}
	return t.Do()
}

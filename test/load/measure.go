package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/wire"
)

// point is one measurement: one operation at one number of connections in one round.
type point struct {
	rate     float64 // answers a second
	p50, p99 float64 // milliseconds
	cpu      float64 // microseconds of the server's processor time a request
	others   float64 // processors that neither the server nor this program kept busy
}

// measure takes everything in turn, so that whatever else the machine does hits all alike.
func (b *bench) measure(ctx context.Context) error {
	b.ops = b.operations()
	if err := b.coldStarts(); err != nil {
		return err
	}
	for round := range b.settings.rounds {
		for _, connections := range b.settings.connections {
			for _, o := range b.ops {
				p, err := b.take(ctx, o, connections)
				if err != nil {
					return fmt.Errorf("%s at %d connections: %w%s", o.name, connections, err, b.lastWords())
				}
				o.points[connections] = append(o.points[connections], p)
				fmt.Fprintf(os.Stderr, "round %d of %d  %-9s %2d connections  %7.0f/s  %6.1f us CPU\n", round+1, b.settings.rounds, o.name, connections, p.rate, p.cpu)
			}
		}
	}
	b.loaded = proc.RSS(b.admit.PID())
	return nil
}

// coldStarts stops Admit and starts it again on its database, and reads its memory at rest.
func (b *bench) coldStarts() error {
	for range b.settings.starts {
		if err := b.admit.Stop(); err != nil {
			return err
		}
		took, err := b.start()
		if err != nil {
			return err
		}
		b.starts = append(b.starts, float64(took)/float64(time.Millisecond))
	}
	time.Sleep(time.Second)
	b.idle = proc.RSS(b.admit.PID())
	return nil
}

func (b *bench) take(ctx context.Context, o *operation, connections int) (point, error) {
	requests, err := o.requests()
	if err != nil {
		return point{}, err
	}
	l := &loader{address: o.address, requests: requests, once: o.once, connections: connections}
	if !o.once {
		if err := l.run(ctx, b.settings.warm); err != nil {
			return point{}, err
		}
	}
	pid := o.pid()
	server, own, busy, began := proc.CPU(pid), proc.CPU(os.Getpid()), proc.Busy(), time.Now()
	if err := l.run(ctx, b.settings.duration); err != nil {
		return point{}, err
	}
	took := time.Since(began)
	used := proc.CPU(pid) - server
	others := proc.Busy() - busy - used - (proc.CPU(os.Getpid()) - own)
	n := len(l.latencies)
	slices.Sort(l.latencies)
	quantile := func(q float64) float64 {
		return float64(l.latencies[int(q*float64(n-1))]) / float64(time.Millisecond)
	}
	return point{
		rate:   float64(n) / took.Seconds(),
		p50:    quantile(0.50),
		p99:    quantile(0.99),
		cpu:    float64(used) / float64(time.Microsecond) / float64(n),
		others: max(0, others.Seconds()/took.Seconds()),
	}, nil
}

// loader sends requests over a number of connections, each as fast as it is answered.
type loader struct {
	address     string
	requests    []request
	once        bool // each request is sent once; otherwise over and over
	connections int
	latencies   []time.Duration // of the last run
}

// maxRequests bounds one run, whatever the time says.
const maxRequests = 2_000_000

// run loads the server for a time, or until the requests are used up. Any wrong answer ends it.
func (l *loader) run(ctx context.Context, d time.Duration) error {
	var next atomic.Int64
	limit := int64(maxRequests)
	if l.once {
		limit = int64(len(l.requests))
	}
	lists := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	var wait sync.WaitGroup
	end := time.Now().Add(d)
	for w := range l.connections {
		wait.Go(func() {
			c, err := wire.New(l.address)
			if err != nil {
				errs[w] = err
				return
			}
			defer c.Close()
			for i := next.Add(1) - 1; i < limit && ctx.Err() == nil; i = next.Add(1) - 1 {
				q := &l.requests[i%int64(len(l.requests))]
				began := time.Now()
				if !l.once && began.After(end) {
					return
				}
				a, err := c.Do(q.bytes)
				if err == nil {
					err = q.wrong(a)
				}
				if err != nil {
					errs[w] = err
					next.Store(limit) // the others stop too
					return
				}
				lists[w] = append(lists[w], time.Since(began))
			}
		})
	}
	wait.Wait()
	l.latencies = slices.Concat(lists...)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if len(l.latencies) == 0 {
		return fmt.Errorf("no answer within %v", d)
	}
	return nil
}

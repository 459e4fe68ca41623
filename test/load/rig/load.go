// Package rig owns what every measurement shares: starting servers on free loopback ports and
// waiting for them, loading them over a number of connections, and telling medians apart from
// luck. What is asked, and what a right answer is, belongs to the callers.
package rig

import (
	"bytes"
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

// Request is one request with what a right answer to it is.
type Request struct {
	Bytes  []byte
	Status int
	Holds  []byte // a text in the right answer's body
}

// Wrong tells why an answer is not the right one, or nil.
func (r Request) Wrong(a wire.Answer) error {
	if a.Status != r.Status || !bytes.Contains(a.Body, r.Holds) {
		line, _, _ := bytes.Cut(r.Bytes, []byte("\r\n"))
		return fmt.Errorf("%.300s: answered %d %.200q", line, a.Status, a.Body)
	}
	return nil
}

// Worker sends the i-th request and judges the answer; each has a connection of its own.
type Worker interface {
	Do(ctx context.Context, i int) error
	Close()
}

// Load is work for a server: workers that each send as fast as they are answered.
type Load struct {
	Connections int
	Open        func(worker int) (Worker, error)
	Count       int  // of different requests
	Once        bool // each is sent once; otherwise over and over
	Latencies   []time.Duration
	next        atomic.Int64 // goes on from run to run when Once is set
}

// Point is one measurement: one kind of request at one number of connections in one round.
type Point struct {
	Rate     float64 // answers a second
	P50, P99 float64 // milliseconds
	CPU      float64 // microseconds of the server's processor time a request
	Others   float64 // processors that neither the server nor this program kept busy
}

// maxRequests bounds one run, whatever the time says.
const maxRequests = 2_000_000

// Run loads the server for a time, or until the requests are used up. Any wrong answer ends it.
// With no time, requests that are sent once are all sent.
func (l *Load) Run(ctx context.Context, d time.Duration) error {
	limit := int64(maxRequests)
	if l.Once {
		limit = int64(l.Count)
	} else {
		l.next.Store(0)
	}
	lists, errs := make([][]time.Duration, l.Connections), make([]error, l.Connections)
	var wait sync.WaitGroup
	var failed atomic.Bool
	end := time.Now().Add(d)
	for n := range l.Connections {
		wait.Go(func() {
			w, err := l.Open(n)
			if err != nil {
				errs[n] = err
				return
			}
			defer w.Close()
			for ctx.Err() == nil && !failed.Load() {
				began := time.Now()
				if d > 0 && began.After(end) {
					return
				}
				i := l.next.Add(1) - 1
				if i >= limit {
					return
				}
				if errs[n] = w.Do(ctx, int(i%int64(l.Count))); errs[n] != nil {
					failed.Store(true)
					return
				}
				lists[n] = append(lists[n], time.Since(began))
			}
		})
	}
	wait.Wait()
	l.Latencies = slices.Concat(lists...)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if len(l.Latencies) == 0 {
		return fmt.Errorf("no answer within %v", d)
	}
	return nil
}

// Take measures a load after a time that does not count. CPU tells the processor time that the
// server has used so far, with its database.
func Take(ctx context.Context, l *Load, cpu func() time.Duration, warm, d time.Duration) (Point, error) {
	if warm > 0 {
		if err := l.Run(ctx, warm); err != nil {
			return Point{}, err
		}
	}
	server, own, busy, began := cpu(), proc.CPU(os.Getpid()), proc.Busy(), time.Now()
	if err := l.Run(ctx, d); err != nil {
		return Point{}, err
	}
	took := time.Since(began)
	used := cpu() - server
	others := proc.Busy() - busy - used - (proc.CPU(os.Getpid()) - own)
	n := float64(len(l.Latencies))
	return Point{
		Rate:   n / took.Seconds(),
		P50:    Quantile(l.Latencies, 0.50),
		P99:    Quantile(l.Latencies, 0.99),
		CPU:    float64(used) / float64(time.Microsecond) / n,
		Others: max(0, others.Seconds()/took.Seconds()),
	}, nil
}

// Wire is a load of prepared requests over HTTP/1.1.
func Wire(address string, requests []Request, connections int) *Load {
	return &Load{Connections: connections, Count: len(requests), Open: func(int) (Worker, error) {
		c, err := wire.New(address)
		return &wireWorker{c, requests}, err
	}}
}

type wireWorker struct {
	conn     *wire.Conn
	requests []Request
}

func (w *wireWorker) Do(_ context.Context, i int) error {
	q := &w.requests[i]
	a, err := w.conn.Do(q.Bytes)
	if err != nil {
		return err
	}
	return q.Wrong(a)
}

func (w *wireWorker) Close() { w.conn.Close() }

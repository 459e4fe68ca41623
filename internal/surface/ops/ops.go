// Package ops owns what an operator's machines ask: is the process alive, is it ready, what
// are its numbers. Strangers learn up or down and nothing else (ADM-06). The numbers and the
// reasons are served on the operations listener; while the public URL is a loopback one, on
// the public listener too, to callers on this machine.
package ops

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// Check is one condition of readiness: the database, the change feed, the keys.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
}

// Deps is what the surface works with.
type Deps struct {
	Checks   []Check
	Metrics  http.Handler
	Clock    clock.Clock
	Loopback bool // the public URL names this machine only
}

// Surface answers health, readiness and metrics.
type Surface struct {
	deps Deps

	mu      sync.Mutex
	at      time.Time
	result  []outcome
	running map[string]<-chan error // checks that have not answered yet
}

type outcome struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"`
}

// New makes the surface.
func New(d Deps) *Surface { return &Surface{deps: d, running: map[string]<-chan error{}} }

const (
	checkTimeout = time.Second
	remembered   = 250 * time.Millisecond // so that a flood of probes does not reach the database
)

// check asks every condition, or returns what was found a moment ago.
func (s *Surface) check(ctx context.Context) (results []outcome, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.deps.Clock.Now()
	if s.result == nil || now.Sub(s.at) > remembered || now.Before(s.at) {
		s.result = s.askAll(context.WithoutCancel(ctx))
		s.at = now
	}
	ready = true
	for _, o := range s.result {
		ready = ready && o.Ready
	}
	return s.result, ready
}

var errSilent = errors.New("no answer in time")

// askAll runs the checks side by side, at most one at a time of each: a driver whose peer is
// gone may hang far longer than its context lives, and a probe must not.
func (s *Surface) askAll(ctx context.Context) []outcome {
	for _, c := range s.deps.Checks {
		if s.running[c.Name] != nil {
			continue
		}
		answer := make(chan error, 1)
		s.running[c.Name] = answer
		go func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			answer <- c.Ready(ctx)
		}()
	}
	patience, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	results := make([]outcome, 0, len(s.deps.Checks))
	for _, c := range s.deps.Checks {
		err := errSilent
		select {
		case err = <-s.running[c.Name]:
			delete(s.running, c.Name)
		case <-patience.Done():
			select { // it may have answered while an earlier one was waited for
			case err = <-s.running[c.Name]:
				delete(s.running, c.Name)
			default:
			}
		}
		o := outcome{Name: c.Name, Ready: err == nil}
		if err != nil {
			o.Why = err.Error()
		}
		results = append(results, o)
	}
	return results
}

type status struct {
	Status string    `json:"status"`
	Checks []outcome `json:"checks,omitempty"`
}

func (s *Surface) healthz(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, status{Status: "up"})
}

func (s *Surface) readyz(w http.ResponseWriter, r *http.Request) error {
	_, ready := s.check(r.Context())
	return answer(w, status{}, ready)
}

func answer(w http.ResponseWriter, body status, ready bool) error {
	body.Status = "ready"
	code := http.StatusOK
	if !ready {
		body.Status, code = "not ready", http.StatusServiceUnavailable
	}
	return web.JSON(w, code, body)
}

func (s *Surface) metrics(w http.ResponseWriter, r *http.Request) error {
	if s.deps.Metrics == nil {
		return fault.New(fault.NotFound, fault.CodeNotFound, "There are no metrics.")
	}
	s.deps.Metrics.ServeHTTP(w, r)
	return nil
}

// Operator serves everything, with reasons, for the operations listener.
func (s *Surface) Operator() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h web.Handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				web.JSONError(w, r, err)
			}
		})
	}
	handle("GET /healthz", s.healthz)
	handle("GET /metrics", s.metrics)
	handle("GET /readyz", func(w http.ResponseWriter, r *http.Request) error {
		results, ready := s.check(r.Context())
		return answer(w, status{Checks: results}, ready)
	})
	return mux
}

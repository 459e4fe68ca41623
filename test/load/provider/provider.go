// Package provider owns measuring Admit as an authorization server: the token endpoint, the silent
// sign-in, introspection, userinfo and the documents, on SQLite and on PostgreSQL, beside the least
// that such work costs and beside other providers, in one run.
package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// Config is what a run needs. Postgres and Peers may be empty.
type Config struct {
	Binary   string // Admit's
	Postgres string // URL of a PostgreSQL on this machine
	Peers    string // folder with the binaries dex and hydra
	Modules  string // folder whose node_modules has oidc-provider
	Rounds   int
	Duration time.Duration // of each point
	Warm     time.Duration
}

// connections at which everything is measured.
var connections = []int{1, 16, 64}

// Result is what a run has measured.
type Result struct {
	config   Config
	floors   []*target // static, then sign and insert on each database
	targets  []*target // Admit on each database, then the peers
	failures []string
	absent   []string
	postgres string
}

// run is a run under way.
type run struct {
	Result
	folder string
	log    *os.File
	pg     *rig.Postgres
}

// Run measures everything. On failure nothing is left running.
func Run(ctx context.Context, c Config) (_ *Result, err error) {
	r := &run{Result: Result{config: c}}
	if r.folder, err = os.MkdirTemp("", "admit-provider-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w%s", err, rig.LastWords(r.folder))
		}
		err = errors.Join(err, r.close())
	}()
	if r.log, err = os.Create(filepath.Join(r.folder, "server.log")); err != nil {
		return nil, err
	}
	if c.Postgres != "" {
		if r.pg, err = rig.OpenPostgres(ctx, c.Postgres); err != nil {
			return nil, err
		}
		r.postgres = r.pg.Settings
	}
	if err := r.setUp(ctx); err != nil {
		return nil, err
	}
	if err := r.measure(ctx); err != nil {
		return nil, err
	}
	return &r.Result, nil
}

func (r *run) setUp(ctx context.Context) error {
	if err := r.startFloors(ctx); err != nil {
		return err
	}
	databases := []string{""}
	if r.pg != nil {
		url, err := r.pg.Create(ctx)
		if err != nil {
			return err
		}
		databases = append(databases, url)
	}
	for _, database := range databases {
		t, err := r.startAdmit(ctx, database)
		if err != nil {
			return fmt.Errorf("setting up Admit: %w", err)
		}
		r.targets = append(r.targets, t)
	}
	for _, start := range []func(context.Context) (*target, error){r.startDex, r.startOIDCProvider, r.startHydra} {
		t, err := start(ctx)
		switch {
		case err != nil:
			r.failures = append(r.failures, fmt.Sprintf("%.400v", err))
		case t != nil:
			t.start = start
			r.targets = append(r.targets, t)
		}
	}
	return nil
}

// measure takes everything in turn, each round beginning with another server, so that whatever else
// the machine does, or has just done, hits all alike. An answer of Admit or of a floor that is wrong
// ends the run; a peer's ends only that peer's operation.
func (r *run) measure(ctx context.Context) error {
	all := slices.Concat(r.floors, r.targets)
	for round := range r.config.Rounds {
		first := round % len(all)
		order := slices.Concat(all[first:], all[:first])
		for _, n := range connections {
			for _, o := range operations {
				for _, t := range order {
					if err := r.take(ctx, t, o, n); err != nil {
						return err
					}
				}
			}
		}
		fmt.Fprintf(os.Stderr, "provider: round %d of %d\n", round+1, r.config.Rounds)
	}
	for _, t := range r.targets {
		t.after = t.rss()
	}
	return nil
}

func (r *run) take(ctx context.Context, t *target, o operation, n int) error {
	if t.failed[o.name] || t.requests[o.name] == nil {
		return nil
	}
	if t.store == "PostgreSQL" && o.writes {
		defer r.settle(ctx)
	}
	l := &rig.Load{Connections: n, Count: 1 << 30, Open: func(worker int) (rig.Worker, error) { return t.requests[o.name](worker) }}
	p, err := rig.Take(ctx, l, t.cpu, r.config.Warm, r.config.Duration)
	if err != nil {
		err = fmt.Errorf("%s, %s at %d connections: %w", t.title(), o.title, n, err)
		if !t.peer || ctx.Err() != nil {
			return err
		}
		t.failed[o.name] = true
		r.failures = append(r.failures, fmt.Sprintf("%.300v", err))
		return r.restart(ctx, t)
	}
	t.point(o.name, n, p)
	fmt.Fprintf(os.Stderr, "%-28s %-20s %2d connections  %7.0f/s  %8.1f us CPU  p99 %.1f ms\n", t.title(), o.title, n, p.Rate, p.CPU, p.P99)
	return nil
}

// restart gives a peer that has failed in one operation a new process, with nothing in its database:
// one that hangs would answer nothing else either.
func (r *run) restart(ctx context.Context, t *target) error {
	if err := t.stop(); err != nil {
		r.failures = append(r.failures, fmt.Sprintf("%s, when it was stopped then: %.300v", t.title(), err))
	}
	next, err := t.start(ctx)
	if err != nil {
		return fmt.Errorf("starting %s once more: %w", t.title(), err)
	}
	t.address, t.requests, t.cpu, t.rss, t.stop = next.address, next.requests, next.cpu, next.rss, next.stop
	return nil
}

// settle waits, at most five seconds, until PostgreSQL has done what the work has left to it
// (checkpoints, vacuuming): it would take its time from what is measured next.
func (r *run) settle(ctx context.Context) {
	for range 25 {
		before := r.pg.CPU()
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		if r.pg.CPU()-before < 5*time.Millisecond {
			return
		}
	}
}

func (r *run) close() error {
	var errs []error
	for _, t := range append(r.floors, r.targets...) {
		switch err := t.stop(); {
		case err != nil && t.peer:
			r.failures = append(r.failures, fmt.Sprintf("%s, when it was stopped: %.300v", t.title(), err))
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", t.title(), err))
		}
	}
	if r.pg != nil {
		errs = append(errs, r.pg.Close())
	}
	if r.log != nil {
		r.log.Close()
	}
	return errors.Join(append(errs, os.RemoveAll(r.folder))...)
}

// ended stops a process that was started, if it was.
func ended(p *proc.Process) error {
	if p == nil {
		return nil
	}
	return p.Stop()
}

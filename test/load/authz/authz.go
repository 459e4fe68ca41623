// Package authz owns measuring permission checks: Admit with the organisation of package org,
// beside the least that net/http does and beside other authorization servers, in one run.
package authz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// Config is what a run needs. Postgres and Peers may be empty.
type Config struct {
	Binary   string // Admit's
	Postgres string // URL of a PostgreSQL on this machine
	Peers    string // folder of the peers' binaries
	Rounds   int
	Duration time.Duration // of each point
	Warm     time.Duration
	Small    bool // a thousand grants instead of a hundred thousand, and no million: to try the program
}

const people = 16 // who sign in

var connections = []int{1, 16, 64}

// series is one kind of request with what was measured, by number of connections.
type series struct {
	title  string
	points map[int][]rig.Point
}

func newSeries(title string) *series { return &series{title, map[int][]rig.Point{}} }

// timing is a list of waits in milliseconds.
type timing struct {
	n             int
	p50, p99, max float64
}

func timingOf(waits []time.Duration) timing {
	return timing{len(waits), rig.Quantile(waits, 0.5), rig.Quantile(waits, 0.99), rig.Quantile(waits, 1)}
}

// Result is what a run has measured.
type Result struct {
	config Config
	grants int

	loading          time.Duration // of the organisation
	rss, rssAfter    int64
	floor            *series
	checks           []*series // user token, client token
	batch, list      *series
	page             timing // the first page alone
	small            timing // the person with 10
	seen             timing // write to visible, same node
	same             timing // the write's own answer
	nodes, deaf      timing // the other node, with and without notifications
	late             string // why there are none
	writes, writesPG rig.Point
	starts           []float64 // s
	startGrants      int
	startRSS         int64
	versus           []versus
	absent           []string
	postgres         string
}

// run is a run under way.
type run struct {
	Result
	folder  string
	log     *os.File
	pg      *rig.Postgres
	floorAt string
	floorPS *proc.Process
	admit   *rig.Admit
	client  *client.Client
	token   string // of the client
	persons []*drive.Person
	org     *org.Org
}

// Run measures everything. On failure nothing is left running.
func Run(ctx context.Context, c Config) (_ *Result, err error) {
	r := &run{Result: Result{config: c}}
	if r.folder, err = os.MkdirTemp("", "admit-authz-"); err != nil {
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
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"set up", r.setUp}, {"checks", r.takeChecks}, {"batch and lists", r.takeLists}, {"visible", r.takeVisible}, {"writes", r.takeWrites},
		{"peers", r.takePeers}, {"two nodes", r.takeNodes}, {"large start", r.takeStart},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(os.Stderr, "permissions: %-16s %v\n", step.name, time.Since(began).Round(time.Millisecond))
	}
	return &r.Result, nil
}

func (r *run) close() error {
	var errs []error
	if r.admit != nil {
		errs = append(errs, r.admit.Stop())
	}
	if r.floorPS != nil {
		errs = append(errs, r.floorPS.Stop())
	}
	if r.pg != nil {
		errs = append(errs, r.pg.Close())
	}
	if r.log != nil {
		r.log.Close()
	}
	return errors.Join(append(errs, os.RemoveAll(r.folder))...)
}

// setUp starts the floor and Admit, signs people in and loads the organisation, in which these
// people have a place.
func (r *run) setUp(ctx context.Context) (err error) {
	if r.floorPS, r.floorAt, err = rig.Floor(r.log); err != nil {
		return err
	}
	if r.admit, err = r.newAdmit("main", "", ""); err != nil {
		return err
	}
	if _, err = r.admit.Start(); err != nil {
		return err
	}
	server := drive.Server{Address: r.admit.Address, Host: r.admit.Host}
	var names []string
	for i := range people {
		p, err := server.SignIn(fmt.Sprintf("load-%d@example.test", i))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		r.persons, names = append(r.persons, p), append(names, p.Subject)
	}
	size := org.Medium
	if r.config.Small {
		size = org.Small
	}
	r.org, r.grants = org.New(size, names...), size.Grants
	if r.token, r.client, err = keyOf(ctx, r.admit, "load"); err != nil {
		return err
	}
	began := time.Now()
	if err := load(ctx, r.admit, r.token, r.org); err != nil {
		return err
	}
	r.loading = time.Since(began)
	if err := r.admit.Stop(); err != nil { // what loading needed is not what serving needs
		return err
	}
	if _, err := r.admit.Start(); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	r.rss = proc.RSS(r.admit.PID())
	return nil
}

func (r *run) newAdmit(name, database, public string) (*rig.Admit, error) {
	folder := filepath.Join(r.folder, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return rig.NewAdmit(r.config.Binary, folder, database, public, r.log)
}

func keyOf(ctx context.Context, a *rig.Admit, name string) (token string, c *client.Client, err error) {
	key, c, err := a.Key(ctx, name)
	if err != nil {
		return "", nil, err
	}
	token, err = key.Token(ctx, "http://"+a.Public())
	return token, c, err
}

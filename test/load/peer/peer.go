// Package peer owns running other authorization servers on the organisation of package org: each
// is started with its data in a folder or database of its own, loaded through its own bulk
// interface, and asked the same questions as Admit. OpenFGA and SpiceDB are asked by gRPC, their
// native protocol; Cerbos, which holds no grants, over HTTP with the roles that its caller would
// have looked up. Caches stay as the peers ship them.
package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// Env is where peers run.
type Env struct {
	Binaries string // folder with openfga, spicedb and cerbos, and a file VERSIONS
	Folder   string
	Log      *os.File
	Postgres *rig.Postgres // optional
}

// Peer is a running server with the organisation in it.
type Peer struct {
	Name    string
	Version string
	Config  string        // for the report
	Loading time.Duration // what loading took
	process *proc.Process
	env     Env
	uses    bool // PostgreSQL
	prepare func(checks []org.Check) func(worker int) (rig.Worker, error)
	close   func()
}

// Kind names a peer and how it keeps its data.
type Kind struct {
	Name, Binary string
	Postgres     bool
	start        func(ctx context.Context, p *Peer, o *org.Org) error
}

// Kinds lists the peers that can run: those with a database of their own choice come twice.
var Kinds = []Kind{
	{"OpenFGA", "openfga", true, startOpenFGA},
	{"OpenFGA", "openfga", false, startOpenFGA},
	{"SpiceDB", "spicedb", true, startSpiceDB},
	{"SpiceDB", "spicedb", false, startSpiceDB},
	{"Cerbos", "cerbos", false, startCerbos},
}

// Present tells whether a peer's binary is there.
func Present(folder string, k Kind) bool {
	_, err := os.Stat(filepath.Join(folder, k.Binary))
	return folder != "" && err == nil
}

// Start runs a peer and loads it.
func Start(ctx context.Context, env Env, k Kind, o *org.Org) (*Peer, error) {
	p := &Peer{Name: k.Name, Version: Version(env.Binaries, k.Binary), env: env, uses: k.Postgres, close: func() {}}
	began := time.Now()
	if err := k.start(ctx, p, o); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", k.Name, err), p.Stop())
	}
	if p.Loading = time.Since(began); k.Binary == "spicedb" {
		p.Loading -= spiceStale
	}
	return p, nil
}

// Version reads what scripts/peers.sh has written beside the binaries.
func Version(folder, name string) string {
	data, _ := os.ReadFile(filepath.Join(folder, "VERSIONS"))
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			return f[1]
		}
	}
	return "of an unknown version"
}

// Store names where the peer keeps its data, in a word or two.
func (p *Peer) Store() string {
	store, _, _ := strings.Cut(p.Config, ",")
	return store
}

// Volatile tells that the peer loses everything when it ends.
func (p *Peer) Volatile() bool { return strings.HasPrefix(p.Config, "memory") }

// Ask returns a load of questions.
func (p *Peer) Ask(checks []org.Check, connections int) *rig.Load {
	return &rig.Load{Connections: connections, Count: len(checks), Open: p.prepare(checks)}
}

// CPU returns what the peer has used so far, with its database.
func (p *Peer) CPU() time.Duration {
	sum := proc.CPU(p.process.PID())
	if p.uses {
		sum += p.env.Postgres.CPU()
	}
	return sum
}

// RSS returns the memory of the peer's process, without its database's.
func (p *Peer) RSS() int64 { return proc.RSS(p.process.PID()) }

// Stop ends the peer.
func (p *Peer) Stop() error {
	p.close()
	if p.process == nil {
		return nil
	}
	return p.process.Stop()
}

// run starts the peer's server.
func (p *Peer) run(binary string, args ...string) (err error) {
	p.process, err = proc.Start(p.env.Log, filepath.Join(p.env.Binaries, binary), args...)
	return err
}

// await asks until the peer answers.
func (p *Peer) await(ctx context.Context, ask func() error) error {
	var err error
	for range 600 {
		if err = ask(); err == nil {
			return nil
		}
		if ended := p.process.Ended(); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("not ready within 30 s: %w", err)
}

// asker is a worker that sends prepared questions and compares the answers.
type asker struct {
	checks []org.Check
	ask    func(ctx context.Context, i int) (bool, error)
	end    func()
}

func (a *asker) Do(ctx context.Context, i int) error {
	got, err := a.ask(ctx, i)
	if err == nil && got != a.checks[i].Allow {
		err = fmt.Errorf("wrong answer: %+v", a.checks[i])
	}
	return err
}

func (a *asker) Close() { a.end() }

// calls prepares workers that ask by gRPC.
func (d *dialer) calls(method string, checks []org.Check, render func(org.Check) []byte, allowed func([]byte) (bool, error)) func(int) (rig.Worker, error) {
	bodies := make([][]byte, len(checks))
	for i, c := range checks {
		bodies[i] = frame(render(c))
	}
	return func(n int) (rig.Worker, error) {
		return &asker{checks: checks, end: func() {}, ask: func(ctx context.Context, i int) (bool, error) {
			answer, err := d.call(ctx, n, method, bodies[i])
			if err != nil {
				return false, err
			}
			return allowed(answer)
		}}, nil
	}
}

// inBatches calls send with so many items at a time, over a few connections at once.
func inBatches[T any](items []T, size int, send func(worker int, batch []T) error) error {
	const workers = 4
	errs := make(chan error, workers)
	for w := range workers {
		go func() {
			for from := w * size; from < len(items); from += workers * size {
				if err := send(w, items[from:min(from+size, len(items))]); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var all []error
	for range workers {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// tuple relates a subject to an object.
type tuple struct{ kind, id, relation, subjectKind, subject, subjectRelation string }

// tuples says the organisation in relations: parents, members and grants.
func tuples(o *org.Org) []tuple {
	var out []tuple
	for _, r := range o.Resources {
		if parent := org.Parent(r); parent != "" {
			kind, id := org.Object(r)
			above, aboveID := org.Object(parent)
			out = append(out, tuple{kind, id, "parent", above, aboveID, ""})
		}
	}
	for _, m := range o.Members {
		out = append(out, tuple{"group", m.Group, "member", "user", m.User, ""})
	}
	for _, g := range o.Grants {
		kind, id := org.Object(g.Resource)
		t := tuple{kind, id, g.Role, "user", g.User, ""}
		if g.Group != "" {
			t.subjectKind, t.subject, t.subjectRelation = "group", g.Group, "member"
		}
		out = append(out, t)
	}
	return out
}

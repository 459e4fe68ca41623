// Command load measures a running Admit beside the least that a net/http server can do, in
// one run, with rounds interleaved, and writes docs/reference/performance.md.
//
// It starts both servers itself, on loopback addresses and in a temporary folder, signs
// people in through the login box, and checks every answer. `make bench` runs it with a
// PostgreSQL and, where they are installed, other authorization servers (see -help to shorten it).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/admit-id/admit/test/load/authz"
	"github.com/admit-id/admit/test/load/passwords"
	"github.com/admit-id/admit/test/load/provider"
	"github.com/admit-id/admit/test/load/sessions"
)

type settings struct {
	admit       string
	out         string
	database    string
	rounds      int
	duration    time.Duration
	warm        time.Duration
	connections []int
	people      int
	grants      int
	codes       int
	starts      int
	only        string
	postgres    string
	peers       string
	modules     string
	small       bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "floor" {
		exit(serveFloor(os.Args[2]))
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "token-floor" {
		exit(provider.ServeFloor(os.Args[2], os.Args[3]))
		return
	}
	s := settings{connections: []int{1, 16, 64}}
	flag.StringVar(&s.admit, "binary", "bin/admit", "the server's binary")
	flag.StringVar(&s.out, "out", "docs/reference/performance.md", "file to write; - writes to the terminal only")
	flag.StringVar(&s.database, "database", "", "postgres://... of an empty database; the default is SQLite in a temporary folder")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds, 1 to 20")
	flag.DurationVar(&s.duration, "d", time.Second, "measured time of each point, 100ms to 10s")
	flag.DurationVar(&s.warm, "warm", 200*time.Millisecond, "time before each point that does not count, up to 2s")
	flag.IntVar(&s.people, "people", 8, "people who sign in, 1 to 64")
	flag.IntVar(&s.grants, "grants", 10_000, "grants on single resources that the server holds, 100 to 100,000")
	flag.IntVar(&s.codes, "codes", 300, "code exchanges of each point, 10 to 5,000")
	flag.IntVar(&s.starts, "starts", 5, "cold starts, 1 to 20")
	flag.StringVar(&s.only, "only", "", "measure only this: permissions, provider, sessions (with passwords), passwords, or one operation beside the floor: renewal, exchange or jwks")
	flag.StringVar(&s.postgres, "postgres", "", "postgres://... of a PostgreSQL on this machine whose role may create databases: for two nodes, and for peers")
	flag.StringVar(&s.peers, "peers", "", "folder of the binaries openfga, spicedb, cerbos, dex and hydra, which scripts/peers.sh builds")
	flag.StringVar(&s.modules, "modules", "test", "folder whose node_modules has oidc-provider")
	flag.BoolVar(&s.small, "small", false, "a small organisation, to try the program")
	flag.Parse()
	exit(run(s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func (s settings) check() error {
	within := func(ok bool, what string) error {
		if !ok {
			return errors.New(what + " is out of bounds; see -help")
		}
		return nil
	}
	return errors.Join(
		within(runtime.GOOS == "linux", "the operating system (Linux only)"),
		within(s.rounds >= 1 && s.rounds <= 20, "-rounds"),
		within(s.duration >= 100*time.Millisecond && s.duration <= 10*time.Second, "-d"),
		within(s.warm >= 0 && s.warm <= 2*time.Second, "-warm"),
		within(s.people >= 1 && s.people <= 64, "-people"),
		within(s.grants >= 100 && s.grants <= 100_000, "-grants"),
		within(s.codes >= 10 && s.codes <= 5000, "-codes"),
		within(s.starts >= 1 && s.starts <= 20, "-starts"),
	)
}

func run(s settings) error {
	if err := s.check(); err != nil {
		return err
	}
	began := time.Now()
	// An interrupted run stops its servers and removes its folder like a finished one.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	report, err := s.measure(ctx)
	if err != nil {
		return err
	}
	report += fmt.Sprintf("\nThe run took %s.\n", time.Since(began).Round(time.Second))
	fmt.Print(report)
	if s.out == "-" {
		return nil
	}
	return os.WriteFile(s.out, []byte(report), 0o644)
}

// longest bounds a run, whatever the servers do.
const longest = 25 * time.Minute

// measure takes all parts, one after the other: permissions, the authorization server, sessions, the login protocol.
func (s settings) measure(ctx context.Context) (string, error) {
	report := intro
	if s.only == "" || s.only == "permissions" {
		result, err := authz.Run(ctx, authz.Config{Binary: s.admit, Postgres: s.postgres, Peers: s.peers,
			Rounds: s.rounds, Duration: s.duration, Warm: s.warm, Small: s.small})
		if err != nil {
			return "", err
		}
		report += result.Report() + growthSection + "\n"
	}
	if s.only == "permissions" {
		return report, nil
	}
	if s.only == "" || s.only == "provider" {
		result, err := provider.Run(ctx, provider.Config{Binary: s.admit, Postgres: s.postgres, Peers: s.peers, Modules: s.modules,
			Rounds: s.rounds, Duration: s.duration / 2, Warm: s.warm}) // it has the most points
		if err != nil {
			return "", err
		}
		report += result.Report() + "\n"
	}
	if s.only == "provider" {
		return report, nil
	}
	if s.only == "" || s.only == "sessions" {
		result, err := sessions.Run(ctx, sessions.Config{Binary: s.admit, Rounds: s.rounds, Duration: s.duration, Warm: s.warm, Small: s.small})
		if err != nil {
			return "", err
		}
		report += result.Report() + "\n"
	}
	if s.only == "" || s.only == "sessions" || s.only == "passwords" {
		// Seconds hold few hashes, so a point takes three times as long.
		result, err := passwords.Run(ctx, passwords.Config{Binary: s.admit, Rounds: s.rounds, Duration: 3 * s.duration})
		if err != nil {
			return "", err
		}
		report += result.Report() + "\n"
	}
	if s.only == "sessions" || s.only == "passwords" {
		return report, nil
	}
	bench, err := setUp(ctx, s)
	if err != nil {
		return "", err
	}
	defer bench.close()
	if err := bench.measure(ctx); err != nil {
		return "", err
	}
	return report + bench.report(), nil
}

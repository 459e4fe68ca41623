// Package sessions owns measuring silent renewal where very many sessions live: the rotation of the
// session's secret on a database that holds a million of them, beside one that holds none but its own.
package sessions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // database/sql driver "sqlite"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// Config is what a run needs.
type Config struct {
	Binary   string // Admit's
	Rounds   int
	Duration time.Duration // of each point
	Warm     time.Duration
	Small    bool // a twentieth of the sessions
}

const many = 1_000_000

var connections = []int{1, 16}

// Result is what a run has measured.
type Result struct {
	config  Config
	living  int
	targets []*target
	bytes   int64 // of the large database's file
}

// target is one Admit.
type target struct {
	title  string
	admit  *rig.Admit
	people []*drive.Person
	points map[int][]rig.Point
	rss    int64
}

// Run measures everything. On failure nothing is left running.
func Run(ctx context.Context, c Config) (r *Result, err error) {
	r = &Result{config: c, living: many}
	if c.Small {
		r.living = many / 20
	}
	folder, err := os.MkdirTemp("", "admit-sessions-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w%s", err, rig.LastWords(folder))
		}
		for _, t := range r.targets {
			err = errors.Join(err, t.admit.Stop())
		}
		log.Close()
		err = errors.Join(err, os.RemoveAll(folder))
	}()
	for i, title := range []string{"no other session", fmt.Sprintf("%s other living sessions", rig.Number(float64(r.living)))} {
		if err := r.start(ctx, filepath.Join(folder, fmt.Sprint(i)), title, i*r.living, log); err != nil {
			return nil, err
		}
	}
	return r, r.measure(ctx)
}

// start runs an Admit on SQLite with people who are signed in, and other sessions in its database.
func (r *Result) start(ctx context.Context, folder, title string, others int, log *os.File) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	a, err := rig.NewAdmit(r.config.Binary, folder, "", "", log)
	if err != nil {
		return err
	}
	t := &target{title: title, admit: a, points: map[int][]rig.Point{}}
	r.targets = append(r.targets, t)
	if _, err := a.Start(); err != nil {
		return err
	}
	server := drive.Server{Address: a.Address, Host: a.Host}
	for i := range connections[len(connections)-1] {
		p, err := server.SignIn(fmt.Sprintf("load-%d@example.test", i))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		t.people = append(t.people, p)
	}
	if others == 0 {
		return nil
	}
	if err := a.Stop(); err != nil {
		return err
	}
	file := filepath.Join(folder, "admit.db")
	if err := fill(ctx, file, others); err != nil {
		return fmt.Errorf("loading sessions: %w", err)
	}
	if info, err := os.Stat(file); err == nil {
		r.bytes = info.Size()
	}
	_, err = a.Start()
	return err
}

// fill writes living sessions into a database that no server has open.
func fill(ctx context.Context, file string, n int) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback()
	insert, err := t.PrepareContext(ctx, `INSERT INTO sessions (account_id, id, root_id, cookie_hash, user_id, connection_id, evidence, created_at, last_seen, expires_at, absolute_expiry,
	replaced_at, ended_at, salt, version, confirmed, rotated_at, late_from, late_next, late_since, device, address, applications)
VALUES ($1, $2, $2, $3, $4, 'con_email', $5, $6, $6, $7, $8, 0, 0, $9, 1, 1, $6, 1, 1, $6, 'Firefox on Linux', '192.0.2.1', 'app_default')`)
	if err != nil {
		return err
	}
	defer insert.Close()
	now := time.Now()
	for range n {
		id, user := ident.New("ses_"), ident.New("usr_")
		began := now.Add(-time.Duration(secret.Bytes(1)[0]) * time.Hour)
		evidence := `[{"method":"email","connection":"con_email","issuer":"urn:admit:email","subject":"` + user + `@example.test","at":"` + began.UTC().Format(time.RFC3339) + `"}]`
		if _, err := insert.ExecContext(ctx, string(ident.DefaultAccount), id, []byte(id), user, evidence,
			began.UnixMicro(), began.Add(30*24*time.Hour).UnixMicro(), began.Add(90*24*time.Hour).UnixMicro(), secret.Bytes(16)); err != nil {
			return err
		}
	}
	if err := t.Commit(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// measure takes both in turn, so that whatever else the machine does hits them alike.
func (r *Result) measure(ctx context.Context) error {
	for round := range r.config.Rounds {
		for _, n := range connections {
			for _, t := range r.targets {
				l := &rig.Load{Connections: n, Count: 1 << 30, Open: t.open}
				p, err := rig.Take(ctx, l, t.admit.CPU, r.config.Warm, r.config.Duration)
				if err != nil {
					return fmt.Errorf("%s at %d connections: %w", t.title, n, err)
				}
				t.points[n] = append(t.points[n], p)
				fmt.Fprintf(os.Stderr, "sessions: round %d of %d  %-32s %2d connections  %7.0f/s  p50 %.2f ms  p99 %.2f ms  %.1f us CPU\n",
					round+1, r.config.Rounds, t.title, n, p.Rate, p.P50, p.P99, p.CPU)
			}
		}
	}
	for _, t := range r.targets {
		t.rss = proc.RSS(t.admit.PID())
	}
	return nil
}

func (t *target) open(worker int) (rig.Worker, error) {
	c, err := wire.New(t.admit.Address)
	return &renewer{c, t.people[worker]}, err
}

// renewer is a browser that renews its session again and again, each time with the cookie that it was given last.
type renewer struct {
	conn   *wire.Conn
	person *drive.Person
}

func (w *renewer) Do(context.Context, int) error { return w.person.Renew(w.conn) }
func (w *renewer) Close()                        { w.conn.Close() }

// Report is the part of docs/reference/performance.md about sessions.
func (r *Result) Report() string {
	var out strings.Builder
	out.WriteString("## Sessions\n\n| what | bar | measured | met |\n|---|---|---|---|\n")
	few, full := r.targets[0], r.targets[1]
	p99 := func(p rig.Point) float64 { return p.P99 }
	for _, n := range connections {
		s := rig.Ratios(full.points[n], few.points[n], p99)
		fmt.Fprintf(&out, "| silent renewal, p99 with %s against none, %d connections | at most 2x | %sx | %s |\n", full.title, n, s.Text(), map[bool]string{true: "yes", false: "**no**"}[s.Median <= 2])
	}
	out.WriteString("\n| database | connections | renewals/s | p50, ms | p99, ms | CPU/renewal, µs |\n|---|---|---|---|---|---|\n")
	for _, n := range connections {
		for _, t := range r.targets {
			points := t.points[n]
			fmt.Fprintf(&out, "| %s | %d | %s | %s | %s | %s |\n", t.title, n, rig.Column(points, func(p rig.Point) float64 { return p.Rate }).Text(),
				rig.Column(points, func(p rig.Point) float64 { return p.P50 }).Text(), rig.Column(points, p99).Text(), rig.Column(points, func(p rig.Point) float64 { return p.CPU }).Text())
		}
	}
	mib := func(n int64) string { return rig.Number(float64(n) / (1 << 20)) }
	fmt.Fprintf(&out, `
- A renewal reads the session and its person, rotates the session's secret durably (SQLite, `+"`synchronous=FULL`"+`) and signs two tokens. Every answer is checked, and its cookie is the next
  request's; each connection is a browser of its own.
- The sessions were written into the database by SQL before the server started; its file has %s MiB then. Memory (RSS) after all of it: %s MiB, and %s MiB without them.
- %d rounds, both databases in turn, %v each.
`, mib(r.bytes), mib(full.rss), mib(few.rss), r.config.Rounds, r.config.Duration)
	return out.String()
}

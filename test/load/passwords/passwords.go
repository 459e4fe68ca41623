// Package passwords owns measuring logins by password: how many a second beside the bare rate of the hash on the same
// processors, and how long somebody who asks for a permission waits meanwhile.
package passwords

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

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
}

const (
	browsers = 16 // that sign in at once
	pause    = 10 * time.Millisecond
	password = "rain on a tin roof at night"
)

// Result is what a run has measured.
type Result struct {
	config                     Config
	bare, logins               []rig.Point // per second
	apart                      []rig.Point // of logins, the processor time of the processes that hash
	alone, beside              []rig.Point // of checks
	request                    []byte
	admit                      *rig.Admit
	server                     drive.Server
	memoryPerHash, passes, per uint32
}

// Run measures everything. On failure nothing is left running.
func Run(ctx context.Context, c Config) (_ *Result, err error) {
	r := &Result{config: c, memoryPerHash: 19 << 10, passes: 2, per: 32}
	folder, err := os.MkdirTemp("", "admit-passwords-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		return nil, err
	}
	if r.admit, err = rig.NewAdmit(c.Binary, folder, "", "", log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w%s", err, rig.LastWords(folder))
		}
		err = errors.Join(err, r.admit.Stop(), log.Close(), os.RemoveAll(folder))
	}()
	if err := r.prepare(ctx, folder); err != nil {
		return nil, err
	}
	for round := range c.Rounds {
		if err := r.round(ctx); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "passwords: round %d of %d  bare %.1f hashes/s, %.1f logins/s (%.1f and %.1f ms of processor time each, others kept %.2f processors busy); a check's p99 %.2f ms alone, %.2f ms beside them\n",
			round+1, c.Rounds, r.bare[round].Rate, r.logins[round].Rate, r.bare[round].CPU/1000, r.logins[round].CPU/1000, r.logins[round].Others, r.alone[round].P99, r.beside[round].P99)
	}
	return r, nil
}

func email(n int) string { return fmt.Sprintf("load-%d@example.test", n) }

// prepare starts a server with people who have a password each.
func (r *Result) prepare(ctx context.Context, folder string) error {
	if _, err := r.admit.Start(); err != nil {
		return err
	}
	r.server = drive.Server{Address: r.admit.Address, Host: r.admit.Host}
	key, _, err := r.admit.Key(ctx, "load")
	if err != nil {
		return err
	}
	token, err := key.Token(ctx, "http://"+r.admit.Public())
	if err != nil {
		return err
	}
	c, err := wire.New(r.admit.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	bearer := "Authorization: Bearer " + token
	a, err := c.Do(wire.Request("PUT", r.admit.Host, "/v1/connections/con_pw", `{"type":"PASSWORD","data":{"name":"Password"}}`, bearer, "Content-Type: application/json"))
	if err != nil || a.Status/100 != 2 {
		return fmt.Errorf("switching passwords on: %d %.200s %w", a.Status, a.Body, err)
	}
	var lines strings.Builder
	for n := range browsers {
		p, err := r.server.SignIn(email(n))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		salt := []byte(fmt.Sprintf("salt of person %02d", n))
		text := base64.RawStdEncoding.EncodeToString
		fmt.Fprintf(&lines, "{\"email\":%q,\"hash\":\"$argon2id$v=19$m=%d,t=%d,p=1$%s$%s\"}\n", email(n), r.memoryPerHash, r.passes, text(salt), text(r.hash(salt)))
		// A person may always ask about themselves.
		r.request = wire.Request("GET", r.admit.Host, "/v1/users/"+url.PathEscape(p.Subject)+"/resources/load/permissions/read", "", bearer)
	}
	file := filepath.Join(folder, "hashes.jsonl")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, r.config.Binary, "import", "passwords", "--strict", "--data-dir", folder, "--public-url", "http://"+r.admit.Public(), file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("admit import passwords: %w: %.300s", err, out)
	}
	return nil
}

func (r *Result) hash(salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, r.passes, r.memoryPerHash, 1, r.per)
}

// round takes each point once, in turn, so that whatever else the machine does hits them alike.
func (r *Result) round(ctx context.Context) error {
	r.bare = append(r.bare, r.bareRate(ctx))
	alone, err := r.checks(ctx)
	if err != nil {
		return err
	}
	r.alone = append(r.alone, alone)
	return r.signIns(ctx)
}

// signIns takes the points of logins and of checks beside them. Browsers sign in before and after the time that counts,
// so that the processes that hash are there at its begin, and have work until its end.
func (r *Result) signIns(ctx context.Context) error {
	var done atomic.Int64
	load := &rig.Load{Connections: browsers, Count: 1 << 30, Open: func(n int) (rig.Worker, error) { return r.open(n, &done) }}
	var loadErr error
	var wait sync.WaitGroup
	wait.Go(func() { loadErr = load.Run(ctx, 2*r.config.Duration) })
	time.Sleep(r.config.Duration / 2)
	count, began, busy, own, server, hashing := done.Load(), time.Now(), proc.Busy(), proc.CPU(os.Getpid()), r.admit.CPU(), r.hashing()
	beside, err := r.checks(ctx)
	n, took := float64(done.Load()-count), time.Since(began)
	hashing = r.hashing() - hashing
	used := r.admit.CPU() - server + hashing
	others := proc.Busy() - busy - (proc.CPU(os.Getpid()) - own) - used
	wait.Wait()
	if err = errors.Join(err, loadErr); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("nobody signed in within %v", took)
	}
	rate := n / took.Seconds()
	r.logins = append(r.logins, rig.Point{Rate: rate, CPU: float64(used.Microseconds()) / n, Others: max(0, others.Seconds()/took.Seconds())})
	r.apart = append(r.apart, rig.Point{Rate: rate, CPU: float64(hashing.Microseconds()) / n})
	r.beside = append(r.beside, beside)
	return nil
}

// hashing is the processor time of the processes that the server has started, of those that ended, too.
func (r *Result) hashing() time.Duration { return proc.TreeCPU(r.admit.PID()) - r.admit.CPU() }

// bareRate is what the processors can do when they do nothing else.
func (r *Result) bareRate(ctx context.Context) rig.Point {
	var done atomic.Int64
	var wait sync.WaitGroup
	began, used := time.Now(), proc.CPU(os.Getpid())
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for ctx.Err() == nil && time.Since(began) < r.config.Duration {
				r.hash([]byte("sixteen bytes...."))
				done.Add(1)
			}
		})
	}
	wait.Wait()
	n := float64(done.Load())
	return rig.Point{Rate: n / time.Since(began).Seconds(), CPU: float64((proc.CPU(os.Getpid()) - used).Microseconds()) / n}
}

// checks asks for a permission a hundred times a second, for the time of a point.
func (r *Result) checks(ctx context.Context) (rig.Point, error) {
	c, err := wire.New(r.admit.Address)
	if err != nil {
		return rig.Point{}, err
	}
	defer c.Close()
	var took []time.Duration
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < r.config.Duration; time.Sleep(pause) {
		at := time.Now()
		a, err := c.Do(r.request)
		if err != nil {
			return rig.Point{}, err
		}
		if a.Status != 200 && a.Status != 404 {
			return rig.Point{}, fmt.Errorf("a check was answered %d %.200s", a.Status, a.Body)
		}
		took = append(took, time.Since(at))
	}
	return rig.Point{Rate: float64(len(took)) / r.config.Duration.Seconds(), P50: rig.Quantile(took, 0.50), P99: rig.Quantile(took, 0.99)}, ctx.Err()
}

func (r *Result) open(n int, done *atomic.Int64) (rig.Worker, error) {
	c, err := wire.New(r.admit.Address)
	return &browser{c, &r.server, email(n), done}, err
}

// browser signs in again and again, each time as one that the server has not seen.
type browser struct {
	conn   *wire.Conn
	server *drive.Server
	email  string
	done   *atomic.Int64
}

func (b *browser) Do(context.Context, int) error {
	err := b.server.Password(b.conn, b.email, password)
	if err == nil {
		b.done.Add(1)
	}
	return err
}
func (b *browser) Close() { b.conn.Close() }

// Report is the part of docs/reference/performance.md about passwords.
func (r *Result) Report() string {
	var out strings.Builder
	rate := func(p rig.Point) float64 { return p.Rate }
	cpu := func(p rig.Point) float64 { return p.CPU / 1000 }
	p50, p99 := func(p rig.Point) float64 { return p.P50 }, func(p rig.Point) float64 { return p.P99 }
	met := func(ok bool) string { return map[bool]string{true: "yes", false: "**no**"}[ok] }
	share, slower := rig.Ratios(r.logins, r.bare, rate), rig.Ratios(r.beside, r.alone, p99)
	out.WriteString("## Passwords\n\n| what | bar | measured | met |\n|---|---|---|---|\n")
	fmt.Fprintf(&out, "| logins by password against the bare rate of the hash | at least 0.9x | %sx | %s |\n", share.Text(), met(share.Median >= 0.9))
	fmt.Fprintf(&out, "| a permission check's p99 beside them against alone | at most 2x | %sx | %s |\n", slower.Text(), met(slower.Median <= 2))
	fmt.Fprintf(&out, "\n| | |\n|---|---|\n| the hash alone (argon2id, %d MiB, %d passes), on %d processors | %s/s |\n| logins, %d browsers at once | %s/s |\n", r.memoryPerHash>>10, r.passes, runtime.GOMAXPROCS(0), rig.Column(r.bare, rate).Text(), browsers, rig.Column(r.logins, rate).Text())
	fmt.Fprintf(&out, "| processor time of the hash alone, ms | %s |\n| processor time of a login, of the server and its processes, with 100 checks a second, ms | %s |\n| of that, of the processes that hash, ms | %s |\n| processors that others kept busy during the logins | %s |\n",
		rig.Column(r.bare, cpu).Text(), rig.Column(r.logins, cpu).Text(), rig.Column(r.apart, cpu).Text(), rig.Column(r.logins, func(p rig.Point) float64 { return p.Others }).Text())
	fmt.Fprintf(&out, "| a check alone, p50 and p99, ms | %s, %s |\n| a check beside the logins, p50 and p99, ms | %s, %s |\n", rig.Column(r.alone, p50).Text(), rig.Column(r.alone, p99).Text(), rig.Column(r.beside, p50).Text(), rig.Column(r.beside, p99).Text())
	fmt.Fprintf(&out, `
- A login is four requests of a browser that the server has not seen: it begins, shows the page, takes address and password, and answers with a code; every one is checked. SQLite, `+"`synchronous=FULL`"+`.
- Hashes run when no other process has anything to do: the rate is that of the bare hash only on a machine that is otherwise idle. What the processor time says holds on any.
- The hash alone is computed by this program while the server rests. Checks come a hundred times a second on a connection of their own, in both cases.
- %d rounds, %v each.
`, r.config.Rounds, r.config.Duration)
	return out.String()
}

package sqldb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	postgresTries   = 6
	postgresTimeout = 15 * time.Second // one unit of work, waiting for a connection included
	postgresLong    = 15 * time.Minute // a unit of work that may take long
	postgresConns   = 16
	postgresAside   = 3 // connections for reads that others wait for
)

// postgresEngine runs each unit of work in a transaction of its own, or, where that is the same, in one with others.
type postgresEngine struct {
	clock clock.Clock
	bus   *tx.Bus
	pool  *pgxpool.Pool
	bell  chan struct{}
	stop  context.CancelFunc
	// others is the connections in use by work that is not aside: they leave some for that.
	others chan struct{}
	shared *sharing
	done   chan struct{}
}

func openPostgres(ctx context.Context, o Options) (*postgresEngine, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL cannot be read; it must look like postgres://USER:PASSWORD@HOST:5432/NAME")
	}
	if !strings.Contains(o.URL, "pool_max_conns") {
		config.MaxConns = postgresConns
	}
	set := func(name, value string) {
		if _, ok := config.ConnConfig.RuntimeParams[name]; !ok {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	set("application_name", "admit")
	set("statement_timeout", "10000")
	set("idle_in_transaction_session_timeout", "30000")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	var version int
	if err := pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		pool.Close()
		return nil, explain(&config.ConnConfig.Config, err)
	}
	if version < 150000 {
		pool.Close()
		return nil, fmt.Errorf("PostgreSQL 15 or newer is needed; this is %d", version/10000)
	}
	e := &postgresEngine{clock: o.Clock, bus: o.Bus, pool: pool, bell: make(chan struct{}, 1),
		others: make(chan struct{}, max(1, config.MaxConns-postgresAside)), done: make(chan struct{})}
	e.shared = &sharing{engine: e}
	listen, stop := context.WithCancel(context.Background())
	e.stop = stop
	go e.listen(listen)
	return e, nil
}

func (e *postgresEngine) write(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	// Detached: a caller who goes away must not cut a connection in the middle of a commit.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgresTimeout)
	defer cancel()
	careful := false
	for try := 1; ; try++ {
		rev, err := e.once(ctx, attempt{scope, e.bus, careful}, fn)
		if errors.Is(err, errRefuted) && !careful {
			careful = true
			continue
		}
		if err == nil || try == postgresTries || !retryable(err) {
			return rev, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(time.Duration(try*try) * 2 * time.Millisecond):
		}
	}
}

func (e *postgresEngine) read(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timeout := postgresTimeout
	if scope.IsLong() {
		timeout = postgresLong
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, err := e.once(ctx, attempt{scope: scope}, fn)
	return err
}

// attempt is one run of a unit of work.
type attempt struct {
	scope   tx.Scope
	bus     *tx.Bus // nil: it only reads
	careful bool    // nothing is assumed, see Tx.Assume
}

// once runs one transaction.
func (e *postgresEngine) once(ctx context.Context, a attempt, fn func(context.Context, tx.Tx) error) (rev int64, err error) {
	s := newPostgresSession(e, a.scope, a.bus == nil, a.careful)
	defer func() { s.free() }()
	committed := false
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a unit of work: %v\n%s", p, debug.Stack())
		}
		if !committed {
			if undo := s.rollback(ctx); undo != nil && err == nil {
				err = undo
			}
		}
		if s.refuted && err != nil { // whatever the unit of work made of it
			err = errRefuted
		}
	}()
	t := &Tx{session: s, dialect: Postgres, now: e.clock.Now(), bus: a.bus}
	if err := fn(ctx, t); err != nil {
		if s.unsure() { // perhaps it only failed because of what it assumed
			return 0, errRefuted
		}
		return 0, err
	}
	if rev, err = t.finish(ctx); err != nil {
		return 0, err
	}
	if err := s.commit(ctx); err != nil {
		return 0, err
	}
	committed = true
	return rev, nil
}

// acquire takes a connection, and tells how to give it back.
func (e *postgresEngine) acquire(ctx context.Context, aside bool) (_ *pgx.Conn, free func(), err error) {
	leave := func() {}
	if !aside {
		select {
		case e.others <- struct{}{}:
			leave = func() { <-e.others }
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return conn.Conn(), func() { conn.Release(); leave() }, nil
}

// policyValue is what the row-level policies compare account_id with.
func policyValue(scope tx.Scope) string {
	account, ok := scope.Account()
	if !ok {
		return "*"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '.' // no account id has a dot, so a strange id sees nothing
	}, string(account))
}

// listen keeps one connection that waits for the doorbell, and comes back when it is cut.
func (e *postgresEngine) listen(ctx context.Context) {
	defer close(e.done)
	var said time.Duration
	for ctx.Err() == nil {
		err := e.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if now := clock.Monotonic(); said == 0 || now-said >= 10*time.Second { // not with every attempt
			said = now
			slog.WarnContext(ctx, "the notification connection was lost; the feed is polled meanwhile", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (e *postgresEngine) listenOnce(ctx context.Context) error {
	pooled, err := e.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack()
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN admit_feed"); err != nil {
		return err
	}
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		select {
		case e.bell <- struct{}{}:
		default:
		}
	}
}

func (e *postgresEngine) check(ctx context.Context) ([]string, error) {
	var found []string
	var commit string
	if err := e.pool.QueryRow(ctx, "SHOW synchronous_commit").Scan(&commit); err != nil {
		return nil, err
	}
	if commit == "off" {
		found = append(found, "synchronous_commit is off: an acknowledged write can be lost; set it to on")
	}
	return found, nil
}

func (e *postgresEngine) doorbell() <-chan struct{} { return e.bell }

func (e *postgresEngine) close() error {
	e.stop()
	<-e.done
	e.pool.Close()
	return nil
}

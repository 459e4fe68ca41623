package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Dialect is the database in use.
type Dialect uint8

// The two databases.
const (
	SQLite Dialect = iota
	Postgres
)

func (d Dialect) String() string {
	if d == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Options says which database to open.
type Options struct {
	URL   string // "sqlite:PATH" or "postgres://..."
	Clock clock.Clock
	Bus   *tx.Bus
}

// engine is what differs between the two databases.
type engine interface {
	write(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) (rev int64, err error)
	read(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) error
	migrate(ctx context.Context, all []Migration) error
	check(ctx context.Context) ([]string, error)
	doorbell() <-chan struct{}
	close() error
}

// DB is an open database. It implements tx.Runner.
type DB struct {
	engine
	dialect Dialect
	wait    func(ctx context.Context, rev int64) error
}

// Open opens the database and tests the connection. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil || o.Bus == nil {
		return nil, errors.New("sqldb: Clock and Bus are needed")
	}
	switch {
	case strings.HasPrefix(o.URL, "sqlite:"):
		e, err := openSQLite(ctx, strings.TrimPrefix(o.URL, "sqlite:"), o)
		if err != nil {
			return nil, err
		}
		return &DB{engine: e, dialect: SQLite}, nil
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		e, err := openPostgres(ctx, o)
		if err != nil {
			return nil, err
		}
		return &DB{engine: e, dialect: Postgres}, nil
	}
	return nil, errors.New("the database must be sqlite:PATH or postgres://USER@HOST/NAME")
}

// Dialect tells which database it is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Follow makes every Write wait until this node has applied its own changes. Without it
// (in commands that keep nothing in memory) Write returns after the commit.
func (d *DB) Follow(wait func(ctx context.Context, rev int64) error) { d.wait = wait }

// Write runs a unit of work; see tx.Runner.
func (d *DB) Write(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) error {
	rev, err := d.write(ctx, scope, fn)
	if err != nil {
		return unavailable(err)
	}
	tx.NoteRevision(ctx, rev)
	if rev > 0 && d.wait != nil {
		// The work is durable. If this node cannot follow in time it is stale and refuses
		// to decide until it can, so the answer "done" stays true.
		_ = d.wait(context.WithoutCancel(ctx), rev)
	}
	return nil
}

// Read runs reads on one consistent state; see tx.Runner.
func (d *DB) Read(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) error {
	return unavailable(d.read(ctx, scope, fn))
}

// Check looks for damage in the database files and returns what it found.
func (d *DB) Check(ctx context.Context) ([]string, error) { return d.check(ctx) }

// Doorbell rings when the change feed may have something new.
func (d *DB) Doorbell() <-chan struct{} { return d.doorbell() }

// Close waits for what is being written and closes the database.
func (d *DB) Close() error { return d.close() }

// ErrNotFound is what One returns when there is no row.
var ErrNotFound = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such thing.")

// errMisuse is returned when a unit of work carried on after one of its statements failed.
// PostgreSQL would roll it back silently, so both databases refuse it.
var errMisuse = errors.New("sqldb: a statement failed, and the unit of work went on")

// Row is one row of an answer.
type Row interface {
	Scan(dest ...any) error
}

// One returns the single row of a query, or ErrNotFound.
func One[T any](ctx context.Context, q *Tx, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return zero, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return zero, q.fail(err)
		}
		return zero, ErrNotFound
	}
	out, err := scan(rows)
	if err != nil {
		return zero, q.fail(fmt.Errorf("read a row: %w", err))
	}
	// Drain, so that a statement that changes rows has run to its end.
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		return zero, q.fail(err)
	}
	return out, nil
}

// List returns every row of a query.
func List[T any](ctx context.Context, q *Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, q.fail(fmt.Errorf("read a row: %w", err))
		}
		out = append(out, one)
	}
	if err := rows.Err(); err != nil {
		return nil, q.fail(err)
	}
	return out, nil
}

// Scalar is the scan function of a query with one column.
func Scalar[T any](r Row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

var _ Row = (*sql.Rows)(nil)

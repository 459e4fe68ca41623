package sqldb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// session is a database connection that runs prepared statements.
type session interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (Rows, error)
	// later runs a statement before the next one or the commit, whose failure is told then.
	later(ctx context.Context, query string, args []any) error
}

// Rows are the answer of a query; *sql.Rows are. They must be closed.
type Rows interface {
	Row
	Next() bool
	Err() error
	Close() error
}

// Tx is one unit of work as stores use it. It is not safe for concurrent use.
type Tx struct {
	session session
	dialect Dialect
	now     time.Time
	bus     *tx.Bus // nil in reads
	changes []change
	failed  error
}

type change struct {
	kind    string
	account ident.AccountID
	key     string
}

// From turns a unit of work into the database handle of the stores. Every tx.Tx that a
// DB of this package gives is one.
func From(t tx.Tx) *Tx { return t.(*Tx) }

// Dialect tells which database it is.
func (t *Tx) Dialect() Dialect { return t.dialect }

// Now is the time of the unit of work.
func (t *Tx) Now() time.Time { return t.now }

// Exec runs a statement and returns how many rows it touched.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := checkText(args); err != nil {
		return 0, t.fail(err)
	}
	n, err := t.session.exec(ctx, query, args)
	if err != nil {
		return 0, t.fail(fmt.Errorf("%w; in: %s", err, shorten(query)))
	}
	return n, nil
}

// Later runs a statement whose outcome nobody waits for: an insert that only a bug or a broken database
// can refuse. On PostgreSQL it travels with the next statement or with the commit, which saves a round
// trip; if it fails, that fails. Do not use it where a conflict is expected.
func (t *Tx) Later(ctx context.Context, query string, args ...any) error {
	if err := checkText(args); err != nil {
		return t.fail(err)
	}
	if err := t.session.later(ctx, query, args); err != nil {
		return t.fail(fmt.Errorf("%w; in: %s", err, shorten(query)))
	}
	return nil
}

// Query runs a query. The rows must be closed before the next statement.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	if err := checkText(args); err != nil {
		return nil, t.fail(err)
	}
	rows, err := t.session.query(ctx, query, args)
	if err != nil {
		return nil, t.fail(fmt.Errorf("%w; in: %s", err, shorten(query)))
	}
	return rows, nil
}

// Emit implements tx.Tx.
func (t *Tx) Emit(ctx context.Context, e event.Event) error {
	if t.bus == nil {
		return t.fail(errors.New("sqldb: a read cannot emit " + e.Type))
	}
	return t.bus.Dispatch(ctx, t, e)
}

// Changed implements tx.Tx.
func (t *Tx) Changed(kind string, account ident.AccountID, key string) {
	if t.bus == nil {
		_ = t.fail(errors.New("sqldb: a read cannot change " + kind))
		return
	}
	for _, c := range t.changes {
		if c == (change{kind, account, key}) {
			return
		}
	}
	t.changes = append(t.changes, change{kind, account, key})
}

// fail remembers the first error of a statement.
func (t *Tx) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// finish writes the numbered changes, as the last thing before the commit, so that the
// counter's row is locked as shortly as can be. It returns the last revision, or 0.
func (t *Tx) finish(ctx context.Context) (int64, error) {
	if t.failed != nil {
		return 0, fmt.Errorf("%w: %w", errMisuse, t.failed)
	}
	if len(t.changes) == 0 {
		return 0, nil
	}
	last, err := One(ctx, t, Scalar[int64], `UPDATE feed_head SET rev = rev + $1 WHERE id = 1 RETURNING rev`, len(t.changes))
	if err != nil {
		return 0, fmt.Errorf("take a revision: %w", err)
	}
	rev := last - int64(len(t.changes))
	for _, c := range t.changes {
		rev++
		err := t.Later(ctx, `INSERT INTO feed_changes (rev, account_id, kind, key, at) VALUES ($1, $2, $3, $4, $5)`,
			rev, string(c.account), c.kind, c.key, Micros(t.now))
		if err != nil {
			return 0, fmt.Errorf("write a change: %w", err)
		}
	}
	if t.dialect == Postgres {
		if err := t.Later(ctx, `SELECT pg_notify('admit_feed', '')`); err != nil {
			return 0, fmt.Errorf("ring the doorbell: %w", err)
		}
	}
	return last, nil
}

// Micros is how a time is stored. The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time reads what Micros wrote.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func shorten(query string) string {
	if len(query) > 160 {
		return query[:160] + "..."
	}
	return query
}

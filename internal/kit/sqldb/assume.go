package sqldb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// errRefuted says that an assumption was wrong: the unit of work is undone and runs again, with care.
var errRefuted = errors.New("sqldb: what a unit of work assumed is not so")

// divisionByZero is how an assumption that is wrong ends its transaction.
const divisionByZero = "22012"

// Assume tells whether a statement finds its row, by `RETURNING 1` or `SELECT 1`: exactly one, by a key, or none.
// It is for statements that nearly always do. On PostgreSQL it answers yes at once and the statement travels
// with the next one or with the commit, which saves a round trip; if it finds nothing, all of the unit of
// work is undone and it runs once more, and then Assume answers when the statement has run. The same happens
// to a unit of work that fails before the statement has run, so that no refusal rests on an assumption.
func (t *Tx) Assume(ctx context.Context, query string, args ...any) (bool, error) {
	if s, ok := t.session.(*postgresSession); ok && !s.careful {
		if err := checkText(args); err != nil {
			return false, t.fail(err)
		}
		s.kept = append(s.kept, statement{query: `WITH held AS (` + query + `) SELECT 1 / count(*) FROM held`, args: args, assumed: true})
		return true, nil
	}
	rows, err := t.Query(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		return false, t.fail(fmt.Errorf("%w; in: %s", err, shorten(query)))
	}
	return n == 1, nil
}

// refuted tells whether an error of a statement that was kept back says that it was assumed wrongly.
func (k statement) refuted(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return k.assumed && ok && pg.Code == divisionByZero
}

// maxSeldom is how many keys are remembered.
const maxSeldom = 16384

// Seldom is for a query that nearly always finds nothing: that it does is assumed, except under keys for which
// that was wrong before. A nil one assumes nothing. It is safe for concurrent use.
type Seldom struct {
	mu  sync.Mutex
	not map[string]struct{} // for which the query found something
}

// NewSeldom makes one.
func NewSeldom() *Seldom { return &Seldom{not: map[string]struct{}{}} }

// Nothing tells whether the query finds nothing, see Tx.Assume. If not, or if it is not known, the caller asks.
func (s *Seldom) Nothing(ctx context.Context, t *Tx, key, query string, args ...any) (bool, error) {
	if s == nil {
		return false, nil
	}
	s.mu.Lock()
	_, not := s.not[key]
	s.mu.Unlock()
	if not {
		return false, nil
	}
	nothing, err := t.Assume(ctx, `SELECT 1 WHERE NOT EXISTS (`+query+`)`, args...)
	if err != nil || nothing {
		return nothing, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.not) >= maxSeldom {
		for k := range s.not { // the order is random
			delete(s.not, k)
			break
		}
	}
	s.not[key] = struct{}{}
	return false, nil
}

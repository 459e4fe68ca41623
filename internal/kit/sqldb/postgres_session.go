package sqldb

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/admit-id/admit/internal/kit/tx"
)

// postgresSession is one transaction on one connection. What nobody waits for (its beginning, and
// statements that are for later) is kept back and sent together with the next statement or the commit:
// every round trip costs two processes a change of context. Until then it has no connection.
type postgresSession struct {
	engine *postgresEngine
	aside  bool      // it takes one of the connections that others leave
	long   bool      // its statements have no time limit
	conn   *pgx.Conn // nil before the transaction begins
	free   func()    // gives the connection back

	kept []statement
	open bool // the server has heard of the transaction
	idle int  // how much is kept back while nothing has been done
	// careful: nothing is assumed; refuted: something was, wrongly. See Tx.Assume.
	careful, refuted bool
}

type statement struct {
	query   string
	args    []any
	assumed bool // that it finds something, see Tx.Assume
}

const (
	beginWrite = "BEGIN"
	beginRead  = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	setAccount = "SELECT set_config('admit.account', $1, true)"
	setLong    = "SET LOCAL statement_timeout = 0"
)

func newPostgresSession(e *postgresEngine, scope tx.Scope, readOnly, careful bool) *postgresSession {
	s := &postgresSession{engine: e, aside: scope.IsAside(), long: scope.IsLong(), free: func() {}, careful: careful || readOnly}
	begin := beginWrite
	if readOnly {
		begin = beginRead
	}
	s.kept = append(make([]statement, 0, 4), statement{query: begin}, statement{query: setAccount, args: []any{policyValue(scope)}})
	if s.long {
		s.kept = append(s.kept, statement{query: setLong})
	}
	s.idle = len(s.kept)
	return s
}

// unsure tells whether something was assumed and has not been looked at yet.
func (s *postgresSession) unsure() bool {
	return slices.ContainsFunc(s.kept, func(k statement) bool { return k.assumed })
}

func (s *postgresSession) later(_ context.Context, query string, args []any) error {
	s.kept = append(s.kept, statement{query: query, args: args})
	return nil
}

// send sends what was kept back and one statement, in one round trip, and reads the answers to the
// former. The caller reads that to the last and closes the results.
func (s *postgresSession) send(ctx context.Context, query string, args []any) (pgx.BatchResults, error) {
	if s.conn == nil {
		conn, free, err := s.engine.acquire(ctx, s.aside)
		if err != nil {
			return nil, err
		}
		s.conn, s.free = conn, free
	}
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(s.kept)+1)}
	for _, k := range s.kept {
		batch.Queue(k.query, k.args...)
	}
	batch.Queue(query, args...)
	kept := s.kept
	s.kept, s.open = s.kept[:0], true
	results := s.conn.SendBatch(ctx, batch)
	for _, k := range kept {
		if _, err := results.Exec(); err != nil {
			_ = results.Close()
			s.refuted = s.refuted || k.refuted(err)
			return nil, &keptError{err, k.query}
		}
	}
	return results, nil
}

// keptError says which statement of those that were kept back failed.
type keptError struct {
	error
	query string
}

func (e *keptError) Error() string {
	return e.error.Error() + "; in: " + shorten(e.query) + " (kept back)"
}

func (e *keptError) Unwrap() error { return e.error }

func (s *postgresSession) exec(ctx context.Context, query string, args []any) (int64, error) {
	if len(s.kept) == 0 {
		tag, err := s.conn.Exec(ctx, query, args...)
		return tag.RowsAffected(), err
	}
	results, err := s.send(ctx, query, args)
	if err != nil {
		return 0, err
	}
	tag, err := results.Exec()
	return tag.RowsAffected(), cmp.Or(err, results.Close())
}

func (s *postgresSession) query(ctx context.Context, query string, args []any) (Rows, error) {
	if !s.open && !s.careful && len(s.kept) == s.idle && leavesNothing(query) {
		return s.look(ctx, query, args)
	}
	if len(s.kept) == 0 {
		rows, err := s.conn.Query(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		return &postgresRows{Rows: rows}, nil
	}
	results, err := s.send(ctx, query, args)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		_ = results.Close()
		return nil, err
	}
	return &postgresRows{Rows: rows, results: results}, nil
}

// script runs a text of several statements.
func (s *postgresSession) script(ctx context.Context, text string) error {
	if _, err := s.exec(ctx, "SELECT 1", nil); err != nil { // and so all that was kept back
		return err
	}
	_, err := s.conn.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol)
	return err
}

// commit ends the transaction. Nothing is to be done where nothing was, and what the server has not heard of
// yet can share a transaction with others.
func (s *postgresSession) commit(ctx context.Context) error {
	switch {
	case s.open:
		return s.end(ctx)
	case len(s.kept) == s.idle:
		return nil
	case s.long, s.careful: // it must not change what others' statements are held to, nor, if it reads, write with them
		return s.end(ctx)
	}
	return s.engine.shared.commit(ctx, s)
}

// end commits the transaction, of which nobody else is a part, and makes sure that it was not rolled back instead.
func (s *postgresSession) end(ctx context.Context) error {
	results, err := s.send(ctx, "COMMIT", nil)
	if err != nil {
		return err
	}
	tag, err := results.Exec()
	if err = cmp.Or(err, results.Close()); err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

func (s *postgresSession) rollback(ctx context.Context) error {
	if !s.open {
		return nil
	}
	_, err := s.conn.Exec(ctx, "ROLLBACK")
	return err
}

// postgresRows are the rows of a statement, perhaps the last of several that were sent together.
type postgresRows struct {
	pgx.Rows
	results pgx.BatchResults // nil for a statement of its own
	free    func()           // gives the connection back; nil while the transaction needs it
}

// Close also reads to the end what was sent together.
func (r *postgresRows) Close() error {
	r.Rows.Close()
	if r.results == nil {
		return nil
	}
	err := r.results.Close()
	r.results = nil
	if r.free != nil {
		r.free()
	}
	return err
}

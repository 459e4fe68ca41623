package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	sqliteReaders = 4
	sqliteAside   = 3   // readers besides, for those that others wait for
	groupLimit    = 128 // units of work in one commit
)

// sqliteEngine has one writing connection, owned by one goroutine, and a few readers.
type sqliteEngine struct {
	path    string
	clock   clock.Clock
	bus     *tx.Bus
	db      *sql.DB
	writer  *sqliteSession
	readers chan *sqliteSession // idle ones
	unborn  chan struct{}       // readers that may still be opened
	others  chan struct{}       // reads under way that are not aside
	jobs    chan *job
	done    chan struct{}

	mu     sync.RWMutex // guards closed against a send on jobs
	closed bool
}

type job struct {
	ctx  context.Context
	fn   func(context.Context, *Tx) error
	rev  int64
	err  error
	done chan struct{}
}

func openSQLite(ctx context.Context, path string, o Options) (*sqliteEngine, error) {
	if path == "" {
		return nil, errors.New("sqlite: needs a path, for example sqlite:./data/admit.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("its folder cannot be made (%w): name another with --database or --data-dir", err)
	}
	// Made here so that it is never readable by others, not even for a moment.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: let this process read and write the file and its folder, or name another with --database or --data-dir", err)
	}
	f.Close()
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=cache_size(-2048)&_pragma=journal_size_limit(16777216)&_defensive=1"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(sqliteReaders + sqliteAside + 1)
	db.SetMaxIdleConns(sqliteReaders + sqliteAside + 1)
	e := &sqliteEngine{
		path: path, clock: o.Clock, bus: o.Bus, db: db,
		readers: make(chan *sqliteSession, sqliteReaders+sqliteAside),
		unborn:  make(chan struct{}, sqliteReaders+sqliteAside),
		others:  make(chan struct{}, sqliteReaders),
		jobs:    make(chan *job, groupLimit),
		done:    make(chan struct{}),
	}
	if e.writer, err = newSQLiteSession(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	for range sqliteReaders + sqliteAside {
		e.unborn <- struct{}{}
	}
	go e.loop()
	return e, nil
}

// write hands the work to the writer and waits for the commit.
func (e *sqliteEngine) write(ctx context.Context, _ tx.Scope, fn func(context.Context, tx.Tx) error) (int64, error) {
	return e.submit(ctx, func(ctx context.Context, t *Tx) error { return fn(ctx, t) })
}

func (e *sqliteEngine) submit(ctx context.Context, fn func(context.Context, *Tx) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	j := &job{ctx: context.WithoutCancel(ctx), fn: fn, done: make(chan struct{})}
	e.mu.RLock()
	if e.closed {
		e.mu.RUnlock()
		return 0, sql.ErrConnDone
	}
	e.jobs <- j
	e.mu.RUnlock()
	<-j.done
	return j.rev, j.err
}

// loop commits whatever waits, together.
func (e *sqliteEngine) loop() {
	defer close(e.done)
	for first := range e.jobs {
		group := []*job{first}
	more:
		for len(group) < groupLimit {
			select {
			case j, ok := <-e.jobs:
				if !ok {
					break more
				}
				group = append(group, j)
			default:
				break more
			}
		}
		e.commit(group)
	}
}

func (e *sqliteEngine) commit(group []*job) {
	ctx := context.Background()
	defer func() {
		for _, j := range group {
			close(j.done)
		}
	}()
	failAll := func(err error) {
		for _, j := range group {
			if j.err == nil {
				j.rev, j.err = 0, err
			}
		}
	}
	if _, err := e.writer.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		failAll(fmt.Errorf("begin: %w", err))
		return
	}
	if len(group) == 1 { // it is undone with the transaction
		if group[0].rev, group[0].err = e.runUnit(group[0]); group[0].err != nil {
			e.rollback(ctx)
			return
		}
	} else {
		for _, j := range group {
			j.rev, j.err = e.run(j)
		}
	}
	if _, err := e.writer.exec(ctx, "COMMIT", nil); err != nil {
		e.rollback(ctx)
		failAll(fmt.Errorf("commit: %w", err))
	}
}

func (e *sqliteEngine) rollback(ctx context.Context) {
	if _, err := e.writer.exec(ctx, "ROLLBACK", nil); err != nil {
		slog.Error("the database cannot roll back", "error", err)
	}
}

// run does one unit of work inside a savepoint, so that its failure undoes only itself.
func (e *sqliteEngine) run(j *job) (rev int64, err error) {
	if _, err := e.writer.exec(j.ctx, "SAVEPOINT unit", nil); err != nil {
		return 0, err
	}
	rev, err = e.runUnit(j)
	if err == nil {
		_, err = e.writer.exec(j.ctx, "RELEASE unit", nil)
		return rev, err
	}
	if _, undo := e.writer.exec(j.ctx, "ROLLBACK TO unit", nil); undo != nil {
		slog.Error("a unit of work cannot be undone", "error", undo)
	}
	if _, undo := e.writer.exec(j.ctx, "RELEASE unit", nil); undo != nil {
		slog.Error("a unit of work cannot be released", "error", undo)
	}
	return 0, err
}

func (e *sqliteEngine) runUnit(j *job) (rev int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a unit of work: %v\n%s", p, debug.Stack())
		}
	}()
	t := &Tx{session: e.writer, dialect: SQLite, now: e.clock.Now(), bus: e.bus}
	if err := j.fn(j.ctx, t); err != nil {
		return 0, err
	}
	return t.finish(j.ctx)
}

func (e *sqliteEngine) read(ctx context.Context, scope tx.Scope, fn func(context.Context, tx.Tx) error) (err error) {
	if !scope.IsAside() {
		select {
		case e.others <- struct{}{}:
			defer func() { <-e.others }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { e.readers <- s }()
	detached := context.WithoutCancel(ctx) // an interrupted statement could hit the next reader
	if _, err := s.exec(detached, "BEGIN", nil); err != nil {
		return fmt.Errorf("begin a read: %w", err)
	}
	defer func() {
		if _, end := s.exec(detached, "ROLLBACK", nil); end != nil && err == nil {
			err = fmt.Errorf("end a read: %w", end)
		}
	}()
	t := &Tx{session: s, dialect: SQLite, now: e.clock.Now()}
	if err := fn(detached, t); err != nil {
		return err
	}
	if t.failed != nil {
		return fmt.Errorf("%w: %w", errMisuse, t.failed)
	}
	return nil
}

// reader takes an idle reader, and opens one only when all are busy: that costs milliseconds.
func (e *sqliteEngine) reader(ctx context.Context) (*sqliteSession, error) {
	select {
	case s := <-e.readers:
		return s, nil
	default:
	}
	select {
	case s := <-e.readers:
		return s, nil
	case <-e.unborn:
		s, err := newSQLiteSession(ctx, e.db)
		if err != nil {
			e.unborn <- struct{}{}
			return nil, fmt.Errorf("open a reader: %w", err)
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *sqliteEngine) check(ctx context.Context) ([]string, error) {
	var found []string
	err := e.read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		for _, pragma := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
			rows, err := From(t).Query(ctx, pragma)
			if err != nil {
				return err
			}
			columns, _ := rows.(*sql.Rows).Columns()
			for rows.Next() {
				line := make([]sql.NullString, len(columns))
				dest := make([]any, len(columns))
				for i := range line {
					dest[i] = &line[i]
				}
				if err := rows.Scan(dest...); err != nil {
					rows.Close()
					return err
				}
				if line[0].String != "ok" {
					found = append(found, fmt.Sprintf("%s: %s", pragma, line[0].String))
				}
			}
			rows.Close()
		}
		return nil
	})
	return found, err
}

// doorbell never rings: another process on the same file is noticed by polling, and this
// process wakes its own follower.
func (e *sqliteEngine) doorbell() <-chan struct{} { return nil }

func (e *sqliteEngine) close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.jobs)
	e.mu.Unlock()
	<-e.done
	e.writer.close()
	for range sqliteReaders + sqliteAside {
		select {
		case s := <-e.readers:
			s.close()
		case <-e.unborn:
		}
	}
	return e.db.Close()
}

// sqliteSession is one connection with its prepared statements. Statement texts are
// constants of the stores, so the map is bounded by the code.
type sqliteSession struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newSQLiteSession(ctx context.Context, db *sql.DB) (*sqliteSession, error) {
	conn, err := db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	return &sqliteSession{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (s *sqliteSession) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = stmt
	return stmt, nil
}

func (s *sqliteSession) exec(ctx context.Context, query string, args []any) (int64, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// later has nothing to save: there is no round trip.
func (s *sqliteSession) later(ctx context.Context, query string, args []any) error {
	_, err := s.exec(ctx, query, args)
	return err
}

func (s *sqliteSession) query(ctx context.Context, query string, args []any) (Rows, error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *sqliteSession) close() {
	for _, stmt := range s.stmts {
		stmt.Close()
	}
	s.conn.Close()
}

package sqldb

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	sharedLimit    = 64                    // units of work in one transaction
	sharedTries    = 3                     // transactions that fail by one unit of work each, before all go their own way
	sharedPatience = 50 * time.Millisecond // before somebody who waits for others' commit starts another one
	setPatience    = "SELECT set_config('lock_timeout', '100ms', true)"
)

// sharing commits units of work together. All of one is at hand when its function has returned, unless it had to wait
// for the database before; so while one transaction is being committed, those that come wait, and then share the next.
// What a commit costs, PostgreSQL's part in it above all, is then paid once for all of them.
//
// Nobody's fate depends on others: a statement that fails, or that has to wait for a lock, takes its unit of work
// out of the company, to be committed, or refused, in a transaction of its own; and a commit that takes long does
// not keep the next one waiting.
type sharing struct {
	engine *postgresEngine

	mu      sync.Mutex
	waiting []*member
	under   int // commits under way
}

// member is a unit of work that shares a transaction.
type member struct {
	account    statement // sets it
	statements []statement
	done       chan error
}

// errApart says that a unit of work is not committed, and must be in a transaction of its own.
var errApart = errors.New("sqldb: a unit of work cannot share a transaction")

// commit commits all that a session has kept back.
func (g *sharing) commit(ctx context.Context, s *postgresSession) error {
	g.mu.Lock()
	if g.under == 0 {
		g.under++
		g.mu.Unlock()
		defer g.next()
		return s.end(ctx)
	}
	m := &member{s.kept[1], s.kept[2:], make(chan error, 1)}
	g.waiting = append(g.waiting, m)
	g.mu.Unlock()
	patience := time.NewTimer(sharedPatience)
	defer patience.Stop()
	var err error
	select {
	case err = <-m.done:
	case <-patience.C:
		if g.takeOver(m) {
			defer g.next()
			return s.end(ctx)
		}
		err = <-m.done
	}
	if errors.Is(err, errApart) {
		return s.end(ctx)
	}
	return err
}

// takeOver starts another commit, unless that of the member has begun.
func (g *sharing) takeOver(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, m)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	g.under++
	return true
}

// next commits those who have come meanwhile.
func (g *sharing) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), sharedLimit)
	if n == 0 {
		g.under--
		return
	}
	group := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	go func() {
		defer g.next()
		g.together(group)
	}()
}

// together commits a group, without those by whom it fails.
func (g *sharing) together(group []*member) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresTimeout)
	defer cancel()
	for range sharedTries {
		failed, err := g.try(ctx, group)
		if err == nil || !errors.Is(err, errApart) {
			tell(group, err)
			return
		}
		if failed < 0 {
			break
		}
		group[failed].done <- err
		if group = slices.Delete(group, failed, failed+1); len(group) == 0 {
			return
		}
	}
	tell(group, errApart)
}

func tell(group []*member, err error) {
	for _, m := range group {
		m.done <- err
	}
}

// try commits a group in one round trip. It returns errApart if nothing of it is done and the connection is well,
// with the member whose statement failed, or -1 for none. After any other error the outcome may be unknown.
func (g *sharing) try(ctx context.Context, group []*member) (failed int, err error) {
	conn, free, err := g.engine.acquire(ctx, false)
	if err != nil {
		return -1, err
	}
	defer free()
	batch := &pgx.Batch{}
	var whose []int // each statement is, as the place in the group; nobody's are -1
	queue := func(member int, k statement) {
		batch.Queue(k.query, k.args...)
		whose = append(whose, member)
	}
	queue(-1, statement{query: beginWrite})
	queue(-1, statement{query: setPatience})
	for i, m := range group {
		if i == 0 || m.account.args[0] != group[i-1].account.args[0] {
			queue(i, m.account)
		}
		for _, k := range m.statements {
			queue(i, k)
		}
	}
	queue(-1, statement{query: "COMMIT"})
	results := conn.SendBatch(ctx, batch)
	failed, err = read(results, whose)
	if closed := results.Close(); err == nil {
		err = closed
	}
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		if _, undo := conn.Exec(ctx, "ROLLBACK"); undo == nil {
			return failed, errApart
		}
	}
	return failed, err
}

// read reads the answers to a group's transaction, up to the first that is an error, and tells whose that is.
func read(results pgx.BatchResults, whose []int) (failed int, err error) {
	var tag pgconn.CommandTag
	for _, member := range whose {
		if tag, err = results.Exec(); err != nil {
			return member, err
		}
	}
	if tag.String() != "COMMIT" {
		return -1, pgx.ErrTxCommitRollback
	}
	return -1, nil
}

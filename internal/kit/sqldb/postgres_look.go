package sqldb

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// look runs a query before anything is written, and gives the connection back with its last row. In a transaction of
// read committed isolation every statement sees what is committed when it begins, and a query that locks nothing
// leaves nothing behind for the next one: so it need not be in the transaction, and the rest of the unit of work
// can be committed with others'.
func (s *postgresSession) look(ctx context.Context, query string, args []any) (_ Rows, err error) {
	conn, free, err := s.engine.acquire(ctx, s.aside)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, s.idle)} // a transaction, without a word
	for _, k := range s.kept[1:] {
		batch.Queue(k.query, k.args...)
	}
	batch.Queue(query, args...)
	results := conn.SendBatch(ctx, batch)
	defer func() {
		if err != nil {
			_ = results.Close()
			free()
		}
	}()
	for range s.kept[1:] {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return &postgresRows{rows, results, free}, nil
}

// leavesNothing tells whether a query certainly takes no lock and has no effect: a SELECT without a locking clause
// that calls no function of the system. The texts are those of the stores.
func leavesNothing(query string) bool {
	if !strings.HasPrefix(query, "SELECT ") || strings.Contains(query, "pg_") || strings.Contains(query, "set_config") {
		return false
	}
	for _, word := range []string{"FOR", "for"} {
		for rest := query; ; {
			_, after, found := strings.Cut(rest, word)
			if !found {
				break
			}
			if after != "" && strings.ContainsRune(" \t\n", rune(after[0])) {
				return false
			}
			rest = after
		}
	}
	return true
}

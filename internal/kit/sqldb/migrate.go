package sqldb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"github.com/admit-id/admit/internal/kit/tx"
)

// Migration is one step of the schema. It only adds, so that the previous binary goes on
// working beside the new one; what is no longer used is dropped a release later.
type Migration struct {
	ID       string // "access/0001": feature and number; never changes
	SQL      string // one text for both databases
	SQLite   string // instead of SQL, where the two differ
	Postgres string
	// Tenanted are the tables whose rows belong to accounts. On PostgreSQL they get
	// row-level security by their column account_id.
	Tenanted []string
	// Then fills what the SQL made from what is there already, in the same unit of work. It
	// runs once, after the SQL.
	Then func(ctx context.Context, t *Tx) error
}

func (m Migration) text(d Dialect) string {
	own := m.SQLite
	if d == Postgres {
		own = m.Postgres
	}
	if own == "" {
		own = m.SQL
	}
	if d == Postgres {
		var b strings.Builder
		b.WriteString(own)
		for _, table := range m.Tenanted {
			fmt.Fprintf(&b, `
;ALTER TABLE %[1]s ENABLE ROW LEVEL SECURITY;
ALTER TABLE %[1]s FORCE ROW LEVEL SECURITY;
CREATE POLICY account_scope ON %[1]s
	USING (current_setting('admit.account', true) IN (account_id, '*'))
	WITH CHECK (current_setting('admit.account', true) IN (account_id, '*'))`, table)
		}
		own = b.String()
	}
	return own
}

func (m Migration) checksum(d Dialect) string {
	sum := sha256.Sum256([]byte(m.text(d)))
	return hex.EncodeToString(sum[:])
}

const ledger = `CREATE TABLE IF NOT EXISTS schema_migrations (
	id TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)`

// FeedMigration makes the change feed. It comes first.
func FeedMigration() Migration {
	return Migration{ID: "feed/0001", SQL: `
CREATE TABLE feed_head (id BIGINT PRIMARY KEY, rev BIGINT NOT NULL);
INSERT INTO feed_head (id, rev) VALUES (1, 0);
CREATE TABLE feed_changes (
	rev BIGINT PRIMARY KEY,
	account_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	at BIGINT NOT NULL);
CREATE INDEX feed_changes_at ON feed_changes (at);`}
}

// Migrate brings the schema up to date: what is missing is applied in the order given, in
// one transaction, by one node at a time. Steps that only a newer binary knows are left alone.
func (d *DB) Migrate(ctx context.Context, all []Migration) error {
	return d.migrate(ctx, append([]Migration{FeedMigration()}, all...))
}

func (e *sqliteEngine) migrate(ctx context.Context, all []Migration) error {
	_, err := e.submit(ctx, func(ctx context.Context, t *Tx) error {
		return applyMigrations(ctx, t, all, func(text string) error {
			_, err := e.writer.conn.ExecContext(ctx, text)
			return err
		})
	})
	return err
}

func (e *postgresEngine) migrate(ctx context.Context, all []Migration) error {
	_, err := e.once(ctx, attempt{scope: tx.System(), bus: e.bus}, func(ctx context.Context, t tx.Tx) error {
		q := From(t)
		// Any fixed number; held until the end of the transaction.
		if _, err := q.Exec(ctx, `SELECT pg_advisory_xact_lock(4961446)`); err != nil {
			return err
		}
		return applyMigrations(ctx, q, all, func(text string) error {
			return q.session.(*postgresSession).script(ctx, text)
		})
	})
	return err
}

func applyMigrations(ctx context.Context, t *Tx, all []Migration, run func(text string) error) error {
	if err := run(ledger); err != nil {
		return fmt.Errorf("make the list of migrations: %w", err)
	}
	type row struct{ id, checksum string }
	applied, err := List(ctx, t, func(r Row) (row, error) {
		var v row
		err := r.Scan(&v.id, &v.checksum)
		return v, err
	}, `SELECT id, checksum FROM schema_migrations`)
	if err != nil {
		return err
	}
	known := make(map[string]string, len(applied))
	for _, a := range applied {
		known[a.id] = a.checksum
	}
	for _, m := range all {
		sum, done := known[m.ID]
		delete(known, m.ID)
		if done {
			if sum != m.checksum(t.dialect) {
				return fmt.Errorf("migration %s was applied with another text; this binary does not fit the database", m.ID)
			}
			continue
		}
		if err := run(m.text(t.dialect)); err != nil {
			return fmt.Errorf("migration %s: %w", m.ID, err)
		}
		if m.Then != nil {
			if err := m.Then(ctx, t); err != nil {
				return fmt.Errorf("migration %s: fill: %w", m.ID, err)
			}
		}
		if _, err := t.Exec(ctx, `INSERT INTO schema_migrations (id, checksum, applied_at) VALUES ($1, $2, $3)`,
			m.ID, m.checksum(t.dialect), Micros(t.Now())); err != nil {
			return err
		}
	}
	for id := range known {
		slog.InfoContext(ctx, "the database has a migration of a newer binary", "migration", id)
	}
	return nil
}

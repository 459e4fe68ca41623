// Package auditdb owns the SQL of the audit trail. Beside the missing statements, triggers
// refuse to change or remove an entry.
package auditdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const table = `
CREATE TABLE audit_entries (
	account_id TEXT NOT NULL,
	entry_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	type TEXT NOT NULL,
	actor TEXT NOT NULL,
	target TEXT NOT NULL,
	detail TEXT NOT NULL,
	session_id TEXT NOT NULL,
	request_id TEXT NOT NULL,
	address TEXT NOT NULL,
	PRIMARY KEY (account_id, entry_id));`

// Migrations returns the schema of this feature.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{
		ID: "audit/0001", Tenanted: []string{"audit_entries"},
		SQLite: table + `
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;`,
		Postgres: table + `
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();`,
	}, {ID: "audit/0002", SQL: `
ALTER TABLE audit_entries ADD COLUMN person TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_entries_person ON audit_entries (account_id, person, entry_id) WHERE person <> '';`}}
}

// Store implements audit.Store.
type Store struct{}

var _ audit.Store = Store{}

// Append implements audit.Store.
func (Store) Append(ctx context.Context, t tx.Tx, e audit.Entry) error {
	detail := "{}"
	if len(e.Detail) > 0 {
		b, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("encode the detail of %s: %w", e.Type, err)
		}
		detail = string(b)
	}
	return sqldb.From(t).Later(ctx, `INSERT INTO audit_entries
		(`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		string(e.Account), e.ID, sqldb.Micros(e.At), e.Type, e.Actor, e.Target, detail, string(e.Session), e.RequestID, e.Address, e.Person)
}

const columns = `account_id, entry_id, at, type, actor, target, detail, session_id, request_id, address, person`

// List implements audit.Store. What concerns one person has a statement of its own, which their index serves.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, q audit.Query) ([]audit.Entry, error) {
	if q.Person != "" {
		before := q.Before
		if before == "" {
			before = "f" // after every "evt_..."
		}
		return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM audit_entries
			WHERE account_id = $1 AND person = $2 AND person <> '' AND entry_id < $3 ORDER BY entry_id DESC LIMIT $4`,
			string(account), q.Person, before, q.Limit)
	}
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+`
		FROM audit_entries
		WHERE account_id = $1 AND ($2 = '' OR entry_id < $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR target = $4) AND ($5 = '' OR actor = $5)
		ORDER BY entry_id DESC LIMIT $6`, string(account), q.Before, q.Type, q.Target, q.Actor, q.Limit)
}

func scan(r sqldb.Row) (audit.Entry, error) {
	var (
		e      audit.Entry
		at     int64
		detail string
	)
	err := r.Scan((*string)(&e.Account), &e.ID, &at, &e.Type, &e.Actor, &e.Target, &detail, (*string)(&e.Session), &e.RequestID, &e.Address, &e.Person)
	if err != nil {
		return e, err
	}
	e.At = sqldb.Time(at)
	if detail != "{}" {
		if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
			return e, fmt.Errorf("detail of %s: %w", e.ID, err)
		}
	}
	return e, nil
}

package accessdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// recordBody is the stored JSON. Names are short because starting reads all of it.
type recordBody struct {
	Name        string            `json:"n"`
	Description string            `json:"d,omitempty"`
	Users       []ident.UserID    `json:"u,omitempty"`
	Groups      []ident.GroupID   `json:"g,omitempty"`
	Admins      []ident.UserID    `json:"a,omitempty"`
	Statements  []statementBody   `json:"s"`
	Tags        map[string]string `json:"t,omitempty"`
}

type statementBody struct {
	Roles     []ident.RoleID  `json:"r"`
	Resources []string        `json:"o"`
	Users     []ident.UserID  `json:"u,omitempty"`
	Groups    []ident.GroupID `json:"g,omitempty"`
	StartsAt  time.Time       `json:"f,omitzero"`
	ExpiresAt time.Time       `json:"x,omitzero"`
}

func encodeRecord(r *access.Record) (string, error) {
	b := recordBody{Name: r.Name, Description: r.Description, Users: r.Users, Groups: r.Groups, Admins: r.Admins, Tags: r.Tags}
	for i := range r.Statements {
		b.Statements = append(b.Statements, statementBody(r.Statements[i]))
	}
	out, err := json.Marshal(b)
	return string(out), err
}

func scanRecord(row sqldb.Row) (access.Record, error) {
	var (
		r                access.Record
		body             []byte
		created, updated int64
	)
	if err := row.Scan(&r.ID, &r.Status, &body, &created, &updated); err != nil {
		return r, err
	}
	content, err := decodeRecord(body)
	if err != nil {
		return r, fmt.Errorf("access record %s: %w", r.ID, err)
	}
	content.ID, content.Status = r.ID, r.Status
	content.CreatedAt, content.LastUpdated = sqldb.Time(created), sqldb.Time(updated)
	return content, nil
}

// decodeRecord reads what encodeRecord wrote.
func decodeRecord(body []byte) (access.Record, error) {
	var b recordBody
	if err := json.Unmarshal(body, &b); err != nil {
		return access.Record{}, err
	}
	r := access.Record{Name: b.Name, Description: b.Description, Users: b.Users, Groups: b.Groups, Admins: b.Admins, Tags: b.Tags}
	r.Statements = make([]access.Statement, len(b.Statements))
	for i := range b.Statements {
		r.Statements[i] = access.Statement(b.Statements[i])
	}
	return r, nil
}

const recordColumns = `record_id, status, body, created_at, updated_at`

// Get implements access.RecordStore.
func (Records) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RecordID) (access.Record, error) {
	return sqldb.One(ctx, sqldb.From(t), scanRecord,
		`SELECT `+recordColumns+` FROM access_records WHERE account_id = $1 AND record_id = $2`, string(account), string(id))
}

// Create implements access.RecordStore.
func (Records) Create(ctx context.Context, t tx.Tx, account ident.AccountID, r access.Record) (bool, error) {
	body, err := encodeRecord(&r)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
INSERT INTO access_records (account_id, record_id, status, body, search, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, record_id) DO NOTHING`,
		string(account), string(r.ID), string(r.Status), body, r.Searchable(), sqldb.Micros(r.CreatedAt), sqldb.Micros(r.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	if r.Status != access.Deleted {
		if err := startVersion(ctx, sqldb.From(t), item{account, kindRecord, string(r.ID)}, body, sortedTerms(recordTerms(&r))); err != nil {
			return false, err
		}
	}
	return true, addAdmins(ctx, t, account, r)
}

// Replace implements access.RecordStore.
func (Records) Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r access.Record, before time.Time) (bool, error) {
	body, err := encodeRecord(&r)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `
UPDATE access_records SET status = $4, body = $5, search = $6, created_at = $7, updated_at = $8
WHERE account_id = $1 AND record_id = $2 AND updated_at = $3`,
		string(account), string(r.ID), sqldb.Micros(before), string(r.Status), body, r.Searchable(),
		sqldb.Micros(r.CreatedAt), sqldb.Micros(r.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	if r.Status == access.Deleted {
		body = ""
	}
	if err := putVersion(ctx, sqldb.From(t), item{account, kindRecord, string(r.ID)}, body); err != nil {
		return false, err
	}
	if _, err := sqldb.From(t).Exec(ctx, `DELETE FROM access_record_admins WHERE account_id = $1 AND record_id = $2`,
		string(account), string(r.ID)); err != nil {
		return false, err
	}
	return true, addAdmins(ctx, t, account, r)
}

func addAdmins(ctx context.Context, t tx.Tx, account ident.AccountID, r access.Record) error {
	q := sqldb.From(t)
	for _, user := range r.Admins {
		if _, err := q.Exec(ctx, `
INSERT INTO access_record_admins (account_id, user_id, record_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			string(account), string(user), string(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// List implements access.RecordStore.
func (Records) List(ctx context.Context, t tx.Tx, account ident.AccountID, s access.Status, p access.Page) ([]access.Record, error) {
	return sqldb.List(ctx, sqldb.From(t), scanRecord, `
SELECT `+recordColumns+` FROM access_records
WHERE account_id = $1 AND record_id > $2 AND status = $3 AND search LIKE $4 ESCAPE '!'
ORDER BY record_id LIMIT $5`, string(account), p.After, string(s), pattern(p.Filter), p.Limit)
}

// AdminOf implements access.RecordStore.
func (Records) AdminOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, s access.Status) ([]ident.RecordID, error) {
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.RecordID], `
SELECT a.record_id FROM access_record_admins a
JOIN access_records r ON r.account_id = a.account_id AND r.record_id = a.record_id
WHERE a.account_id = $1 AND a.user_id = $2 AND r.status = $3 ORDER BY a.record_id`,
		string(account), string(user), string(s))
}

// Revision implements access.RecordStore.
func (Records) Revision(ctx context.Context, t tx.Tx) (int64, error) {
	return sqldb.Revision(ctx, sqldb.From(t))
}

// ChangedSince implements access.RecordStore.
func (Records) ChangedSince(ctx context.Context, t tx.Tx, account ident.AccountID, kind string, rev int64) (bool, error) {
	return sqldb.ChangedSince(ctx, sqldb.From(t), account, kind, rev)
}

// each reads rows whose first column is the account, without keeping them.
func each[T any](ctx context.Context, t tx.Tx, scan func(sqldb.Row) (T, error), fn func(ident.AccountID, T) error, query string) error {
	rows, err := sqldb.From(t).Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row := withAccount{row: rows}
		item, err := scan(&row)
		if err != nil {
			return err
		}
		if err := fn(row.account, item); err != nil {
			return err
		}
	}
	return rows.Err()
}

// withAccount takes the first column off a row.
type withAccount struct {
	row     sqldb.Row
	account ident.AccountID
}

// Scan implements sqldb.Row.
func (w *withAccount) Scan(dest ...any) error {
	return w.row.Scan(append([]any{&w.account}, dest...)...)
}

// Package requestdb owns the SQL of access requests, one text for both databases.
package requestdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the tables. access_request_people has a row for everybody who made a request or is
// named in it; access_request_counts has how many open ones somebody made, and how many at all on the last day.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{
		ID:       "access-request/0001",
		Tenanted: []string{"access_requests", "access_request_people", "access_request_counts"},
		SQL: `
CREATE TABLE access_requests (
	account_id TEXT NOT NULL,
	request_id TEXT NOT NULL,
	status TEXT NOT NULL,
	requested_by TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, request_id));
CREATE INDEX access_requests_by ON access_requests (account_id, requested_by, request_id);
CREATE INDEX access_requests_status ON access_requests (account_id, status, request_id);
CREATE TABLE access_request_people (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	request_id TEXT NOT NULL,
	PRIMARY KEY (account_id, user_id, request_id),
	FOREIGN KEY (account_id, request_id) REFERENCES access_requests (account_id, request_id));
CREATE INDEX access_request_people_request ON access_request_people (account_id, request_id);
CREATE TABLE access_request_counts (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	waiting BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id));`,
	}, {
		ID: "access-request/0002",
		SQL: `
ALTER TABLE access_request_counts ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_request_counts ADD COLUMN made BIGINT NOT NULL DEFAULT 0;`,
	}}
}

// Store implements request.Store.
type Store struct{}

var _ request.Store = Store{}

// body is the stored JSON. Statements are kept whole, with whatever they hold.
type body struct {
	Users      []ident.UserID     `json:"u"`
	Statements []access.Statement `json:"s"`
	Tags       map[string]string  `json:"t,omitempty"`
	DecidedBy  string             `json:"d,omitempty"`
	Record     ident.RecordID     `json:"r,omitempty"`
}

func encode(r *request.Request) (string, error) {
	out, err := json.Marshal(body{r.Users, r.Statements, r.Tags, r.DecidedBy, r.Record})
	return string(out), err
}

const columns = `r.request_id, r.status, r.requested_by, r.body, r.created_at, r.updated_at`

func scan(row sqldb.Row) (request.Request, error) {
	var (
		r                request.Request
		text             []byte
		created, updated int64
	)
	if err := row.Scan(&r.ID, &r.Status, &r.By, &text, &created, &updated); err != nil {
		return r, err
	}
	r.CreatedAt, r.LastUpdated = sqldb.Time(created), sqldb.Time(updated)
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return r, fmt.Errorf("access request %s: %w", r.ID, err)
	}
	r.Users, r.Statements, r.Tags, r.DecidedBy, r.Record = b.Users, b.Statements, b.Tags, b.DecidedBy, b.Record
	return r, nil
}

// Get implements request.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id request.ID) (request.Request, error) {
	return sqldb.One(ctx, sqldb.From(t), scan,
		`SELECT `+columns+` FROM access_requests r WHERE r.account_id = $1 AND r.request_id = $2`, string(account), string(id))
}

// Create implements request.Store. The row of the count makes those who come at the same time wait.
func (Store) Create(ctx context.Context, t tx.Tx, account ident.AccountID, r request.Request, most int) (bool, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `
INSERT INTO access_request_counts (account_id, user_id, waiting, day, made) VALUES ($1, $2, 1, $4, 1)
ON CONFLICT (account_id, user_id) DO UPDATE SET waiting = access_request_counts.waiting + 1, day = excluded.day,
	made = CASE WHEN access_request_counts.day = excluded.day THEN access_request_counts.made + 1 ELSE 1 END
WHERE access_request_counts.waiting < $3 AND (access_request_counts.day <> excluded.day OR access_request_counts.made < $5)`,
		string(account), string(r.By), most, r.CreatedAt.Unix()/(24*60*60), most*request.PerDay)
	if err != nil || n == 0 {
		return false, err
	}
	text, err := encode(&r)
	if err != nil {
		return false, err
	}
	_, err = q.Exec(ctx, `
INSERT INTO access_requests (account_id, request_id, status, requested_by, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(account), string(r.ID), string(r.Status), string(r.By), text, sqldb.Micros(r.CreatedAt), sqldb.Micros(r.LastUpdated))
	if err != nil {
		return false, err
	}
	return true, addPeople(ctx, q, account, &r)
}

func people(r *request.Request) []ident.UserID {
	out := slices.Clone(r.Users)
	if r.By != "" {
		out = append(out, r.By)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func addPeople(ctx context.Context, q *sqldb.Tx, account ident.AccountID, r *request.Request) error {
	for _, user := range people(r) {
		if _, err := q.Exec(ctx, `INSERT INTO access_request_people (account_id, user_id, request_id) VALUES ($1, $2, $3)`,
			string(account), string(user), string(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Replace implements request.Store.
func (Store) Replace(ctx context.Context, t tx.Tx, account ident.AccountID, r, before request.Request) (bool, error) {
	q := sqldb.From(t)
	text, err := encode(&r)
	if err != nil {
		return false, err
	}
	n, err := q.Exec(ctx, `
UPDATE access_requests SET status = $5, requested_by = $6, body = $7, updated_at = $8
WHERE account_id = $1 AND request_id = $2 AND status = $3 AND updated_at = $4`,
		string(account), string(r.ID), string(before.Status), sqldb.Micros(before.LastUpdated),
		string(r.Status), string(r.By), text, sqldb.Micros(r.LastUpdated))
	if err != nil || n == 0 {
		return false, err
	}
	if before.Status == request.Open && r.Status != request.Open {
		if _, err := q.Exec(ctx, `UPDATE access_request_counts SET waiting = waiting - 1 WHERE account_id = $1 AND user_id = $2 AND waiting > 0`,
			string(account), string(before.By)); err != nil {
			return false, err
		}
	}
	if slices.Equal(people(&r), people(&before)) {
		return true, nil
	}
	if _, err := q.Exec(ctx, `DELETE FROM access_request_people WHERE account_id = $1 AND request_id = $2`, string(account), string(r.ID)); err != nil {
		return false, err
	}
	return true, addPeople(ctx, q, account, &r)
}

// List implements request.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, w request.Query) ([]request.Request, error) {
	from := `access_requests r`
	args := []any{string(account), string(w.After), w.Limit}
	where := `r.account_id = $1 AND r.request_id > $2`
	add := func(condition string, value string) {
		args = append(args, value)
		where += fmt.Sprintf(` AND `+condition, len(args))
	}
	switch w.Status {
	case request.Every:
	case "":
		where += ` AND r.status <> 'DELETED'`
	default:
		add(`r.status = $%d`, string(w.Status))
	}
	if w.By != "" {
		add(`r.requested_by = $%d`, string(w.By))
	}
	if w.NotBy != "" {
		add(`r.requested_by <> $%d`, string(w.NotBy))
	}
	if w.Person != "" {
		from += ` JOIN access_request_people p ON p.account_id = r.account_id AND p.request_id = r.request_id`
		add(`p.user_id = $%d`, string(w.Person))
	}
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM `+from+` WHERE `+where+` ORDER BY r.request_id LIMIT $3`, args...)
}

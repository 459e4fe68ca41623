package accessdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Versions implements history.Store.
type Versions struct{}

var _ history.Store = Versions{}

// Begin implements history.Store.
func (Versions) Begin(ctx context.Context, t tx.Tx) (history.Start, error) {
	q := sqldb.From(t)
	began, err := sqldb.One(ctx, q, sqldb.Scalar[int64], `SELECT began FROM access_history WHERE id = 1`)
	if err != nil {
		return history.Start{}, err
	}
	rev, err := sqldb.Revision(ctx, q)
	return history.Start{Began: sqldb.Time(began), Revision: rev}, err
}

// bounds turn a moment into what "since" may be at most and "until" at least.
func bounds(at history.Moment) (most, least int64) {
	if at == history.InForce {
		return at, at
	}
	return at, at + 1
}

// Records implements history.Store. CROSS JOIN keeps SQLite to the order: first the keys, then their
// versions; the second LIMIT keeps PostgreSQL from looking at every version of a record.
func (Versions) Records(ctx context.Context, t tx.Tx, account ident.AccountID, r history.Range) ([]history.Version, error) {
	q := sqldb.From(t)
	set, err := newSet(q, r.Terms)
	if err != nil {
		return nil, err
	}
	most, least := bounds(r.At)
	return sqldb.List(ctx, q, scanVersion, `
SELECT v.item_id, v.since, v.until, v.body FROM (
	SELECT d.item_id, (SELECT MAX(since) FROM access_versions
		WHERE account_id = $1 AND kind = 'record' AND item_id = d.item_id AND since <= $4) AS since
	FROM (SELECT DISTINCT item_id FROM access_version_keys
		WHERE account_id = $1 AND term `+set.in("$2")+` AND until >= $3 AND since <= $4 AND kind = 'record' AND item_id > $5
		ORDER BY item_id LIMIT $6) d
	LIMIT $6) k
CROSS JOIN access_versions v
WHERE v.account_id = $1 AND v.kind = 'record' AND v.item_id = k.item_id AND v.since = k.since AND v.until >= $3
ORDER BY v.item_id`,
		string(account), set.text, least, most, string(r.After), r.Limit)
}

// Ended implements history.Store.
func (Versions) Ended(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, w history.Window) ([]history.Version, error) {
	q := sqldb.From(t)
	set, err := newSet(q, terms)
	if err != nil {
		return nil, err
	}
	return sqldb.List(ctx, q, scanVersion, `
SELECT v.item_id, v.since, v.until, v.body FROM (
	SELECT DISTINCT item_id FROM access_version_keys
	WHERE account_id = $1 AND term `+set.in("$2")+` AND until > $3 AND since <= $4 AND kind = 'record') k
CROSS JOIN access_versions v
WHERE v.account_id = $1 AND v.kind = 'record' AND v.item_id = k.item_id AND v.until > $3 AND v.until <= $4 ORDER BY v.until DESC, v.item_id LIMIT $5`,
		string(account), set.text, w.From, w.To, w.Limit)
}

func scanVersion(row sqldb.Row) (history.Version, error) {
	var (
		v    history.Version
		id   ident.RecordID
		body []byte
	)
	if err := row.Scan(&id, &v.Since, &v.Until, &body); err != nil {
		return v, err
	}
	r, err := decodeRecord(body)
	if err != nil {
		return v, fmt.Errorf("version of record %s: %w", id, err)
	}
	r.ID, r.Status = id, access.Active
	v.Record = r
	return v, nil
}

// Groups implements history.Store.
func (Versions) Groups(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, at history.Moment) ([]ident.GroupID, error) {
	most, least := bounds(at)
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.GroupID], `
SELECT DISTINCT item_id FROM access_version_keys
WHERE account_id = $1 AND term = $2 AND until >= $3 AND since <= $4 AND kind = 'group' ORDER BY item_id`,
		string(account), history.UserTerm(user), least, most)
}

// Left implements history.Store.
func (Versions) Left(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, w history.Window) ([]history.Left, error) {
	return sqldb.List(ctx, sqldb.From(t), func(r sqldb.Row) (l history.Left, err error) {
		err = r.Scan(&l.Group, &l.At)
		return l, err
	}, `
SELECT item_id, until FROM access_version_keys
WHERE account_id = $1 AND term = $2 AND until > $3 AND until <= $4 AND kind = 'group' ORDER BY until DESC, item_id LIMIT $5`,
		string(account), history.UserTerm(user), w.From, w.To, w.Limit)
}

// body returns what a thing was at the moment, or "" when it was not there.
func bodyAt(ctx context.Context, t tx.Tx, it item, at history.Moment) (string, error) {
	most, least := bounds(at)
	body, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[string], `
SELECT body FROM access_versions
WHERE account_id = $1 AND kind = $2 AND item_id = $3 AND until >= $4 AND since =
	(SELECT MAX(since) FROM access_versions WHERE account_id = $1 AND kind = $2 AND item_id = $3 AND since <= $5)`,
		string(it.account), it.kind, it.id, least, most)
	if err != nil || len(body) == 0 {
		return "", err
	}
	return body[0], nil
}

// Members implements history.Store.
func (Versions) Members(ctx context.Context, t tx.Tx, account ident.AccountID, group ident.GroupID, at history.Moment) ([]ident.UserID, error) {
	body, err := bodyAt(ctx, t, item{account, kindGroup, string(group)}, at)
	if err != nil || body == "" {
		return nil, err
	}
	var b groupBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return nil, fmt.Errorf("version of group %s: %w", group, err)
	}
	return b.Users, nil
}

// Role implements history.Store.
func (Versions) Role(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.RoleID, at history.Moment) (access.Role, error) {
	body, err := bodyAt(ctx, t, item{account, kindRole, string(id)}, at)
	if err != nil {
		return access.Role{}, err
	}
	if body == "" {
		return access.Role{}, sqldb.ErrNotFound
	}
	return decodeRole(id, []byte(body))
}

// Public implements history.Store.
func (Versions) Public(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, at history.Moment) ([]string, error) {
	q := sqldb.From(t)
	set, err := newSet(q, terms)
	if err != nil {
		return nil, err
	}
	most, least := bounds(at)
	found, err := sqldb.List(ctx, q, sqldb.Scalar[string], `
SELECT DISTINCT item_id FROM access_version_keys
WHERE account_id = $1 AND term `+set.in("$2")+` AND until >= $3 AND since <= $4 AND kind = 'resource' ORDER BY item_id`,
		string(account), set.text, least, most)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, resource := range found {
		text, err := bodyAt(ctx, t, item{account, kindResource, resource}, at)
		if err != nil {
			return nil, err
		}
		var b resourceBody
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return nil, fmt.Errorf("version of resource %s: %w", resource, err)
		}
		if b.Public {
			out = append(out, resource)
		}
	}
	return out, nil
}

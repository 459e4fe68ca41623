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

// Records implements history.Store.
func (Versions) Records(ctx context.Context, t tx.Tx, account ident.AccountID, r history.Range) ([]history.Version, error) {
	most, least := bounds(r.At)
	ids, err := naming(ctx, t, account, r.Terms, span{least, most, string(r.After), r.Limit})
	if err != nil || len(ids.text) == len("[]") {
		return nil, err
	}
	// The newest version that is old enough, by the primary key, whatever either planner believes.
	query := `
SELECT k.value, v.since, v.until, v.body FROM ` + ids.from("$2") + ` k CROSS JOIN access_versions v
WHERE v.until >= $3 AND v.rowid = (SELECT rowid FROM access_versions
	WHERE account_id = $1 AND kind = 'record' AND item_id = k.value AND since <= $4 ORDER BY since DESC LIMIT 1)
ORDER BY k.value`
	if ids.dialect == sqldb.Postgres {
		query = `
SELECT k.value, v.since, v.until, v.body FROM ` + ids.from("$2") + ` k CROSS JOIN LATERAL (
	SELECT since, until, body FROM access_versions
	WHERE account_id = $1 AND kind = 'record' AND item_id = k.value AND since <= $4 ORDER BY since DESC LIMIT 1) v
WHERE v.until >= $3 ORDER BY k.value`
	}
	return sqldb.List(ctx, sqldb.From(t), scanVersion, query, string(account), ids.text, least, most)
}

// span is a part of the keys.
type span struct {
	least, most int64 // of until, and of since
	after       string
	limit       int
}

// naming returns the ids of records that name one of the terms, in order. It reads one range of the
// primary key for each term.
func naming(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, s span) (set, error) {
	q := sqldb.From(t)
	of, err := newSet(q, terms)
	if err != nil {
		return set{}, err
	}
	from := of.from("$2") + ` t CROSS JOIN access_version_keys k WHERE k.term = t.value`
	if of.dialect == sqldb.Postgres {
		from = `access_version_keys k WHERE k.term ` + of.in("$2")
	}
	ids, err := sqldb.List(ctx, q, sqldb.Scalar[string], `
SELECT DISTINCT k.item_id FROM `+from+` AND k.account_id = $1 AND k.until >= $3 AND k.since <= $4 AND k.kind = 'record' AND k.item_id > $5
ORDER BY k.item_id LIMIT $6`, string(account), of.text, s.least, s.most, s.after, s.limit)
	if err != nil || len(ids) == 0 {
		return set{text: "[]", dialect: q.Dialect()}, err
	}
	return newSet(q, ids)
}

// maxEnded is in how many records Ended looks for versions that have ended.
const maxEnded = 1000

// Ended implements history.Store.
func (Versions) Ended(ctx context.Context, t tx.Tx, account ident.AccountID, terms []string, w history.Window) ([]history.Version, error) {
	ids, err := naming(ctx, t, account, terms, span{w.From + 1, w.To, "", maxEnded})
	if err != nil || len(ids.text) == len("[]") {
		return nil, err
	}
	versions := `access_versions v`
	if ids.dialect == sqldb.Postgres {
		versions = `LATERAL (SELECT * FROM access_versions WHERE account_id = $1 AND kind = 'record' AND item_id = k.value OFFSET 0) v`
	}
	return sqldb.List(ctx, sqldb.From(t), scanVersion, `
SELECT k.value, v.since, v.until, v.body FROM `+ids.from("$2")+` k CROSS JOIN `+versions+`
WHERE v.account_id = $1 AND v.kind = 'record' AND v.item_id = k.value AND v.until > $3 AND v.until <= $4
ORDER BY v.until DESC, k.value LIMIT $5`, string(account), ids.text, w.From, w.To, w.Limit)
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

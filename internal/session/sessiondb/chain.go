package sessiondb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Rotate implements session.Chains. That the bindings hold is an assumption. The sliding expiry is in an index, and is written only when it moves.
func (Store) Rotate(ctx context.Context, t tx.Tx, s session.Step) error {
	n := s.Next
	args := []any{sqldb.Micros(t.Now()), string(s.Account), string(s.ID), s.From.Version, n.Version, n.Salt, n.Confirmed, sqldb.Micros(n.At),
		n.LateFrom, n.LateNext, sqldb.Micros(n.LateSince), s.Device, s.Address, strings.Join(s.Applications, " ")}
	set := `last_seen = $1, version = $5, salt = $6, confirmed = $7, rotated_at = $8, late_from = $9, late_next = $10, late_since = $11,
	device = $12, address = $13, applications = $14`
	secret, proof := `salt`, s.From.Salt
	if s.From.ID == "" {
		secret, proof = `cookie_hash`, s.From.Hash
	}
	args = append(args, proof)
	if !s.ExpiresAt.IsZero() {
		args = append(args, sqldb.Micros(s.ExpiresAt))
		set += `, expires_at = $16`
	}
	ok, err := sqldb.From(t).Assume(ctx, `UPDATE sessions SET `+set+` WHERE`+alive+` AND id = $3 AND version = $4 AND aside_at = 0 AND `+secret+` = $15 RETURNING 1`, args...)
	if err == nil && !ok {
		err = sqldb.ErrNotFound
	}
	return err
}

// List implements session.Chains.
func (Store) List(ctx context.Context, t tx.Tx, q session.ListQuery) ([]session.Session, error) {
	args := []any{sqldb.Micros(t.Now()), string(q.Account), string(q.User), q.Limit}
	where := alive + ` AND user_id = $3`
	if !q.Before.IsZero() {
		args = append(args, sqldb.Micros(q.Before), string(q.After))
		where += ` AND (created_at < $5 OR created_at = $5 AND id > $6)`
	}
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions WHERE`+where+` ORDER BY created_at DESC, id LIMIT $4`, args...)
}

// Aside implements session.Chains.
func (Store) Aside(ctx context.Context, t tx.Tx, account ident.AccountID, holder ident.SessionID) ([]session.Session, error) {
	return sqldb.List(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions
WHERE`+alive+` AND holder = $3 AND holder <> '' AND aside_at > 0 ORDER BY aside_at DESC, id`, sqldb.Micros(t.Now()), string(account), string(holder))
}

// PutAside implements session.Chains.
func (Store) PutAside(ctx context.Context, t tx.Tx, p session.Shelved) error {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `UPDATE sessions SET aside_at = $1, holder = $4, salt = $5, cookie_hash = $6, version = version + 1
WHERE`+alive+` AND id = $3 AND aside_at = 0`, sqldb.Micros(t.Now()), string(p.Account), string(p.ID), string(p.Holder), p.Salt, []byte(p.ID))
	if err := found(n, err); err != nil {
		return err
	}
	return handOver(ctx, q, p.Account, p.Root, p.Holder)
}

// TakeBack implements session.Chains.
func (Store) TakeBack(ctx context.Context, t tx.Tx, p session.Shelved) (session.Session, error) {
	q := sqldb.From(t)
	taken, err := sqldb.One(ctx, q, scan, `UPDATE sessions SET aside_at = 0, holder = '', salt = $5, last_seen = $1, rotated_at = $1,
	version = version + 1, confirmed = version, late_from = version + 1, late_next = version + 1, late_since = $1
WHERE`+alive+` AND id = $3 AND holder = $4 AND aside_at > 0 RETURNING `+columns, sqldb.Micros(t.Now()), string(p.Account), string(p.ID), string(p.Holder), p.Salt)
	if err != nil {
		return taken, err
	}
	return taken, handOver(ctx, q, p.Account, p.Holder, taken.Root)
}

// handOver gives one chain what another holds.
func handOver(ctx context.Context, q *sqldb.Tx, account ident.AccountID, from, to ident.SessionID) error {
	_, err := q.Exec(ctx, `UPDATE sessions SET holder = $3 WHERE account_id = $1 AND holder = $2 AND holder <> ''`, string(account), string(from), string(to))
	return err
}

// SetApplications implements session.Chains.
func (Store) SetApplications(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID, applications []string) error {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE sessions SET applications = $4 WHERE`+alive+` AND id = $3`,
		sqldb.Micros(t.Now()), string(account), string(id), strings.Join(applications, " "))
	return found(n, err)
}

func scan(r sqldb.Row) (session.Session, error) {
	var s session.Session
	var evidence string
	var applications string
	var created, seen, expires, absolute, rotated, since, aside int64
	n := &s.Rotation
	if err := r.Scan(&s.Account, &s.ID, &s.Root, &s.User, &s.Connection, &evidence, &created, &seen, &expires, &absolute,
		&n.Salt, &n.Version, &n.Confirmed, &rotated, &n.LateFrom, &n.LateNext, &since, &s.Device, &s.Address, &applications, &aside); err != nil {
		return s, err
	}
	s.CreatedAt, s.LastSeen, s.ExpiresAt, s.AbsoluteExpiry = sqldb.Time(created), sqldb.Time(seen), sqldb.Time(expires), sqldb.Time(absolute)
	n.At, n.LateSince, s.AsideAt, s.Applications = sqldb.Time(rotated), sqldb.Time(since), sqldb.Time(aside), strings.Fields(applications)
	if err := json.Unmarshal([]byte(evidence), &s.Evidence); err != nil {
		return s, fmt.Errorf("evidence of session %s: %w", s.ID, err)
	}
	return s, nil
}

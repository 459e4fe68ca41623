// Package invitedb owns the SQL of invites, one text for both databases.
package invitedb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the tables. invite_makers has a row for everybody who made an invite: whoever makes
// another waits for it, so that nobody makes two at once.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "invite/0001", Tenanted: []string{"invites"}, SQL: `
CREATE TABLE invites (
	account_id TEXT NOT NULL,
	id_hash BYTEA NOT NULL,
	key TEXT NOT NULL,
	statements TEXT NOT NULL,
	strategy TEXT NOT NULL,
	linked_user TEXT NOT NULL,
	tenant_id TEXT NOT NULL,
	by_kind BIGINT NOT NULL,
	by_id TEXT NOT NULL,
	reserved_by TEXT NOT NULL,
	accepted_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id_hash),
	UNIQUE (account_id, key));
CREATE INDEX invites_by ON invites (account_id, by_id);
CREATE INDEX invites_expires ON invites (expires_at);`},
		{ID: "invite/0002", Tenanted: []string{"invite_makers"}, SQL: `
CREATE TABLE invite_makers (
	account_id TEXT NOT NULL,
	by_kind BIGINT NOT NULL,
	by_id TEXT NOT NULL,
	last_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, by_kind, by_id));
CREATE INDEX invites_open ON invites (account_id, by_id, by_kind, expires_at) WHERE accepted_by = '';
DROP INDEX invites_by;`}}
}

// Store implements invite.Store. The zero value is ready.
type Store struct{}

const columns = `account_id, id_hash, statements, strategy, linked_user, tenant_id, by_kind, by_id, reserved_by, accepted_by, created_at, expires_at`

// Insert implements invite.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, i invite.Invite, most int) (bool, error) {
	if room, err := room(ctx, t, i, most); err != nil || !room {
		return false, err
	}
	statements, err := json.Marshal(i.Statements)
	if err != nil {
		return false, err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO invites (`+columns+`, key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		string(i.Account), i.Hash, string(statements), string(i.Strategy), string(i.LinkedUser), string(i.Tenant), int64(i.By.Kind), i.By.ID,
		string(i.ReservedBy), string(i.AcceptedBy), sqldb.Micros(i.CreatedAt), sqldb.Micros(i.ExpiresAt), i.Key())
	return err == nil, err
}

// room counts the open invites of the inviter, after everybody else who makes one for them.
func room(ctx context.Context, t tx.Tx, i invite.Invite, most int) (bool, error) {
	if most == 0 {
		return true, nil
	}
	q, now := sqldb.From(t), sqldb.Micros(t.Now())
	if _, err := q.Exec(ctx, `INSERT INTO invite_makers (account_id, by_kind, by_id, last_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, by_kind, by_id) DO UPDATE SET last_at = excluded.last_at`, string(i.Account), int64(i.By.Kind), i.By.ID, now); err != nil {
		return false, err
	}
	open, err := sqldb.One(ctx, q, sqldb.Scalar[int64], `SELECT count(*) FROM (SELECT 1 FROM invites
WHERE account_id = $1 AND by_id = $2 AND by_kind = $3 AND expires_at > $4 AND accepted_by = '' LIMIT $5) o`,
		string(i.Account), i.By.ID, int64(i.By.Kind), now, most)
	return open < int64(most), err
}

// Get implements invite.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (invite.Invite, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM invites WHERE account_id = $1 AND id_hash = $2`, string(account), hash)
}

// ByKey implements invite.Store.
func (Store) ByKey(ctx context.Context, t tx.Tx, account ident.AccountID, key string) (invite.Invite, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM invites WHERE account_id = $1 AND key = $2`, string(account), key)
}

// Accept implements invite.Store.
func (Store) Accept(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, user ident.UserID) (invite.Invite, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `UPDATE invites SET accepted_by = $3
WHERE account_id = $1 AND id_hash = $2 AND accepted_by = '' AND (reserved_by = '' OR reserved_by = $3) AND expires_at > $4 RETURNING `+columns,
		string(account), hash, string(user), sqldb.Micros(t.Now()))
}

// Reserve implements invite.Store.
func (Store) Reserve(ctx context.Context, t tx.Tx, account ident.AccountID, key string, user ident.UserID) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `UPDATE invites SET reserved_by = $3
WHERE account_id = $1 AND key = $2 AND linked_user = $3 AND reserved_by = '' AND accepted_by = '' AND expires_at > $4`,
		string(account), key, string(user), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Delete implements invite.Store.
func (Store) Delete(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `DELETE FROM invites WHERE account_id = $1 AND id_hash = $2 AND accepted_by = ''`, string(account), hash)
	return n == 1, err
}

// Forget implements invite.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, who actor.Actor) (int64, error) {
	if _, err := sqldb.From(t).Exec(ctx, `DELETE FROM invite_makers WHERE account_id = $1 AND by_kind = $2 AND by_id = $3`,
		string(account), int64(who.Kind), who.ID); err != nil {
		return 0, err
	}
	return sqldb.From(t).Exec(ctx, `DELETE FROM invites WHERE account_id = $1
AND (by_kind = $2 AND by_id = $3 AND accepted_by = '' OR accepted_by = $3 OR reserved_by = $3)`, string(account), int64(who.Kind), who.ID)
}

// Purge implements invite.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM invites WHERE (account_id, id_hash) IN (
	SELECT account_id, id_hash FROM invites WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, sqldb.Micros(before), limit)
}

func scan(r sqldb.Row) (invite.Invite, error) {
	var i invite.Invite
	var statements string
	var kind, created, expires int64
	if err := r.Scan(&i.Account, &i.Hash, &statements, &i.Strategy, &i.LinkedUser, &i.Tenant, &kind, &i.By.ID, &i.ReservedBy, &i.AcceptedBy,
		&created, &expires); err != nil {
		return i, err
	}
	if err := json.Unmarshal([]byte(statements), &i.Statements); err != nil {
		return i, fmt.Errorf("statements of invite %s: %w", i.Key(), err)
	}
	i.By.Kind, i.By.Account = actor.Kind(kind), i.Account
	i.CreatedAt, i.ExpiresAt = sqldb.Time(created), sqldb.Time(expires)
	return i, nil
}

package passkeydb

import (
	"context"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const challengeColumns = `account_id, challenge_hash, purpose, binding, browser_hash, user_id, rp_id, passkey_id, user_verification, created_at, expires_at`

// Put implements passkey.Challenges.
func (Store) Put(ctx context.Context, t tx.Tx, c passkey.Challenge, keep int) error {
	_, err := sqldb.From(t).Exec(ctx, `
DELETE FROM passkey_challenges WHERE account_id = $1 AND binding = $2 AND purpose = $3 AND challenge_hash NOT IN (
	SELECT challenge_hash FROM passkey_challenges WHERE account_id = $1 AND binding = $2 AND purpose = $3
	ORDER BY created_at DESC, challenge_hash LIMIT $4)`, string(c.Account), c.Binding, c.Purpose, keep-1)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO passkey_challenges (`+challengeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		string(c.Account), c.Hash, c.Purpose, c.Binding, browser(c), string(c.User), c.Party, c.Passkey, bit(c.Verify),
		sqldb.Micros(c.CreatedAt), sqldb.Micros(c.ExpiresAt))
	return err
}

// Take implements passkey.Challenges.
func (Store) Take(ctx context.Context, t tx.Tx, c passkey.Challenge) (passkey.Challenge, error) {
	return sqldb.One(ctx, sqldb.From(t), scanChallenge, `
DELETE FROM passkey_challenges
WHERE account_id = $1 AND challenge_hash = $2 AND purpose = $3 AND binding = $4 AND browser_hash = $5 AND user_id = $6 AND rp_id = $7
	AND expires_at > $8
RETURNING `+challengeColumns,
		string(c.Account), c.Hash, c.Purpose, c.Binding, browser(c), string(c.User), c.Party, sqldb.Micros(t.Now()))
}

// Purge implements passkey.Challenges.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM passkey_challenges WHERE (account_id, challenge_hash) IN (
	SELECT account_id, challenge_hash FROM passkey_challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		sqldb.Micros(t.Now()), limit)
}

// browser never is NULL, which equals nothing.
func browser(c passkey.Challenge) []byte {
	if c.Browser == nil {
		return []byte{}
	}
	return c.Browser
}

func scanChallenge(r sqldb.Row) (passkey.Challenge, error) {
	var c passkey.Challenge
	var verify, created, expires int64
	err := r.Scan(&c.Account, &c.Hash, &c.Purpose, &c.Binding, &c.Browser, &c.User, &c.Party, &c.Passkey, &verify, &created, &expires)
	c.Verify, c.CreatedAt, c.ExpiresAt = verify == 1, sqldb.Time(created), sqldb.Time(expires)
	return c, err
}

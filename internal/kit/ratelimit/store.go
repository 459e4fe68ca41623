package ratelimit

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Migrations makes the table of the shared limits.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "ratelimit/0001", Tenanted: []string{"rate_limits"}, SQL: `
CREATE TABLE rate_limits (
	account_id TEXT NOT NULL,
	name TEXT NOT NULL,
	key_hash TEXT NOT NULL,
	arrival BIGINT NOT NULL,
	PRIMARY KEY (account_id, name, key_hash));
CREATE INDEX rate_limits_arrival ON rate_limits (arrival);`}}
}

// Store is the shared limiter. The zero value is ready. Keys are kept as hashes only.
type Store struct{}

// Take counts one occurrence for the key under the named rule, in one atomic statement. When the
// rule does not allow it, nothing is counted and retry says how long to wait.
func (Store) Take(ctx context.Context, t tx.Tx, account ident.AccountID, name, key string, r Rule) (ok bool, retry time.Duration, err error) {
	q, now := sqldb.From(t), t.Now().UnixMicro()
	cost, latest := r.interval().Microseconds(), now+r.window().Microseconds()
	n, err := q.Exec(ctx, `
INSERT INTO rate_limits (account_id, name, key_hash, arrival) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, name, key_hash) DO UPDATE SET
	arrival = CASE WHEN rate_limits.arrival > $5 THEN rate_limits.arrival ELSE $5 END + $6
WHERE CASE WHEN rate_limits.arrival > $5 THEN rate_limits.arrival ELSE $5 END + $6 <= $7`,
		string(account), name, keyHash(name, key), now+cost, now, cost, latest)
	if err != nil || n == 1 {
		return n == 1, 0, err
	}
	arrival, err := sqldb.One(ctx, q, sqldb.Scalar[int64],
		`SELECT arrival FROM rate_limits WHERE account_id = $1 AND name = $2 AND key_hash = $3`,
		string(account), name, keyHash(name, key))
	if err != nil {
		return false, 0, err
	}
	return false, time.Duration(arrival+cost-latest) * time.Microsecond, nil
}

// Return takes back one occurrence that turned out not to count.
func (Store) Return(ctx context.Context, t tx.Tx, account ident.AccountID, name, key string, r Rule) error {
	_, err := sqldb.From(t).Exec(ctx,
		`UPDATE rate_limits SET arrival = arrival - $4 WHERE account_id = $1 AND name = $2 AND key_hash = $3`,
		string(account), name, keyHash(name, key), r.interval().Microseconds())
	return err
}

// Purge deletes up to limit keys that no longer hold anybody back. It needs the system scope.
func (Store) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `
DELETE FROM rate_limits WHERE (account_id, name, key_hash) IN (
	SELECT account_id, name, key_hash FROM rate_limits WHERE arrival < $1 ORDER BY arrival LIMIT $2)`,
		t.Now().UnixMicro(), limit)
}

func keyHash(name, key string) string {
	return hex.EncodeToString(secret.Hash("ratelimit/"+name, key))
}

package oauthdb

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Opaques implements oauth.Opaques. The zero value is ready.
type Opaques struct{}

// InsertOpaque implements oauth.Opaques.
func (Opaques) InsertOpaque(ctx context.Context, t tx.Tx, o oauth.OpaqueToken) error {
	facts, err := encode(o.Authorization)
	if err != nil {
		return err
	}
	audience, err := encode(o.Audience)
	if err != nil {
		return err
	}
	return sqldb.From(t).Later(ctx, `INSERT INTO oauth_tokens (account_id, token_hash, id, facts, audience, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(o.Account), o.Hash, o.ID, facts, audience, sqldb.Micros(o.IssuedAt), sqldb.Micros(o.ExpiresAt))
}

// Opaque implements oauth.Opaques.
func (Opaques) Opaque(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (oauth.OpaqueToken, error) {
	return sqldb.One(ctx, sqldb.From(t), scanOpaque, `
SELECT token_hash, id, facts, audience, issued_at, expires_at FROM oauth_tokens WHERE account_id = $1 AND token_hash = $2 AND expires_at > $3`,
		string(account), hash, sqldb.Micros(t.Now()))
}

func scanOpaque(r sqldb.Row) (oauth.OpaqueToken, error) {
	var o oauth.OpaqueToken
	var facts, audience string
	var issued, expires int64
	if err := r.Scan(&o.Hash, &o.ID, &facts, &audience, &issued, &expires); err != nil {
		return o, err
	}
	o.IssuedAt, o.ExpiresAt = sqldb.Time(issued), sqldb.Time(expires)
	if err := decode(audience, &o.Audience); err != nil {
		return o, err
	}
	return o, decode(facts, &o.Authorization)
}

// Janitor implements oauth.Janitor. The zero value is ready.
type Janitor struct{}

// Purge implements oauth.Janitor. An ended grant goes when its tokens have; a living one with its expiry.
func (Janitor) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error) {
	q, b, now := sqldb.From(t), sqldb.Micros(before), sqldb.Micros(t.Now())
	var all int64
	for _, one := range []struct {
		query string
		at    int64
	}{
		{`DELETE FROM oauth_codes WHERE (account_id, code_hash) IN (SELECT account_id, code_hash FROM oauth_codes WHERE expires_at < $1 LIMIT $2)`, b},
		{`DELETE FROM oauth_grants WHERE (account_id, id) IN (SELECT account_id, id FROM oauth_grants WHERE idle_until < $1 LIMIT $2)`, b},
		{`DELETE FROM oauth_tokens WHERE (account_id, token_hash) IN (SELECT account_id, token_hash FROM oauth_tokens WHERE expires_at < $1 LIMIT $2)`, now},
	} {
		n, err := q.Exec(ctx, one.query, one.at, limit)
		if err != nil {
			return all, err
		}
		all += n
	}
	return all, nil
}

package oauthdb

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Grants implements oauth.Grants. The zero value is ready and remembers nothing.
type Grants struct {
	known *memory[grantKey, oauth.Grant] // that were refreshed, as they were once
}

// NewGrants makes one that remembers.
func NewGrants() Grants { return Grants{newMemory[grantKey, oauth.Grant]()} }

const grantColumns = `facts, salt, offline, rotates, version, rotated_at, created_at, expires_at, idle_until, ended_at`

// InsertGrant implements oauth.Grants. The nonce of a grant's ID token is not kept: it belongs to one request.
func (s Grants) InsertGrant(ctx context.Context, t tx.Tx, g oauth.Grant) error {
	g.Nonce = ""
	facts, err := encode(g.Authorization)
	if err != nil {
		return err
	}
	return sqldb.From(t).Later(ctx, `INSERT INTO oauth_grants (account_id, id, client_id, user_id, root_id, jkt, x5t, `+grantColumns+`)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		string(g.Account), g.Authorization.Grant, g.Client, string(g.User), string(g.Root), g.JKT, g.X5T, facts, g.Salt, g.Offline, g.Rotates,
		g.Version, sqldb.Micros(g.RotatedAt), sqldb.Micros(g.CreatedAt), sqldb.Micros(g.ExpiresAt), sqldb.Micros(g.IdleUntil), sqldb.Micros(g.EndedAt))
}

// Grant implements oauth.Grants.
func (Grants) Grant(ctx context.Context, t tx.Tx, account ident.AccountID, id string) (oauth.Grant, error) {
	return sqldb.One(ctx, sqldb.From(t), scanGrant,
		`SELECT `+grantColumns+` FROM oauth_grants WHERE account_id = $1 AND id = $2`, string(account), id)
}

// UseGrant implements oauth.Grants. That it finds a grant that is remembered is an assumption. It
// does not say ended_at = 0, by which PostgreSQL could take an index of living grants for as good as the primary
// key, and read all of an account to find one.
func (s Grants) UseGrant(ctx context.Context, t tx.Tx, u oauth.Use) (oauth.Grant, error) {
	const use = `
UPDATE oauth_grants SET version = CASE WHEN rotates THEN version + 1 ELSE version END,
	rotated_at = CASE WHEN rotates THEN $8 ELSE rotated_at END,
	idle_until = CASE WHEN $9 < expires_at THEN $9 ELSE expires_at END
WHERE account_id = $1 AND id = $2 AND client_id = $3 AND version = $4 AND (jkt = '' OR jkt = $5) AND (x5t = '' OR x5t = $6)
	AND salt = $7 AND offline AND ended_at <= 0 AND expires_at > $8 AND idle_until > $8
RETURNING `
	args := []any{string(u.Account), u.Grant, u.Client, u.Version, u.JKT, u.X5T, u.Salt, sqldb.Micros(t.Now()), sqldb.Micros(u.IdleUntil)}
	if known, ok := s.known.get(grantKey{u.Account, u.Grant, string(u.Salt)}); ok {
		ok, err := sqldb.From(t).Assume(ctx, use+`1`, args...)
		if err == nil && !ok {
			err = sqldb.ErrNotFound
		}
		return used(known, u, t.Now()), err
	}
	got, err := sqldb.One(ctx, sqldb.From(t), scanGrant, use+grantColumns, args...)
	if err == nil {
		known := got
		known.Authorization = shared(got.Authorization)
		s.known.put(grantKey{u.Account, u.Grant, string(u.Salt)}, known)
	}
	return got, err
}

// used is a grant after a use that UseGrant's statement allowed.
func used(g oauth.Grant, u oauth.Use, now time.Time) oauth.Grant {
	g.Version, g.IdleUntil = u.Version, sqldb.Time(sqldb.Micros(u.IdleUntil))
	if g.Rotates {
		g.Version, g.RotatedAt = u.Version+1, sqldb.Time(sqldb.Micros(now))
	}
	if g.ExpiresAt.Before(g.IdleUntil) {
		g.IdleUntil = g.ExpiresAt
	}
	return g
}

// EndGrants implements oauth.Grants.
func (Grants) EndGrants(ctx context.Context, t tx.Tx, s oauth.Selection, limit int) ([]string, error) {
	args := []any{string(s.Account), sqldb.Micros(t.Now()), limit}
	where := ` WHERE account_id = $1 AND ended_at = 0 AND expires_at > $2` // what has expired has no living token
	for _, c := range []struct{ column, value string }{
		{"id", s.Grant}, {"root_id", string(s.Root)}, {"user_id", string(s.User)}, {"client_id", s.Client},
	} {
		if c.value != "" {
			args = append(args, c.value)
			where += ` AND ` + c.column + ` = $` + strconv.Itoa(len(args))
		}
	}
	if len(args) == 3 && !s.All {
		return nil, errors.New("oauthdb: a selection of grants that names nothing")
	}
	if s.Online {
		where += ` AND NOT offline`
	}
	if s.Client != "" {
		if err := dropCodes(ctx, t, s); err != nil {
			return nil, err
		}
	}
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[string], `
UPDATE oauth_grants SET ended_at = $2 WHERE account_id = $1 AND id IN (SELECT id FROM oauth_grants`+where+` LIMIT $3) RETURNING id`, args...)
}

// dropCodes forgets the codes that a client has not redeemed yet: they would begin what is ended here.
// Codes are few, because they are good for a minute.
func dropCodes(ctx context.Context, t tx.Tx, s oauth.Selection) error {
	open, err := sqldb.List(ctx, sqldb.From(t), scanCode,
		`SELECT `+codeColumns+` FROM oauth_codes WHERE account_id = $1 AND client_id = $2 AND used_at = 0 AND expires_at > $3`,
		string(s.Account), s.Client, sqldb.Micros(t.Now()))
	if err != nil {
		return err
	}
	for _, c := range open {
		if s.User != "" && c.User != s.User {
			continue
		}
		if _, err := sqldb.From(t).Exec(ctx, `DELETE FROM oauth_codes WHERE account_id = $1 AND code_hash = $2 AND used_at = 0`,
			string(s.Account), c.Hash); err != nil {
			return err
		}
	}
	return nil
}

func scanGrant(r sqldb.Row) (oauth.Grant, error) {
	var g oauth.Grant
	var facts string
	var rotated, created, expires, idle, ended int64
	if err := r.Scan(&facts, &g.Salt, &g.Offline, &g.Rotates, &g.Version, &rotated, &created, &expires, &idle, &ended); err != nil {
		return g, err
	}
	g.RotatedAt, g.CreatedAt, g.ExpiresAt = sqldb.Time(rotated), sqldb.Time(created), sqldb.Time(expires)
	g.IdleUntil, g.EndedAt = sqldb.Time(idle), sqldb.Time(ended)
	return g, decode(facts, &g.Authorization)
}

package oauthdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Codes implements oauth.Codes. The zero value is ready and remembers nothing.
type Codes struct {
	known *memory[codeKey, oauth.AuthorizationCode] // that this process made
}

// NewCodes makes one that remembers.
func NewCodes() Codes { return Codes{newMemory[codeKey, oauth.AuthorizationCode]()} }

const codeColumns = `code_hash, redirect_uri, challenge, facts, expires_at`

// sameCode holds everything that a code is bound to. A code that names no DPoP key goes with any.
const sameCode = ` WHERE account_id = $1 AND code_hash = $2 AND client_id = $3 AND redirect_uri = $4 AND challenge = $5 AND (jkt = '' OR jkt = $6)`

func codeArgs(c oauth.AuthorizationCode, now time.Time) []any {
	return []any{string(c.Account), c.Hash, c.Client, c.RedirectURI, c.Challenge, c.JKT, sqldb.Micros(now)}
}

// InsertCode implements oauth.Codes.
func (s Codes) InsertCode(ctx context.Context, t tx.Tx, c oauth.AuthorizationCode) error {
	facts, err := encode(c.Authorization)
	if err != nil {
		return err
	}
	kept := oauth.AuthorizationCode{Hash: c.Hash, RedirectURI: c.RedirectURI, Challenge: c.Challenge, Authorization: shared(c.Authorization), ExpiresAt: c.ExpiresAt}
	s.known.put(codeKey{c.Account, string(c.Hash)}, kept)
	return sqldb.From(t).Later(ctx, `INSERT INTO oauth_codes
(account_id, code_hash, client_id, redirect_uri, challenge, jkt, facts, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		string(c.Account), c.Hash, c.Client, c.RedirectURI, c.Challenge, c.JKT, facts, sqldb.Micros(c.ExpiresAt))
}

// TakeCode implements oauth.Codes. That it finds a code that is remembered is an assumption.
func (s Codes) TakeCode(ctx context.Context, t tx.Tx, c oauth.AuthorizationCode) (oauth.AuthorizationCode, error) {
	const take = `UPDATE oauth_codes SET used_at = $7` + sameCode + ` AND used_at = 0 AND expires_at > $7 RETURNING `
	if known, ok := s.known.take(codeKey{c.Account, string(c.Hash)}); ok {
		ok, err := sqldb.From(t).Assume(ctx, take+`1`, codeArgs(c, t.Now())...)
		if err == nil && !ok {
			err = sqldb.ErrNotFound
		}
		return known, err
	}
	return sqldb.One(ctx, sqldb.From(t), scanCode, take+codeColumns, codeArgs(c, t.Now())...)
}

// SpentCode implements oauth.Codes.
func (Codes) SpentCode(ctx context.Context, t tx.Tx, c oauth.AuthorizationCode) (oauth.AuthorizationCode, error) {
	return sqldb.One(ctx, sqldb.From(t), scanCode,
		`SELECT `+codeColumns+` FROM oauth_codes`+sameCode+` AND used_at > 0 AND used_at <= $7`, codeArgs(c, t.Now())...)
}

func scanCode(r sqldb.Row) (oauth.AuthorizationCode, error) {
	var c oauth.AuthorizationCode
	var facts string
	var expires int64
	if err := r.Scan(&c.Hash, &c.RedirectURI, &c.Challenge, &facts, &expires); err != nil {
		return c, err
	}
	c.ExpiresAt = sqldb.Time(expires)
	return c, decode(facts, &c.Authorization)
}

func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

func decode(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("oauthdb: stored facts: %w", err)
	}
	return nil
}

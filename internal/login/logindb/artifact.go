package logindb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Artifacts implements login.Artifacts. The zero value is ready.
type Artifacts struct{}

const codeColumns = `account_id, code_hash, login_id, application_id, redirect_url, challenge, user_id, session_id, expires_at`

// sameCode holds everything that a code is bound to. An empty login id means any.
const sameCode = ` WHERE account_id = $1 AND code_hash = $2 AND (login_id = $3 OR $3 = '') AND application_id = $4 AND redirect_url = $5 AND challenge = $6`

func codeArgs(c login.Code, now time.Time) []any {
	return []any{string(c.Account), c.Hash, string(c.Login), string(c.Application), c.RedirectURL, c.Challenge, sqldb.Micros(now)}
}

// InsertCode implements login.Artifacts.
func (Artifacts) InsertCode(ctx context.Context, t tx.Tx, c login.Code) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO login_codes (`+codeColumns+`, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`,
		string(c.Account), c.Hash, string(c.Login), string(c.Application), c.RedirectURL, c.Challenge, string(c.User), string(c.Session), sqldb.Micros(c.ExpiresAt))
	return err
}

// TakeCode implements login.Artifacts.
func (Artifacts) TakeCode(ctx context.Context, t tx.Tx, c login.Code) (login.Code, error) {
	return sqldb.One(ctx, sqldb.From(t), scanCode,
		`UPDATE login_codes SET used_at = $7`+sameCode+` AND used_at = 0 AND expires_at > $7 RETURNING `+codeColumns, codeArgs(c, t.Now())...)
}

// SpentCode implements login.Artifacts.
func (Artifacts) SpentCode(ctx context.Context, t tx.Tx, c login.Code) (login.Code, error) {
	return sqldb.One(ctx, sqldb.From(t), scanCode,
		`SELECT `+codeColumns+` FROM login_codes`+sameCode+` AND used_at > 0 AND used_at <= $7`, codeArgs(c, t.Now())...)
}

const legColumns = `account_id, state_hash, login_id, connection_id, browser_hash, sealed, expires_at`

// InsertLeg implements login.Artifacts.
func (Artifacts) InsertLeg(ctx context.Context, t tx.Tx, l login.Leg) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO login_legs (`+legColumns+`, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		string(l.Account), l.State, string(l.Login), string(l.Connection), l.Browser, l.Sealed, sqldb.Micros(l.ExpiresAt))
	return err
}

// TakeLeg implements login.Artifacts.
func (Artifacts) TakeLeg(ctx context.Context, t tx.Tx, account ident.AccountID, state, browser []byte) (login.Leg, error) {
	return sqldb.One(ctx, sqldb.From(t), scanLeg, `
UPDATE login_legs SET used_at = $4 WHERE account_id = $1 AND state_hash = $2 AND browser_hash = $3 AND used_at = 0 AND expires_at > $4
RETURNING `+legColumns, string(account), state, browser, sqldb.Micros(t.Now()))
}

// PeekLeg implements login.Artifacts.
func (Artifacts) PeekLeg(ctx context.Context, t tx.Tx, account ident.AccountID, state []byte) (login.Leg, error) {
	return sqldb.One(ctx, sqldb.From(t), scanLeg, `
SELECT `+legColumns+` FROM login_legs WHERE account_id = $1 AND state_hash = $2 AND used_at = 0 AND expires_at > $3`,
		string(account), state, sqldb.Micros(t.Now()))
}

// UseProof implements login.Artifacts.
func (Artifacts) UseProof(ctx context.Context, t tx.Tx, account ident.AccountID, proof []byte, id ident.LoginID, expires time.Time) (ident.LoginID, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `INSERT INTO login_proofs (account_id, proof_hash, login_id, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, proof_hash) DO NOTHING`, string(account), proof, string(id), sqldb.Micros(expires))
	if err != nil || n == 1 {
		return "", err
	}
	return sqldb.One(ctx, q, sqldb.Scalar[ident.LoginID],
		`SELECT login_id FROM login_proofs WHERE account_id = $1 AND proof_hash = $2`, string(account), proof)
}

func scanCode(r sqldb.Row) (login.Code, error) {
	var c login.Code
	var expires int64
	err := r.Scan(&c.Account, &c.Hash, &c.Login, &c.Application, &c.RedirectURL, &c.Challenge, &c.User, &c.Session, &expires)
	c.ExpiresAt = sqldb.Time(expires)
	return c, err
}

func scanLeg(r sqldb.Row) (login.Leg, error) {
	var l login.Leg
	var expires int64
	err := r.Scan(&l.Account, &l.State, &l.Login, &l.Connection, &l.Browser, &l.Sealed, &expires)
	l.ExpiresAt = sqldb.Time(expires)
	return l, err
}

// Grants implements login.Grants. The zero value is ready and assumes nothing.
type Grants struct {
	wishes *sqldb.Seldom // the chains and applications that have one
}

// NewGrants makes one that assumes that there is no wish, until it finds one.
func NewGrants() Grants { return Grants{sqldb.NewSeldom()} }

// PutSetup implements login.Grants.
func (Grants) PutSetup(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, expires time.Time) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO login_setups (account_id, token_hash, expires_at, used_at) VALUES ($1, $2, $3, 0)
ON CONFLICT (account_id) DO UPDATE SET token_hash = $2, expires_at = $3, used_at = 0`, string(account), hash, sqldb.Micros(expires))
	return err
}

const setupAlive = ` WHERE account_id = $1 AND token_hash = $2 AND used_at = 0 AND expires_at > $3`

// SetupAlive implements login.Grants.
func (Grants) SetupAlive(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[string],
		`SELECT account_id FROM login_setups`+setupAlive, string(account), hash, sqldb.Micros(t.Now()))
	return len(found) > 0, err
}

// TakeSetup implements login.Grants.
func (Grants) TakeSetup(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte) (bool, error) {
	return changed(sqldb.From(t).Exec(ctx, `UPDATE login_setups SET used_at = $3`+setupAlive, string(account), hash, sqldb.Micros(t.Now())))
}

// wishLife is longer than any session may live.
const wishLife = 400 * 24 * time.Hour

// PutWish implements login.Grants.
func (Grants) PutWish(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, app ident.ApplicationID, w login.Wish) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO login_wishes (account_id, root_id, application_id, wish, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, root_id, application_id) DO UPDATE SET wish = $4, expires_at = $5`,
		string(account), string(root), string(app), string(text), sqldb.Micros(t.Now().Add(wishLife)))
	return err
}

// Wish implements login.Grants.
func (g Grants) Wish(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, app ident.ApplicationID) (w login.Wish, err error) {
	const query = `SELECT wish FROM login_wishes WHERE account_id = $1 AND root_id = $2 AND application_id = $3`
	q, args := sqldb.From(t), []any{string(account), string(root), string(app)}
	if nothing, err := g.wishes.Nothing(ctx, q, string(account)+" "+string(root)+" "+string(app), query, args...); err != nil || nothing {
		return w, err
	}
	found, err := sqldb.List(ctx, q, sqldb.Scalar[string], query, args...)
	if err != nil || len(found) == 0 {
		return w, err
	}
	if err := json.Unmarshal([]byte(found[0]), &w); err != nil {
		return w, fmt.Errorf("wish of %s: %w", root, err)
	}
	return w, nil
}

package logindb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Store implements login.Store. The zero value is ready.
type Store struct{}

const requestColumns = `account_id, id, application_id, redirect_url, challenge, connection_id, hint, properties, audiences, scopes,
	response_location, flow_type, multi_account, twin, setup_hash, browser_hash, problem, created_at, expires_at, done_at, user_id, session_id, tenant_id, invite_key, return_path, party, fresh, link_user, link_replaces, subject, acr, other, picked, evidence`

// An open request is not finished and not expired; mine has the same browser, or none, as I know.
const (
	whereOpen = ` WHERE account_id = $1 AND id = $2 AND done_at = 0 AND expires_at > $3`
	whereMine = whereOpen + ` AND browser_hash = $4`
	// Nobody has proved anything.
	whereFree = whereMine + ` AND subject = ''`
)

// none is the hash of an unbound request and the outcome of an ordinary one.
var none = []byte{}

// Insert implements login.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, r login.Request) error {
	properties, audiences, scopes, err := encodeLists(r)
	if err != nil {
		return err
	}
	_, err = sqldb.From(t).Exec(ctx, `INSERT INTO logins (`+requestColumns+`, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, '', '', $21, $22, $23, $24, $25, $26, $27, '', $28, $29, '', '[]', $20)`,
		string(r.Account), string(r.ID), string(r.Application), r.RedirectURL, r.Challenge, string(r.Connection), r.Hint,
		properties, audiences, scopes, r.ResponseLocation, r.FlowType, r.MultiAccount, r.Twin,
		bytesOf(r.Setup), bytesOf(r.Browser), string(r.Problem), sqldb.Micros(r.CreatedAt), sqldb.Micros(r.ExpiresAt), none, string(r.Tenant), r.Invite, r.Return, r.Party, r.Fresh,
		string(r.Link), r.Replaces, r.ACR, r.Other)
	return err
}

// Get implements login.Store.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID) (login.Request, error) {
	return sqldb.One(ctx, sqldb.From(t), scanRequest, `SELECT `+requestColumns+` FROM logins WHERE account_id = $1 AND id = $2`,
		string(account), string(id))
}

// Bind implements login.Store.
func (Store) Bind(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte) (bool, error) {
	return changed(sqldb.From(t).Exec(ctx, `UPDATE logins SET browser_hash = $4`+whereOpen+` AND (browser_hash = $4 OR browser_hash = $5)`,
		string(account), string(id), sqldb.Micros(t.Now()), browser, none))
}

// Choose implements login.Store.
func (Store) Choose(ctx context.Context, t tx.Tx, r login.Request) (bool, error) {
	properties, _, _, err := encodeLists(r)
	if err != nil {
		return false, err
	}
	return changed(sqldb.From(t).Exec(ctx, `UPDATE logins SET connection_id = $5, hint = $6, properties = $7, problem = $8, tenant_id = $9, other = $10, picked = $11`+whereFree,
		string(r.Account), string(r.ID), sqldb.Micros(t.Now()), bytesOf(r.Browser), string(r.Connection), r.Hint, properties, string(r.Problem), string(r.Tenant), r.Other, string(r.Picked)))
}

// Prove implements login.Store.
func (Store) Prove(ctx context.Context, t tx.Tx, p login.Proof) (bool, error) {
	before, err := json.Marshal(p.Before)
	if err != nil || len(p.Browser) == 0 || p.Subject == "" {
		return false, err
	}
	after, err := json.Marshal(append(slices.Clone(p.Before), p.Added...))
	if err != nil {
		return false, err
	}
	if len(p.Before) == 0 {
		before = []byte("[]")
	}
	return changed(sqldb.From(t).Exec(ctx, `UPDATE logins SET subject = $5, evidence = $6, problem = ''`+whereMine+`
AND (subject = $5 OR subject = '') AND evidence = $7 AND user_id = ''`,
		string(p.Account), string(p.ID), sqldb.Micros(t.Now()), p.Browser, string(p.Subject), string(after), string(before)))
}

// Revive implements login.Store.
func (Store) Revive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte, expires time.Time) (bool, error) {
	return changed(sqldb.From(t).Exec(ctx, `
UPDATE logins SET browser_hash = $3, expires_at = $4, problem = '', subject = '', evidence = '[]', picked = ''
WHERE account_id = $1 AND id = $2 AND done_at = 0 AND (browser_hash = $3 OR browser_hash = $5)`,
		string(account), string(id), bytesOf(browser), sqldb.Micros(expires), none))
}

// Finish implements login.Store.
func (Store) Finish(ctx context.Context, t tx.Tx, f login.Finished) (bool, error) {
	evidence, err := json.Marshal(f.Evidence)
	if err != nil || len(f.Browser) == 0 {
		return false, err
	}
	return changed(sqldb.From(t).Exec(ctx, `
UPDATE logins SET done_at = $3, user_id = $5, session_id = $6, evidence = $7, outcome = $8`+whereMine+` AND user_id = '' AND (subject = $5 OR subject = '')`,
		string(f.Account), string(f.ID), sqldb.Micros(t.Now()), f.Browser, string(f.User), string(f.Session), string(evidence), bytesOf(f.Outcome)))
}

// TakeOutcome implements login.Store.
func (Store) TakeOutcome(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID, browser []byte) ([]byte, error) {
	q := sqldb.From(t)
	const bound = ` WHERE account_id = $1 AND id = $2 AND browser_hash = $3 AND outcome <> $4`
	args := []any{string(account), string(id), browser, none}
	sealed, err := sqldb.One(ctx, q, sqldb.Scalar[[]byte], `SELECT outcome FROM logins`+bound, args...)
	if err != nil {
		return nil, err
	}
	ok, err := changed(q.Exec(ctx, `UPDATE logins SET outcome = $4`+bound, args...))
	if err == nil && !ok {
		err = sqldb.ErrNotFound
	}
	return sealed, err
}

// Purge implements login.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (total int64, err error) {
	for _, table := range []struct{ name, key, when string }{
		{"logins", "account_id, id", "expires_at"},
		{"login_codes", "account_id, code_hash", "expires_at"},
		{"login_legs", "account_id, state_hash", "expires_at"},
		{"login_proofs", "account_id, proof_hash", "expires_at"},
		{"login_setups", "account_id", "expires_at"},
		{"login_wishes", "account_id, root_id, application_id", "expires_at"},
		{"login_devices", "account_id, user_id, device_hash", "expires_at"},
	} {
		n, err := sqldb.From(t).Exec(ctx, `DELETE FROM `+table.name+` WHERE (`+table.key+`) IN (
	SELECT `+table.key+` FROM `+table.name+` WHERE `+table.when+` < $1 ORDER BY `+table.when+` LIMIT $2)`, sqldb.Micros(before), limit)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func changed(n int64, err error) (bool, error) { return n > 0, err }

// bytesOf makes an empty value of nothing: the columns are never NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func encodeLists(r login.Request) (properties, audiences, scopes string, err error) {
	texts := make([]string, 3)
	for i, v := range []any{r.Properties, r.Audiences, r.Scopes} {
		b, err := json.Marshal(v)
		if err != nil {
			return "", "", "", err
		}
		texts[i] = string(b)
	}
	return texts[0], texts[1], texts[2], nil
}

func scanRequest(row sqldb.Row) (login.Request, error) {
	var r login.Request
	var properties, audiences, scopes, evidence string
	var created, expires, done int64
	err := row.Scan(&r.Account, &r.ID, &r.Application, &r.RedirectURL, &r.Challenge, &r.Connection, &r.Hint, &properties, &audiences, &scopes,
		&r.ResponseLocation, &r.FlowType, &r.MultiAccount, &r.Twin, &r.Setup, &r.Browser, &r.Problem, &created, &expires, &done, &r.User, &r.Session, &r.Tenant, &r.Invite, &r.Return, &r.Party, &r.Fresh, &r.Link, &r.Replaces,
		&r.Subject, &r.ACR, &r.Other, &r.Picked, &evidence)
	if err != nil {
		return r, err
	}
	if len(r.Browser) == 0 { // the databases differ in how they return empty bytes
		r.Browser = nil
	}
	if len(r.Setup) == 0 {
		r.Setup = nil
	}
	r.CreatedAt, r.ExpiresAt, r.DoneAt = sqldb.Time(created), sqldb.Time(expires), sqldb.Time(done)
	for _, list := range []struct {
		text string
		into any
	}{{properties, &r.Properties}, {audiences, &r.Audiences}, {scopes, &r.Scopes}, {evidence, &r.Evidence}} {
		if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
			return r, fmt.Errorf("login %s: %w", r.ID, err)
		}
	}
	if len(r.Evidence) == 0 {
		r.Evidence = nil
	}
	return r, nil
}

// Package userdb owns the SQL of people, one text for both databases.
package userdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// Migrations returns the schema of this feature. The key of an identity holds all four
// parts that name a person from outside; TEXT is compared byte for byte on both databases.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "user/0001", Tenanted: []string{"users", "user_identities"}, SQL: `
CREATE TABLE users (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	email TEXT NOT NULL,
	email_verified BOOLEAN NOT NULL,
	picture TEXT NOT NULL,
	locale TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (account_id, user_id));
CREATE TABLE user_identities (
	account_id TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	user_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	last_login BIGINT NOT NULL,
	PRIMARY KEY (account_id, connection_id, issuer, subject),
	FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, user_id));
CREATE INDEX user_identities_user ON user_identities (account_id, user_id);`},
		{ID: "user/0002", SQL: `ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '';`},
		{ID: "user/0003", SQL: `ALTER TABLE users ADD COLUMN chosen BIGINT NOT NULL DEFAULT 0;`},
		{ID: "user/0004", SQL: `ALTER TABLE users ADD COLUMN email_of TEXT NOT NULL DEFAULT '';`}}
}

// Store implements user.Store and user.IdentityStore.
type Store struct{}

var (
	_ user.Store         = Store{}
	_ user.IdentityStore = Store{}
)

const columns = `account_id, user_id, name, email, email_verified, picture, locale, created_at, updated_at, email_of`

// withClaims are the columns that are read. Claims are written by SetClaims only.
const withClaims = columns + `, claims, chosen`

// pageOf is one page of the users of an account.
const pageOf = ` WHERE account_id = $1 AND user_id > $2 AND deleted_at = 0 AND search LIKE $3 ESCAPE '\' ORDER BY user_id LIMIT $4`

// Insert implements user.Store.
func (Store) Insert(ctx context.Context, t tx.Tx, u user.User) (bool, error) {
	of, err := textOf(u.EmailOf)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO users (`+columns+`, search) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (account_id, user_id) DO NOTHING`,
		string(u.Account), string(u.ID), u.Name, u.Email, u.EmailVerified, u.Picture, u.Locale,
		sqldb.Micros(u.CreatedAt), sqldb.Micros(u.UpdatedAt), of, u.SearchText())
	return n == 1, err
}

// Update implements user.Store.
func (Store) Update(ctx context.Context, t tx.Tx, u user.User) error {
	of, err := textOf(u.EmailOf)
	if err != nil {
		return err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE users SET name = $3, email = $4, email_verified = $5, picture = $6, locale = $7, updated_at = $8, search = $9, chosen = $10, email_of = $11
		WHERE account_id = $1 AND user_id = $2 AND deleted_at = 0`,
		string(u.Account), string(u.ID), u.Name, u.Email, u.EmailVerified, u.Picture, u.Locale, sqldb.Micros(u.UpdatedAt), u.SearchText(), int64(u.Chosen), of)
	if err == nil && n == 0 {
		err = sqldb.ErrNotFound
	}
	return err
}

// Remove implements user.Store.
func (Store) Remove(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (bool, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `UPDATE users SET deleted_at = $3, name = '', email = '', email_verified = FALSE, picture = '', locale = '', search = '', claims = '', chosen = 0, email_of = ''
		WHERE account_id = $1 AND user_id = $2 AND deleted_at = 0`, string(account), string(id), sqldb.Micros(t.Now()))
	if err != nil || n == 0 {
		return false, err
	}
	_, err = q.Exec(ctx, `DELETE FROM user_identities WHERE account_id = $1 AND user_id = $2`, string(account), string(id))
	return err == nil, err
}

// SetClaims implements user.Store.
func (Store) SetClaims(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, c user.Claims) (bool, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE users SET claims = $3, updated_at = $4 WHERE account_id = $1 AND user_id = $2 AND deleted_at = 0`,
		string(account), string(id), string(text), sqldb.Micros(t.Now()))
	return n == 1, err
}

// Get implements user.Store, in one statement, because every token that is issued asks for it.
func (Store) Get(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error) {
	rows, err := sqldb.List(ctx, sqldb.From(t), scanLinked, `
		SELECT u.account_id, u.user_id, u.name, u.email, u.email_verified, u.picture, u.locale, u.created_at, u.updated_at, u.email_of, u.claims, u.chosen,
			COALESCE(i.connection_id, ''), COALESCE(i.issuer, ''), COALESCE(i.subject, ''), COALESCE(i.created_at, 0), COALESCE(i.last_login, 0)
		FROM users u LEFT JOIN user_identities i ON i.account_id = u.account_id AND i.user_id = u.user_id
		WHERE u.account_id = $1 AND u.user_id = $2 AND u.deleted_at = 0
		ORDER BY i.created_at, i.connection_id, i.issuer, i.subject`, string(account), string(id))
	if err != nil {
		return user.User{}, err
	}
	if len(rows) == 0 {
		return user.User{}, sqldb.ErrNotFound
	}
	u := rows[0].user
	for _, r := range rows {
		if r.identity.Connection != "" {
			u.Identities = append(u.Identities, r.identity)
		}
	}
	return u, nil
}

// List implements user.Store.
func (Store) List(ctx context.Context, t tx.Tx, account ident.AccountID, p user.Query) ([]user.User, error) {
	return withIdentities(ctx, sqldb.From(t), pageOf, string(account), string(p.After), contains(p.Filter), p.Limit)
}

// Among implements user.Store.
func (Store) Among(ctx context.Context, t tx.Tx, account ident.AccountID, ids []ident.UserID, filter string) ([]user.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args, places := []any{string(account), contains(filter)}, make([]string, len(ids))
	for i, id := range ids {
		args, places[i] = append(args, string(id)), "$"+strconv.Itoa(i+3)
	}
	return withIdentities(ctx, sqldb.From(t), ` WHERE account_id = $1 AND search LIKE $2 ESCAPE '\' AND deleted_at = 0
		AND user_id IN (`+strings.Join(places, ", ")+`) ORDER BY user_id`, args...)
}

// withIdentities reads the users of a condition, whose first argument is the account.
func withIdentities(ctx context.Context, q *sqldb.Tx, where string, args ...any) ([]user.User, error) {
	page, err := sqldb.List(ctx, q, scan, `SELECT `+withClaims+` FROM users`+where, args...)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	rows, err := sqldb.List(ctx, q, scanIdentity, `SELECT user_id, connection_id, issuer, subject, created_at, last_login FROM user_identities
		WHERE account_id = $1 AND user_id IN (SELECT user_id FROM users`+where+`) ORDER BY created_at, connection_id, issuer, subject`, args...)
	if err != nil {
		return nil, err
	}
	at := make(map[ident.UserID]int, len(page))
	for i, u := range page {
		at[u.ID] = i
	}
	for _, r := range rows {
		if i, ok := at[r.user]; ok {
			page[i].Identities = append(page[i].Identities, r.identity)
		}
	}
	return page, nil
}

// Owner implements user.IdentityStore.
func (Store) Owner(ctx context.Context, t tx.Tx, account ident.AccountID, i user.Identity) (ident.UserID, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[ident.UserID], `UPDATE user_identities SET last_login = $5
		WHERE account_id = $1 AND connection_id = $2 AND issuer = $3 AND subject = $4 RETURNING user_id`,
		string(account), string(i.Connection), i.Issuer, i.Subject, sqldb.Micros(t.Now()))
}

// Whose implements user.IdentityStore.
func (Store) Whose(ctx context.Context, t tx.Tx, account ident.AccountID, i user.Identity) (ident.UserID, error) {
	return sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[ident.UserID], `SELECT user_id FROM user_identities
		WHERE account_id = $1 AND connection_id = $2 AND issuer = $3 AND subject = $4`,
		string(account), string(i.Connection), i.Issuer, i.Subject)
}

// Link implements user.IdentityStore.
func (Store) Link(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID, i user.Identity) (bool, error) {
	n, err := sqldb.From(t).Exec(ctx, `INSERT INTO user_identities (account_id, connection_id, issuer, subject, user_id, created_at, last_login)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, connection_id, issuer, subject) DO NOTHING`,
		string(account), string(i.Connection), i.Issuer, i.Subject, string(id), sqldb.Micros(i.CreatedAt), sqldb.Micros(i.LastLogin))
	return n == 1, err
}

// Discard implements user.IdentityStore.
func (Store) Discard(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM users WHERE account_id = $1 AND user_id = $2`, string(account), string(id))
	return err
}

// Unlink implements user.IdentityStore.
func (Store) Unlink(ctx context.Context, t tx.Tx, account ident.AccountID, connection ident.ConnectionID) (int64, error) {
	return sqldb.From(t).Exec(ctx, `DELETE FROM user_identities WHERE account_id = $1 AND connection_id = $2`, string(account), string(connection))
}

func scan(r sqldb.Row) (user.User, error) {
	var (
		u                user.User
		created, updated int64
		claims, of       string
	)
	err := r.Scan((*string)(&u.Account), (*string)(&u.ID), &u.Name, &u.Email, &u.EmailVerified, &u.Picture, &u.Locale, &created, &updated, &of, &claims, (*uint8)(&u.Chosen))
	if err == nil {
		err = readTexts(claims, of, &u)
	}
	u.CreatedAt, u.UpdatedAt = sqldb.Time(created), sqldb.Time(updated)
	return u, err
}

// linked is a user with one of their identities, or with none.
type linked struct {
	user     user.User
	identity user.Identity
}

func scanLinked(r sqldb.Row) (v linked, err error) {
	var (
		made, changed, created, last int64
		claims, of                   string
	)
	u, i := &v.user, &v.identity
	err = r.Scan((*string)(&u.Account), (*string)(&u.ID), &u.Name, &u.Email, &u.EmailVerified, &u.Picture, &u.Locale, &made, &changed, &of, &claims, (*uint8)(&u.Chosen),
		(*string)(&i.Connection), &i.Issuer, &i.Subject, &created, &last)
	if err == nil {
		err = readTexts(claims, of, u)
	}
	u.CreatedAt, u.UpdatedAt, i.CreatedAt, i.LastLogin = sqldb.Time(made), sqldb.Time(changed), sqldb.Time(created), sqldb.Time(last)
	return v, err
}

// textOf is what is kept of whose the address is.
func textOf(of user.Key) (string, error) {
	if of == (user.Key{}) {
		return "", nil
	}
	text, err := json.Marshal(of)
	return string(text), err
}

// readTexts reads the claims, of which nothing was ever set when the text is empty, and whose the address is.
func readTexts(claims, of string, u *user.User) error {
	for _, part := range []struct {
		text string
		to   any
	}{{claims, &u.Claims}, {of, &u.EmailOf}} {
		if part.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.text), part.to); err != nil {
			return fmt.Errorf("user %s: %w", u.ID, err)
		}
	}
	return nil
}

type identityRow struct {
	user     ident.UserID
	identity user.Identity
}

func scanIdentity(r sqldb.Row) (v identityRow, err error) {
	var created, last int64
	err = r.Scan((*string)(&v.user), (*string)(&v.identity.Connection), &v.identity.Issuer, &v.identity.Subject, &created, &last)
	v.identity.CreatedAt, v.identity.LastLogin = sqldb.Time(created), sqldb.Time(last)
	return v, err
}

// contains is the LIKE pattern of a literal substring.
func contains(part string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part) + "%"
}

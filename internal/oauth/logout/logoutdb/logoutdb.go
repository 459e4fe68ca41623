// Package logoutdb owns the tables of who takes part in sessions and of the logout tokens that are to
// be delivered. It implements logout.Store.
package logoutdb

import (
	"context"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/logout"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "oauth-logout/0001", Tenanted: []string{"oauth_parties", "oauth_logouts"}, SQL: `
CREATE TABLE oauth_parties (
	account_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, session_id, client_id),
	UNIQUE (account_id, id));
CREATE INDEX oauth_parties_root ON oauth_parties (account_id, root_id);
CREATE INDEX oauth_parties_user ON oauth_parties (account_id, user_id);
CREATE INDEX oauth_parties_client ON oauth_parties (account_id, client_id);
CREATE INDEX oauth_parties_created ON oauth_parties (created_at);
CREATE TABLE oauth_logouts (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	done_at BIGINT NOT NULL,
	problem TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX oauth_logouts_due ON oauth_logouts (next_at) WHERE done_at = 0;
CREATE INDEX oauth_logouts_done ON oauth_logouts (done_at) WHERE done_at > 0;
CREATE INDEX oauth_logouts_client ON oauth_logouts (account_id, client_id);`}}
}

// Store implements logout.Store. The zero value is ready.
type Store struct{}

var _ logout.Store = Store{}

// Join implements logout.Store. The id becomes that of the delivery.
func (Store) Join(ctx context.Context, t tx.Tx, p logout.Party) error {
	_, err := sqldb.From(t).Exec(ctx, `INSERT INTO oauth_parties (account_id, session_id, client_id, id, root_id, user_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, session_id, client_id) DO NOTHING`,
		string(p.Account), string(p.Session), p.Client, ident.New("out_"), string(p.Root), string(p.User), sqldb.Micros(t.Now()))
	return err
}

// whose is the condition on both tables, spelled out so that an index fits.
func whose(w logout.Whose, more ...any) (string, []any) {
	where, args := `account_id = $1`, []any{string(w.Account)}
	for _, c := range []struct{ column, value string }{{"root_id", string(w.Root)}, {"user_id", string(w.User)}, {"client_id", w.Client}} {
		if c.value != "" {
			args = append(args, c.value)
			where += ` AND ` + c.column + ` = $` + strconv.Itoa(len(args))
		}
	}
	return where, append(args, more...)
}

// Parties implements logout.Store.
func (Store) Parties(ctx context.Context, t tx.Tx, w logout.Whose, limit int) ([]logout.Party, error) {
	where, args := whose(w, limit)
	return sqldb.List(ctx, sqldb.From(t), scanParty, `SELECT account_id, session_id, root_id, client_id, user_id FROM oauth_parties
WHERE `+where+` ORDER BY created_at DESC, id LIMIT $`+strconv.Itoa(len(args)), args...)
}

// Leave implements logout.Store.
func (Store) Leave(ctx context.Context, t tx.Tx, w logout.Whose) (int64, error) {
	q := sqldb.From(t)
	where, args := whose(w, sqldb.Micros(t.Now()))
	now := `$` + strconv.Itoa(len(args))
	n, err := q.Exec(ctx, `
INSERT INTO oauth_logouts (account_id, id, session_id, root_id, client_id, user_id, attempts, next_at, done_at, problem, created_at)
SELECT account_id, id, session_id, root_id, client_id, user_id, 0, `+now+`, 0, '', `+now+` FROM oauth_parties WHERE `+where+`
ON CONFLICT (account_id, id) DO NOTHING`, args...)
	if err != nil || n == 0 {
		return n, err
	}
	// Those that joined meanwhile stay.
	_, err = q.Exec(ctx, `DELETE FROM oauth_parties WHERE `+where+` AND EXISTS (
	SELECT 1 FROM oauth_logouts l WHERE l.account_id = oauth_parties.account_id AND l.id = oauth_parties.id)`, args[:len(args)-1]...)
	return n, err
}

// Forget implements logout.Store.
func (Store) Forget(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error {
	q := sqldb.From(t)
	if _, err := q.Exec(ctx, `DELETE FROM oauth_parties WHERE account_id = $1 AND client_id = $2`, string(account), client); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `DELETE FROM oauth_logouts WHERE account_id = $1 AND client_id = $2`, string(account), client)
	return err
}

// Due implements logout.Store.
func (Store) Due(ctx context.Context, t tx.Tx) (bool, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[int64],
		`SELECT next_at FROM oauth_logouts WHERE done_at = 0 AND next_at <= $1 LIMIT 1`, sqldb.Micros(t.Now()))
	return len(found) > 0, err
}

// perClient of a claim's deliveries are to one client: one that does not answer holds up no other. They are
// looked for among the first within that are due.
const perClient, within = 4, 1000

// Claim implements logout.Store.
func (Store) Claim(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]logout.Delivery, error) {
	return sqldb.List(ctx, sqldb.From(t), scanDelivery, `
UPDATE oauth_logouts SET attempts = attempts + 1, next_at = $2
WHERE done_at = 0 AND next_at <= $1 AND (account_id, id) IN (
	SELECT account_id, id FROM (
		SELECT account_id, id, next_at, ROW_NUMBER() OVER (PARTITION BY account_id, client_id ORDER BY next_at, id) AS place
		FROM (SELECT account_id, id, client_id, next_at FROM oauth_logouts WHERE done_at = 0 AND next_at <= $1 ORDER BY next_at, id LIMIT $5) AS due) AS placed
	WHERE place <= $4 ORDER BY next_at, id LIMIT $3)
RETURNING account_id, session_id, root_id, client_id, user_id, id, attempts, created_at`, sqldb.Micros(t.Now()), sqldb.Micros(until), limit, perClient, within)
}

// Settle implements logout.Store.
func (Store) Settle(ctx context.Context, t tx.Tx, d logout.Delivery, next time.Time, problem string) error {
	done := sqldb.Micros(t.Now())
	if !next.IsZero() {
		done = 0
	}
	_, err := sqldb.From(t).Exec(ctx, `UPDATE oauth_logouts SET next_at = $3, done_at = $4, problem = $5 WHERE account_id = $1 AND id = $2 AND done_at = 0`,
		string(d.Account), d.ID, sqldb.Micros(next), done, problem)
	return err
}

// Purge implements logout.Store.
func (Store) Purge(ctx context.Context, t tx.Tx, done, parties time.Time, limit int) (int64, error) {
	q := sqldb.From(t)
	n, err := q.Exec(ctx, `DELETE FROM oauth_logouts WHERE (account_id, id) IN (
	SELECT account_id, id FROM oauth_logouts WHERE done_at > 0 AND done_at < $1 LIMIT $2)`, sqldb.Micros(done), limit)
	if err != nil {
		return n, err
	}
	m, err := q.Exec(ctx, `DELETE FROM oauth_parties WHERE (account_id, id) IN (
	SELECT account_id, id FROM oauth_parties WHERE created_at < $1 LIMIT $2)`, sqldb.Micros(parties), limit)
	return n + m, err
}

func scanParty(r sqldb.Row) (logout.Party, error) {
	var p logout.Party
	err := r.Scan(&p.Account, &p.Session, &p.Root, &p.Client, &p.User)
	return p, err
}

func scanDelivery(r sqldb.Row) (logout.Delivery, error) {
	var d logout.Delivery
	var created int64
	err := r.Scan(&d.Account, &d.Session, &d.Root, &d.Client, &d.User, &d.ID, &d.Attempts, &created)
	d.CreatedAt = sqldb.Time(created)
	return d, err
}

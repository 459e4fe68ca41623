package sessiondb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/seat"
)

// SeatMigrations makes the table of seats. It comes after Migrations.
func SeatMigrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "seat/0001", Tenanted: []string{"session_seats"}, SQL: `
CREATE TABLE session_seats (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, application_id));
CREATE INDEX session_seats_application ON session_seats (account_id, application_id);`}}
}

// Seats implements seat.Store. The zero value is ready.
type Seats struct{}

const oneSeat = ` WHERE account_id = $1 AND user_id = $2 AND application_id = $3`

// Get implements seat.Store.
func (Seats) Get(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, app ident.ApplicationID) (seat.Seat, error) {
	return getSeat(ctx, sqldb.From(t), "", account, user, app)
}

func getSeat(ctx context.Context, q *sqldb.Tx, lock string, account ident.AccountID, user ident.UserID, app ident.ApplicationID) (seat.Seat, error) {
	return sqldb.One(ctx, q, scanSeat, `SELECT account_id, user_id, application_id, root_id, at FROM session_seats`+oneSeat+lock,
		string(account), string(user), string(app))
}

// Claim implements seat.Store. SQLite has one writer, who need not wait for others.
func (Seats) Claim(ctx context.Context, t tx.Tx, s seat.Seat) (ident.SessionID, error) {
	q, lock := sqldb.From(t), ""
	args := []any{string(s.Account), string(s.User), string(s.Application), string(s.Root), sqldb.Micros(s.At)}
	n, err := q.Exec(ctx, `INSERT INTO session_seats (account_id, user_id, application_id, root_id, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, user_id, application_id) DO NOTHING`, args...)
	if err != nil || n == 1 {
		return "", err
	}
	if q.Dialect() == sqldb.Postgres {
		lock = ` FOR UPDATE`
	}
	before, err := getSeat(ctx, q, lock, s.Account, s.User, s.Application)
	if err != nil || before.Root == s.Root {
		return before.Root, err
	}
	_, err = q.Exec(ctx, `UPDATE session_seats SET root_id = $4, at = $5`+oneSeat, args...)
	return before.Root, err
}

// Chain implements seat.Store. Sessions outlive their tokens in the table, see Purge.
func (Seats) Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) ([]ident.SessionID, error) {
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.SessionID],
		`SELECT id FROM sessions WHERE account_id = $1 AND root_id = $2 AND ended_at = 0 AND (replaced_at = 0 OR replaced_at > $3)`,
		string(account), string(root), sqldb.Micros(t.Now().Add(-2*session.MaxTokenLife)))
}

// ForgetUser implements seat.Store.
func (Seats) ForgetUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM session_seats WHERE account_id = $1 AND user_id = $2`, string(account), string(user))
	return err
}

// ForgetApplication implements seat.Store.
func (Seats) ForgetApplication(ctx context.Context, t tx.Tx, account ident.AccountID, app ident.ApplicationID) error {
	_, err := sqldb.From(t).Exec(ctx, `DELETE FROM session_seats WHERE account_id = $1 AND application_id = $2`, string(account), string(app))
	return err
}

func scanSeat(r sqldb.Row) (seat.Seat, error) {
	var s seat.Seat
	var at int64
	err := r.Scan(&s.Account, &s.User, &s.Application, &s.Root, &at)
	s.At = sqldb.Time(at)
	return s, err
}

package mail

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const maxAttempt = 12

// Transport delivers one mail.
type Transport interface {
	Deliver(ctx context.Context, k Kept) error
}

// Sender empties the outbox. A node that dies between delivery and writing it down sends that mail once more.
type Sender struct {
	DB        tx.Runner
	Outbox    *Outbox
	Transport Transport
	Log       *slog.Logger
}

// Worker is what sends.
func (s *Sender) Worker() *outbox.Worker[Kept] {
	return &outbox.Worker[Kept]{
		DB: s.DB, Log: s.Log, Batch: 16, Parallel: 4, Lease: 3 * time.Minute,
		Retry: outbox.Retry{First: 5 * time.Second, Most: time.Hour, Attempts: maxAttempt},
		Due:   due, Claim: s.claim, Try: s.try, Settle: s.settle,
		About:  func(k Kept) (int, []any) { return k.Attempts, []any{"mail", k.ID} },
		Failed: "a mail was not taken",
	}
}

func due(ctx context.Context, t tx.Tx) (bool, error) {
	found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[int64],
		`SELECT next_at FROM mail_outbox WHERE done_at = 0 AND next_at <= $1 LIMIT 1`, sqldb.Micros(t.Now()))
	return len(found) > 0, err
}

func (s *Sender) claim(ctx context.Context, t tx.Tx, until time.Time, limit int) ([]Kept, error) {
	q, now := sqldb.From(t), sqldb.Micros(t.Now())
	if _, err := q.Exec(ctx, `
UPDATE mail_outbox SET done_at = $1, body = '', last_error = 'too late'
WHERE done_at = 0 AND next_at <= $1 AND expires_at > 0 AND expires_at <= $1`, now); err != nil {
		return nil, err
	}
	rows, err := sqldb.List(ctx, q, scan, `
UPDATE mail_outbox SET attempts = attempts + 1, next_at = $2
WHERE done_at = 0 AND next_at <= $1 AND (account_id, id) IN (
	SELECT account_id, id FROM mail_outbox WHERE done_at = 0 AND next_at <= $1 ORDER BY next_at LIMIT $3)
RETURNING account_id, id, recipient, body, created_at, expires_at, attempts, done_at, last_error`,
		now, sqldb.Micros(until), limit)
	if err != nil {
		return nil, err
	}
	var claimed []Kept
	for _, r := range rows {
		k, err := s.Outbox.open(r)
		if err != nil {
			// One damaged row must not hold up the others.
			s.Log.ErrorContext(ctx, "a mail in the outbox cannot be read", "mail", r.ID, "error", err)
			if err := finish(ctx, q, r.Kept, t.Now(), err); err != nil {
				return nil, err
			}
			continue
		}
		claimed = append(claimed, k)
	}
	return claimed, nil
}

func (s *Sender) try(ctx context.Context, k Kept, _ time.Time) error {
	err := s.Transport.Deliver(ctx, k)
	if permanent(err) {
		return outbox.Final(err)
	}
	return err
}

func (s *Sender) settle(ctx context.Context, k Kept, o outbox.Outcome) error {
	return s.DB.Write(ctx, tx.In(k.Account), func(ctx context.Context, t tx.Tx) error {
		q, now := sqldb.From(t), t.Now()
		if o.Over {
			return finish(ctx, q, k, now, o.Problem)
		}
		_, err := q.Exec(ctx, `UPDATE mail_outbox SET next_at = $3, last_error = $4 WHERE account_id = $1 AND id = $2 AND done_at = 0`,
			string(k.Account), k.ID, sqldb.Micros(now.Add(o.Wait)), errorText(o.Problem))
		return err
	})
}

func finish(ctx context.Context, q *sqldb.Tx, k Kept, now time.Time, cause error) error {
	_, err := q.Exec(ctx, `UPDATE mail_outbox SET done_at = $3, body = '', last_error = $4 WHERE account_id = $1 AND id = $2`,
		string(k.Account), k.ID, sqldb.Micros(now), errorText(cause))
	return err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return headerText(strings.ToValidUTF8(err.Error(), "?"))
}

package mail

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	pollEvery  = 500 * time.Millisecond
	batchSize  = 16
	parallel   = 4
	claimFor   = 3 * time.Minute // longer than one delivery may take
	maxAttempt = 12
)

// Transport delivers one mail.
type Transport interface {
	Deliver(ctx context.Context, k Kept) error
}

// Sender empties the outbox. Any number of nodes may run one; a mail is claimed by one at a
// time. A node that dies between delivery and writing it down sends that mail once more.
type Sender struct {
	DB        tx.Runner
	Outbox    *Outbox
	Transport Transport
	Log       *slog.Logger
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for {
			n, err := s.Once(ctx)
			if err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "the outbox cannot be read", "error", err)
			}
			if err != nil || n < batchSize {
				break
			}
		}
	}
}

// Once claims what is due, tries to deliver it and returns how many mails it claimed.
func (s *Sender) Once(ctx context.Context) (int, error) {
	due, err := s.claim(ctx)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, k := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := s.Transport.Deliver(ctx, k)
			if err := s.settle(context.WithoutCancel(ctx), k, err); err != nil {
				s.Log.WarnContext(ctx, "the outcome of a mail cannot be written down", "mail", k.ID, "error", err)
			}
		})
	}
	wg.Wait()
	return len(due), nil
}

func (s *Sender) claim(ctx context.Context) ([]Kept, error) {
	var due []Kept
	any, err := s.anyDue(ctx)
	if err != nil || !any {
		return nil, err
	}
	err = s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		q, now := sqldb.From(t), sqldb.Micros(t.Now())
		if _, err := q.Exec(ctx, `
UPDATE mail_outbox SET done_at = $1, body = '', last_error = 'too late'
WHERE done_at = 0 AND next_at <= $1 AND expires_at > 0 AND expires_at <= $1`, now); err != nil {
			return err
		}
		rows, err := sqldb.List(ctx, q, scan, `
UPDATE mail_outbox SET attempts = attempts + 1, next_at = $2
WHERE done_at = 0 AND next_at <= $1 AND (account_id, id) IN (
	SELECT account_id, id FROM mail_outbox WHERE done_at = 0 AND next_at <= $1 ORDER BY next_at LIMIT $3)
RETURNING account_id, id, recipient, body, created_at, expires_at, attempts, done_at, last_error`,
			now, sqldb.Micros(t.Now().Add(claimFor)), batchSize)
		if err != nil {
			return err
		}
		due = due[:0] // the work may run again
		for _, r := range rows {
			k, err := s.Outbox.open(r)
			if err != nil {
				// One damaged row must not hold up the others.
				s.Log.ErrorContext(ctx, "a mail in the outbox cannot be read", "mail", r.ID, "error", err)
				if err := finish(ctx, q, r.Kept, t.Now(), err); err != nil {
					return err
				}
				continue
			}
			due = append(due, k)
		}
		return nil
	})
	return due, err
}

func finish(ctx context.Context, q *sqldb.Tx, k Kept, now time.Time, cause error) error {
	_, err := q.Exec(ctx, `UPDATE mail_outbox SET done_at = $3, body = '', last_error = $4 WHERE account_id = $1 AND id = $2`,
		string(k.Account), k.ID, sqldb.Micros(now), errorText(cause))
	return err
}

// anyDue looks without taking the writer.
func (s *Sender) anyDue(ctx context.Context) (any bool, err error) {
	err = s.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		found, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[int64],
			`SELECT next_at FROM mail_outbox WHERE done_at = 0 AND next_at <= $1 LIMIT 1`, sqldb.Micros(t.Now()))
		any = len(found) > 0
		return err
	})
	return any, err
}

func (s *Sender) settle(ctx context.Context, k Kept, sendErr error) error {
	if sendErr != nil {
		s.Log.WarnContext(ctx, "a mail was not taken", "mail", k.ID, "attempt", k.Attempts, "error", sendErr)
	}
	return s.DB.Write(ctx, tx.In(k.Account), func(ctx context.Context, t tx.Tx) error {
		q, now := sqldb.From(t), t.Now()
		if sendErr == nil || permanent(sendErr) || k.Attempts >= maxAttempt {
			return finish(ctx, q, k, now, sendErr)
		}
		_, err := q.Exec(ctx, `UPDATE mail_outbox SET next_at = $3, last_error = $4 WHERE account_id = $1 AND id = $2 AND done_at = 0`,
			string(k.Account), k.ID, sqldb.Micros(now.Add(backOff(k.Attempts))), errorText(sendErr))
		return err
	})
}

// backOff is 5 s, 10 s, 20 s and so on, up to an hour.
func backOff(attempts int) time.Duration {
	return min(time.Hour, 5*time.Second<<min(attempts-1, 10))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return headerText(strings.ToValidUTF8(err.Error(), "?"))
}

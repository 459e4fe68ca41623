package accessdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Facts implements access.FactStore.
type Facts struct{}

var _ access.FactStore = Facts{}

// fact is a row of access_records as it is stored.
type fact struct{ account, id, body string }

// factBatch is how many rows go from the reader to the one who understands them at once.
const factBatch = 512

// Each implements access.FactStore. All accounts are read in the order of the file, without an
// index: a million rows in any other order are a million places on the disk.
func (Facts) Each(ctx context.Context, t tx.Tx, account ident.AccountID, fn func(ident.AccountID, *access.Record) error) error {
	const columns = `SELECT account_id, record_id, body FROM access_records WHERE status = 'ACTIVE'`
	if account == "" {
		return facts(ctx, sqldb.From(t), fn, columns)
	}
	return facts(ctx, sqldb.From(t), fn, columns+` AND account_id = $1`, string(account))
}

// Naming implements access.FactStore.
func (Facts) Naming(ctx context.Context, t tx.Tx, account ident.AccountID, who index.Principal, fn func(*access.Record) error) error {
	term := history.UserTerm(who.User)
	if who.Group != "" {
		term = history.GroupTerm(who.Group)
	}
	rows, err := sqldb.From(t).Query(ctx, `
SELECT r.account_id, r.record_id, r.body FROM access_version_keys k
JOIN access_records r ON r.account_id = k.account_id AND r.record_id = k.item_id
WHERE k.account_id = $1 AND k.term = $2 AND k.until = $3 AND k.kind = 'record' AND r.status = 'ACTIVE'
ORDER BY k.item_id`, string(account), term, history.InForce)
	if err != nil {
		return err
	}
	defer rows.Close()
	var f fact
	var g giving
	for rows.Next() {
		if err := rows.Scan(&f.account, &f.id, &f.body); err != nil {
			return err
		}
		if err := g.give(&f, func(_ ident.AccountID, r *access.Record) error { return fn(r) }); err != nil {
			return err
		}
	}
	return rows.Err()
}

// GroupsOf implements access.FactStore.
func (Facts) GroupsOf(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.GroupID, error) {
	return Versions{}.Groups(ctx, t, account, user, history.InForce)
}

// Accounts implements access.FactStore.
func (Facts) Accounts(ctx context.Context, t tx.Tx, most int) (map[ident.AccountID]int, error) {
	out, q := map[ident.AccountID]int{}, sqldb.From(t)
	for last := ""; ; {
		next, err := sqldb.List(ctx, q, sqldb.Scalar[string],
			`SELECT account_id FROM access_records WHERE account_id > $1 ORDER BY account_id LIMIT 1`, last)
		if err != nil || len(next) == 0 {
			return out, err
		}
		last = next[0]
		n, err := sqldb.One(ctx, q, sqldb.Scalar[int],
			`SELECT COUNT(*) FROM (SELECT 1 AS one FROM access_records WHERE account_id = $1 LIMIT $2) AS counted`, last, most)
		if err != nil {
			return nil, err
		}
		out[ident.AccountID(last)] = n
	}
}

// facts reads rows in one goroutine and understands them in another.
func facts(ctx context.Context, t *sqldb.Tx, fn func(ident.AccountID, *access.Record) error, query string, args ...any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := t.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	batches, spent := make(chan []fact, 4), make(chan []fact, 8)
	var failed error
	go func() {
		defer close(batches)
		failed = readFacts(ctx, rows, batches, spent)
	}()
	var g giving
	for batch := range batches {
		for i := range batch {
			if err == nil {
				err = g.give(&batch[i], fn)
			}
		}
		if err != nil {
			cancel() // and wait until the reader has closed its rows
			continue
		}
		select {
		case spent <- batch[:0]:
		default:
		}
	}
	if err == nil {
		err = failed
	}
	return err
}

func readFacts(ctx context.Context, rows sqldb.Rows, batches chan<- []fact, spent <-chan []fact) error {
	defer rows.Close()
	var batch []fact
	send := func() error {
		select {
		case batches <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case batch = <-spent:
		default:
			batch = make([]fact, 0, factBatch)
		}
		return nil
	}
	var f fact
	dest := []any{&f.account, &f.id, &f.body}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		batch = append(batch, f)
		if len(batch) == factBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return send()
}

// give reads the row and hands it to fn.
func (g *giving) give(f *fact, fn func(ident.AccountID, *access.Record) error) error {
	if string(g.account) != f.account {
		g.account = ident.AccountID(strings.Clone(f.account))
	}
	g.out.ID, g.out.Status = ident.RecordID(f.id), access.Active
	if err := g.read(f.body, &g.out); err != nil {
		return fmt.Errorf("access record %s: %w", f.id, err)
	}
	return fn(g.account, &g.out)
}

package accessdb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
)

// fillBatch is how many rows are read before their versions are written.
const fillBatch = 500

// stored is a row of one of the tables whose versions are kept.
type stored struct {
	item
	updated int64
	body    string
}

// fillVersions begins the history: what is in force when the tables are made gets its first version.
// It is so since its last change, but never since later than now.
func fillVersions(ctx context.Context, t *sqldb.Tx) error {
	now := sqldb.Micros(t.Now())
	if _, err := t.Exec(ctx, `INSERT INTO access_history (id, began) VALUES (1, $1)`, now); err != nil {
		return err
	}
	for _, from := range []struct{ kind, query string }{
		{kindRole, `SELECT account_id, role_id, updated_at, body FROM access_roles
WHERE account_id > $1 OR account_id = $1 AND role_id > $2 ORDER BY account_id, role_id LIMIT $3`},
		{kindGroup, `SELECT account_id, group_id, updated_at, body FROM access_groups
WHERE account_id > $1 OR account_id = $1 AND group_id > $2 ORDER BY account_id, group_id LIMIT $3`},
		{kindRecord, `SELECT account_id, record_id, updated_at, body FROM access_records
WHERE (account_id > $1 OR account_id = $1 AND record_id > $2) AND status = 'ACTIVE' ORDER BY account_id, record_id LIMIT $3`},
	} {
		after := item{kind: from.kind}
		for {
			batch, err := sqldb.List(ctx, t, func(r sqldb.Row) (s stored, err error) {
				s.kind = from.kind
				var account string
				err = r.Scan(&account, &s.id, &s.updated, &s.body)
				s.account = ident.AccountID(account)
				return s, err
			}, from.query, string(after.account), after.id, fillBatch)
			if err != nil {
				return err
			}
			for _, s := range batch {
				if err := fillVersion(ctx, t, s, min(s.updated, now)); err != nil {
					return err
				}
			}
			if len(batch) < fillBatch {
				break
			}
			after = batch[len(batch)-1].item
		}
	}
	return nil
}

func fillVersion(ctx context.Context, t *sqldb.Tx, s stored, since int64) error {
	terms, err := termsOf(s.kind, s.id, s.body)
	if err != nil {
		return err
	}
	if err := insertVersion(ctx, t, s.item, since, s.body); err != nil {
		return err
	}
	return startKeys(ctx, t, s.item, terms, since)
}

package accessdb

import (
	"context"
	"fmt"

	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// CheckVersions tells, one line for each kind, which things are otherwise in the history than in force: a
// binary that knows no history has written to the database after one that does. It names the first of each.
func CheckVersions(ctx context.Context, t tx.Tx) (found []string, err error) {
	for _, c := range []struct{ kind, table, id, inForce string }{
		{kindRecord, "access_records", "record_id", " AND h.status = 'ACTIVE'"},
		{kindRole, "access_roles", "role_id", ""},
		{kindGroup, "access_groups", "group_id", ""},
	} {
		type other struct {
			count int64
			first string
		}
		// Either is in force and not so in the history, or is so in the history and not in force.
		o, err := sqldb.One(ctx, sqldb.From(t), func(r sqldb.Row) (o other, err error) {
			err = r.Scan(&o.count, &o.first)
			return o, err
		}, fmt.Sprintf(`SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
SELECT h.account_id AS account, h.%[2]s AS id FROM %[1]s h WHERE NOT EXISTS (SELECT 1 FROM access_versions v
	WHERE v.account_id = h.account_id AND v.kind = $1 AND v.item_id = h.%[2]s AND v.until = $2 AND v.body = h.body)%[3]s
UNION SELECT v.account_id, v.item_id FROM access_versions v WHERE v.kind = $1 AND v.until = $2 AND NOT EXISTS (SELECT 1 FROM %[1]s h
	WHERE h.account_id = v.account_id AND h.%[2]s = v.item_id%[3]s)) AS others`, c.table, c.id, c.inForce), c.kind, int64(history.InForce))
		if err != nil {
			return nil, fmt.Errorf("compare each %s with its history: %w", c.kind, err)
		}
		if o.count > 0 {
			found = append(found, fmt.Sprintf("the history differs from what is in force (%s: %d, such as %s): an older binary wrote to this database after the upgrade; "+
				"explanations, lists of subjects and answers about people who are read by need are wrong for these", c.kind, o.count, o.first))
		}
	}
	return found, nil
}

package accessdb

import (
	"context"
	"fmt"

	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// What is in force and not so in the history, or is so in the history and not in force.
const (
	recordsOtherwise = `SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
SELECT h.account_id AS account, h.record_id AS id FROM access_records h WHERE h.status = 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM access_versions v
	WHERE v.account_id = h.account_id AND v.kind = $1 AND v.item_id = h.record_id AND v.until = $2 AND v.body = h.body)
UNION SELECT v.account_id, v.item_id FROM access_versions v WHERE v.kind = $1 AND v.until = $2 AND NOT EXISTS (SELECT 1 FROM access_records h
	WHERE h.status = 'ACTIVE' AND h.account_id = v.account_id AND h.record_id = v.item_id)) AS others`
	rolesOtherwise = `SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
SELECT h.account_id AS account, h.role_id AS id FROM access_roles h WHERE NOT EXISTS (SELECT 1 FROM access_versions v
	WHERE v.account_id = h.account_id AND v.kind = $1 AND v.item_id = h.role_id AND v.until = $2 AND v.body = h.body)
UNION SELECT v.account_id, v.item_id FROM access_versions v WHERE v.kind = $1 AND v.until = $2 AND NOT EXISTS (SELECT 1 FROM access_roles h
	WHERE h.account_id = v.account_id AND h.role_id = v.item_id)) AS others`
	groupsOtherwise = `SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
SELECT h.account_id AS account, h.group_id AS id FROM access_groups h WHERE NOT EXISTS (SELECT 1 FROM access_versions v
	WHERE v.account_id = h.account_id AND v.kind = $1 AND v.item_id = h.group_id AND v.until = $2 AND v.body = h.body)
UNION SELECT v.account_id, v.item_id FROM access_versions v WHERE v.kind = $1 AND v.until = $2 AND NOT EXISTS (SELECT 1 FROM access_groups h
	WHERE h.account_id = v.account_id AND h.group_id = v.item_id)) AS others`
)

// CheckVersions tells, one line for each kind, which things are otherwise in the history than in force: a
// binary that knows no history has written to the database after one that does. It names the first of each.
func CheckVersions(ctx context.Context, t tx.Tx) (found []string, err error) {
	for _, c := range []struct{ kind, query string }{
		{kindRecord, recordsOtherwise}, {kindRole, rolesOtherwise}, {kindGroup, groupsOtherwise},
	} {
		type other struct {
			count int64
			first string
		}
		o, err := sqldb.One(ctx, sqldb.From(t), func(r sqldb.Row) (o other, err error) {
			err = r.Scan(&o.count, &o.first)
			return o, err
		}, c.query, c.kind, int64(history.InForce))
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

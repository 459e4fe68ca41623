package access_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

// BenchmarkLoad starts with a million grants: ten records with one grant each per person, or one
// record with all ten.
func BenchmarkLoad(b *testing.B) {
	const grants, each = 1_000_000, 10
	databases := map[string]func(testing.TB, []sqldb.Migration, *tx.Bus) (*sqldb.DB, *clock.Fake){"sqlite": sqldbtest.SQLite}
	if os.Getenv(sqldbtest.PostgresEnv) != "" {
		databases["postgres"] = sqldbtest.Postgres
	}
	for name, open := range databases {
		for _, perRecord := range []int{each, 1} {
			b.Run(fmt.Sprintf("%s/%d_per_record", name, perRecord), func(b *testing.B) {
				db, _ := open(b, accessdb.Migrations(), nil)
				fill(b, db, grants, each, perRecord)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				var s *access.Service
				for b.Loop() {
					s = access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Facts: accessdb.Facts{},
						Engine: access.NewEngine(func() bool { return true }, oneClient{}, atBase)})
					if err := db.Read(b.Context(), tx.System().Long(), s.Load); err != nil {
						b.Fatal(err)
					}
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/grants, "B/grant")
				runtime.KeepAlive(s)
			})
		}
	}
}

// fill writes records as the store writes them, many at once.
func fill(b *testing.B, db *sqldb.DB, grants, each, perRecord int) {
	b.Helper()
	n := 0
	for n < grants {
		err := db.Write(b.Context(), tx.System(), func(ctx context.Context, t tx.Tx) error {
			for end := n + 50_000; n < end; n += perRecord {
				resources := make([]string, perRecord)
				for i := range resources {
					resources[i] = fmt.Sprintf(`"accounts/a%d/projects/p%d/docs/d%d"`, (n+i)/1000, (n+i)/50, n+i)
				}
				body := fmt.Sprintf(`{"n":"Documents","u":["user_%d"],"s":[{"r":["Authress:ReadResource"],"o":[%s]}]}`,
					n/each, strings.Join(resources, ","))
				if _, err := sqldb.From(t).Exec(ctx, `
INSERT INTO access_records (account_id, record_id, status, body, search, created_at, updated_at)
VALUES ($1, $2, 'ACTIVE', $3, '', 0, 0)`, string(account), fmt.Sprintf("rec_%020d", n*7919%grants), body); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

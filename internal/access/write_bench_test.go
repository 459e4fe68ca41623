package access_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

// BenchmarkCreateRecord writes durable records with 16 writers on SQLite.
func BenchmarkCreateRecord(b *testing.B) {
	db, clk := sqldbtest.SQLite(b, accessdb.Migrations(), nil)
	r := newRig(b, db, clk)
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := r.CreateRecord(b.Context(), operator, record(ident.RecordID(fmt.Sprint("rec_", i)), access.ReadResource,
				fmt.Sprint("docs/", i), ident.UserID(fmt.Sprint("u", i%50))))
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

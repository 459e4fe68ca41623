// Package sqldbtest owns the databases of the tests: an empty one of each kind, with a
// clock that the test moves.
package sqldbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// PostgresEnv names the environment variable with the postgres:// URL of a server on which
// the tests may make schemas. Where it is not set, only SQLite is tested; `make test` sets it.
const PostgresEnv = "ADMIT_TEST_POSTGRES"

// Start is the time that every test's clock shows first.
var Start = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// Each runs fn on an empty SQLite database and, where there is one, on an empty PostgreSQL schema.
func Each(t *testing.T, migrations []sqldb.Migration, fn func(t *testing.T, db *sqldb.DB, clk *clock.Fake)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		db, clk := SQLite(t, migrations, nil)
		fn(t, db, clk)
	})
	if os.Getenv(PostgresEnv) == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		db, clk := Postgres(t, migrations, nil)
		fn(t, db, clk)
	})
}

// SQLite opens an empty SQLite database that ends with the test. A nil bus means nobody reacts.
func SQLite(t testing.TB, migrations []sqldb.Migration, bus *tx.Bus) (*sqldb.DB, *clock.Fake) {
	t.Helper()
	return open(t, SQLiteURL(t, migrations), migrations, bus)
}

// Postgres opens an empty PostgreSQL schema that ends with the test. It needs PostgresEnv.
func Postgres(t testing.TB, migrations []sqldb.Migration, bus *tx.Bus) (*sqldb.DB, *clock.Fake) {
	t.Helper()
	return open(t, PostgresURL(t), migrations, bus)
}

// PostgresURL makes an empty schema that ends with the test and returns the URL that uses it.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base := os.Getenv(PostgresEnv)
	var suffix [8]byte
	rand.Read(suffix[:])
	schema := "t_" + hex.EncodeToString(suffix[:])
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("pool_max_conns", "8")
	u.RawQuery = q.Encode()
	return u.String()
}

func open(t testing.TB, url string, migrations []sqldb.Migration, bus *tx.Bus) (*sqldb.DB, *clock.Fake) {
	t.Helper()
	if bus == nil {
		bus = &tx.Bus{}
	}
	clk := clock.NewFake(Start)
	db, err := sqldb.Open(context.Background(), sqldb.Options{URL: url, Clock: clk, Bus: bus})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), migrations); err != nil {
		t.Fatal(err)
	}
	return db, clk
}

package sqldbtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// A large schema takes longer to make than many a test takes, so it is made once and copied.
var templates = struct {
	sync.Mutex
	files     map[string][]byte // SQLite databases, by what made their schema
	databases map[string]bool   // names of PostgreSQL databases that are there
}{files: map[string][]byte{}, databases: map[string]bool{}}

// SQLiteURL makes a SQLite database that has a schema and nothing else and ends with the test.
func SQLiteURL(t testing.TB, migrations []sqldb.Migration) string {
	t.Helper()
	templates.Lock()
	defer templates.Unlock()
	key, path := keyOf(migrations), filepath.Join(t.TempDir(), "test.db")
	if file := templates.files[key]; file != nil {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	if err := migrated("sqlite:"+path, migrations); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Fatal("a part of the schema is beside the file")
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	templates.files[key] = file
	return "sqlite:" + path
}

// PostgresCopyURL makes a PostgreSQL database, rather than a schema in one, that has a schema's tables and nothing else
// and ends with the test. It pays for many migrations. It needs PostgresEnv.
func PostgresCopyURL(t testing.TB, migrations []sqldb.Migration) string {
	t.Helper()
	template := "admit_copied_" + keyOf(migrations)[:16]
	if err := provide(template, migrations); err != nil {
		t.Fatal(err)
	}
	var suffix [8]byte
	rand.Read(suffix[:])
	name := "admit_copy_" + hex.EncodeToString(suffix[:])
	if err := onServer("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return databaseURL(name, "8")
}

// provide makes the database that others are copies of, unless this process or another one has.
func provide(template string, migrations []sqldb.Migration) error {
	templates.Lock()
	defer templates.Unlock()
	if templates.databases[template] {
		return nil
	}
	db, err := sql.Open("pgx", os.Getenv(PostgresEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer lock.Close() // and the lock goes with it
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock(4961447)"); err != nil {
		return err
	}
	var there bool
	if err := lock.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", template).Scan(&there); err != nil {
		return err
	}
	if !there {
		making := template + "_making"
		err := errors.Join(onServer("DROP DATABASE IF EXISTS "+making+" WITH (FORCE)"), onServer("CREATE DATABASE "+making))
		if err == nil {
			err = migrated(databaseURL(making, "2"), migrations)
		}
		if err == nil {
			err = onServer("ALTER DATABASE " + making + " RENAME TO " + template)
		}
		if err != nil {
			return err
		}
	}
	templates.databases[template] = true
	return nil
}

func keyOf(migrations []sqldb.Migration) string {
	sum := sha256.New()
	for _, m := range migrations {
		fmt.Fprintf(sum, "%q %q %q %q %q\n", m.ID, m.SQL, m.SQLite, m.Postgres, m.Tenanted)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func migrated(url string, migrations []sqldb.Migration) error {
	db, err := sqldb.Open(context.Background(), sqldb.Options{URL: url, Clock: clock.NewFake(Start), Bus: &tx.Bus{}})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(context.Background(), migrations), db.Close())
}

// onServer says one thing to the server, again while somebody is still leaving the database, or PostgreSQL's own vacuum,
// which nobody may end, is in it.
func onServer(text string) error {
	db, err := sql.Open("pgx", os.Getenv(PostgresEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := db.Exec(text)
		if err == nil || time.Now().After(limit) || !strings.Contains(err.Error(), "42501") && !strings.Contains(err.Error(), "55006") {
			return err
		}
	}
}

func databaseURL(name, connections string) string {
	u, err := url.Parse(os.Getenv(PostgresEnv))
	if err != nil {
		return err.Error()
	}
	q := u.Query()
	q.Set("pool_max_conns", connections)
	u.Path, u.RawQuery = "/"+name, q.Encode()
	return u.String()
}

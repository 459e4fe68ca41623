package process

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// PostgresEnv names the environment variable with the postgres:// URL of a server on which the tests may make databases.
const PostgresEnv = "ADMIT_TEST_POSTGRES"

var databases atomic.Int64

// Database makes a PostgreSQL database that has the schema of the binary under test and nothing else, and that ends
// with the test. It needs PostgresEnv.
func Database(t testing.TB) string {
	t.Helper()
	if _, err := template(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("admit_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := onServer("CREATE DATABASE " + name + " TEMPLATE " + templateName(os.Getpid())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return urlOf(name)
}

func templateName(pid int) string { return fmt.Sprintf("admit_schema_%d", pid) }

// template makes, once, the database that all others of this process are copies of: to migrate each would take longer
// than many a test does.
var template = sync.OnceValues(func() (string, error) {
	if err := dropForgotten(); err != nil {
		return "", err
	}
	name := templateName(os.Getpid())
	if err := onServer("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	binary, err := build()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "admit-schema-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(binary, "migrate")
	cmd.Env = append(withoutTestVariables(os.Environ()), "ADMIT_DATABASE="+urlOf(name), "ADMIT_DATA_DIR="+dir, "ADMIT_MASTER_KEY="+strings.Repeat("A", 43)+"=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("admit migrate: %w\n%s", err, out)
	}
	return name, nil
})

// dropForgotten drops the templates of processes that have ended.
func dropForgotten() error {
	db, err := sql.Open("pgx", os.Getenv(PostgresEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query(`SELECT datname FROM pg_database WHERE datname LIKE 'admit\_schema\_%'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var gone []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimPrefix(name, "admit_schema_"))
		if err == nil && (pid == os.Getpid() || syscall.Kill(pid, 0) != nil) {
			gone = append(gone, name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range gone {
		if err := onServer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			return err
		}
	}
	return nil
}

// onServer says one thing to the server, again while somebody is still leaving a database, or PostgreSQL's own vacuum,
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

func urlOf(name string) string {
	u, err := url.Parse(os.Getenv(PostgresEnv))
	if err != nil {
		return os.Getenv(PostgresEnv)
	}
	u.Path = "/" + name
	return u.String()
}

package attack

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "modernc.org/sqlite"
)

// dump reads everything that the database holds, as text, by table.
func (w *world) dump() map[string][]string {
	w.t.Helper()
	conn := w.connect()
	defer conn.Close()
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
	if strings.HasPrefix(w.database, "sqlite:") {
		tables = `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	all := map[string][]string{}
	for _, table := range w.column(conn, tables) {
		all[table] = w.column(conn, `SELECT * FROM `+table)
	}
	if len(all["audit_entries"]) == 0 {
		w.t.Fatalf("the dump is empty: %v", all)
	}
	return all
}

// rows are what a query finds, as text.
func (w *world) rows(query string) []string {
	w.t.Helper()
	conn := w.connect()
	defer conn.Close()
	return w.column(conn, query)
}

// connect opens the database beside the server.
func (w *world) connect() opened {
	w.t.Helper()
	driver, name := "pgx", w.database
	if path, ok := strings.CutPrefix(w.database, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if driver == "pgx" { // who reads the dump of a database is not stopped by row-level security
		if _, err := conn.ExecContext(context.Background(), `SELECT set_config('admit.account', '*', false)`); err != nil {
			w.t.Fatal(err)
		}
	}
	return opened{conn, db}
}

// opened is one connection, with which its pool ends.
type opened struct {
	*sql.Conn
	pool *sql.DB
}

func (d opened) Close() {
	d.Conn.Close()
	d.pool.Close()
}

// column returns every value of every row as text.
func (w *world) column(conn opened, query string) []string {
	w.t.Helper()
	rows, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	var out []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			w.t.Fatal(err)
		}
		for _, v := range values {
			switch x := (*(v.(*any))).(type) {
			case []byte:
				out = append(out, string(x))
			case nil:
			default:
				out = append(out, fmt.Sprint(x))
			}
		}
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

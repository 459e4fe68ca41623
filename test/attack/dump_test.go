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
	driver, name := "pgx", w.database
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
	if path, ok := strings.CutPrefix(w.database, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?mode=ro"
		tables = `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if driver == "pgx" { // who reads the dump of a database is not stopped by row-level security
		if _, err := conn.ExecContext(context.Background(), `SELECT set_config('admit.account', '*', false)`); err != nil {
			w.t.Fatal(err)
		}
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

// column returns every value of every row as text.
func (w *world) column(conn *sql.Conn, query string) []string {
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

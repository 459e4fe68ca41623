package main

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	_ "modernc.org/sqlite" // the driver that the server uses

	"github.com/admit-id/admit/internal/kit/ident"
)

// A thousand grants are eighty people with ten documents each, and one group of fifty of them with two hundred.
const (
	block       = 1000
	blockPeople = 80
	ownGrants   = 10
	groupGrants = 200
	groupPeople = 50
	inForce     = math.MaxInt64
	account     = ident.DefaultAccount
	role        = "Authress:ReadResource"
	madeAt      = 1_772_000_000_000_000
)

func peopleOf(grants int) int { return grants / block * blockPeople }

func userName(n int) string  { return fmt.Sprintf("usr_%07d", n) }
func groupName(n int) string { return fmt.Sprintf("grp_%06d", n) }

// document is a name with the place that its number has in the order of names.
func document(n int) string {
	return fmt.Sprintf("accounts/a%05d/projects/p%06d/docs/d%08d", n/10_000, n/100, n)
}

// people's documents come first, then those of groups.
func ownDocument(user, i int) int { return user*ownGrants + i }

func groupDocument(grants, group, i int) int {
	return peopleOf(grants)*ownGrants + group*groupGrants + i
}

// item is one record or group.
type item struct {
	kind, id, body string
	who            string // term of whom it names
	first, n       int    // documents
}

func quoted(n int, name func(int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = `"` + name(i) + `"`
	}
	return strings.Join(all, ",")
}

func record(id, who, term, text string, first, n int) item {
	body := fmt.Sprintf(`{"n":"Documents",%s,"s":[{"r":["%s"],"o":[%s]}]}`, text, role,
		quoted(n, func(i int) string { return document(first + i) }))
	return item{"record", id, body, term + who, first, n}
}

// items calls yield for all records and groups, in the order of their documents.
func items(grants int, yield func(item) error) error {
	for u := range peopleOf(grants) {
		if err := yield(record(fmt.Sprintf("rec_u%07d", u), userName(u), "u:", `"u":["`+userName(u)+`"]`, ownDocument(u, 0), ownGrants)); err != nil {
			return err
		}
	}
	for g := range grants / block {
		for half := range 2 {
			r := record(fmt.Sprintf("rec_g%06d_%d", g, half), groupName(g), "g:", `"g":["`+groupName(g)+`"]`,
				groupDocument(grants, g, half*groupGrants/2), groupGrants/2)
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func members(group int) (first int) { return group * blockPeople }

// generate fills the database of a server that is not running.
func generate(ctx context.Context, path string, grants int) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=foreign_keys(0)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, step := range []func(*filler, int) error{fillRecords, fillGroups, fillVersions, fillGroupKeys, fillResourceKeys, fillUserKeys} {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		f := &filler{ctx: ctx, tx: tx}
		if err := step(f, grants); err != nil {
			tx.Rollback()
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	if _, err := db.ExecContext(ctx, "ANALYZE"); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// filler inserts many rows with one statement.
type filler struct {
	ctx  context.Context
	tx   *sql.Tx
	stmt *sql.Stmt
	into string
	args []any
	rows int
}

const rowsAtOnce = 100

func (f *filler) table(into string) { f.into = into }

func (f *filler) add(args ...any) error {
	f.args = append(f.args, args...)
	if f.rows++; f.rows < rowsAtOnce {
		return nil
	}
	if f.stmt == nil {
		one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(args)), ",") + "),"
		var err error
		if f.stmt, err = f.tx.PrepareContext(f.ctx, "INSERT INTO "+f.into+" VALUES "+strings.TrimSuffix(strings.Repeat(one, rowsAtOnce), ",")); err != nil {
			return err
		}
	}
	_, err := f.stmt.ExecContext(f.ctx, f.args...)
	f.args, f.rows = f.args[:0], 0
	return err
}

// end inserts what is left.
func (f *filler) end() error {
	if f.rows == 0 {
		return nil
	}
	width := len(f.args) / f.rows
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", width), ",") + "),"
	_, err := f.tx.ExecContext(f.ctx, "INSERT INTO "+f.into+" VALUES "+strings.TrimSuffix(strings.Repeat(one, f.rows), ","), f.args...)
	return err
}

func fillRecords(f *filler, grants int) error {
	f.table("access_records (account_id, record_id, status, body, search, created_at, updated_at)")
	err := items(grants, func(i item) error {
		return f.add(string(account), i.id, "ACTIVE", i.body, "", madeAt, madeAt)
	})
	if err != nil {
		return err
	}
	return f.end()
}

func groupBody(g int) string {
	return `{"n":"Group","u":[` + quoted(groupPeople, func(i int) string { return userName(members(g) + i) }) + `]}`
}

func fillGroups(f *filler, grants int) error {
	f.table("access_groups (account_id, group_id, body, search, created_at, updated_at)")
	for g := range grants / block {
		if err := f.add(string(account), groupName(g), groupBody(g), "", madeAt, madeAt); err != nil {
			return err
		}
	}
	return f.end()
}

func fillVersions(f *filler, grants int) error {
	f.table("access_versions (account_id, kind, item_id, since, until, body)")
	for g := range grants / block {
		if err := f.add(string(account), "group", groupName(g), madeAt, inForce, groupBody(g)); err != nil {
			return err
		}
	}
	err := items(grants, func(i item) error {
		return f.add(string(account), i.kind, i.id, madeAt, inForce, i.body)
	})
	if err != nil {
		return err
	}
	return f.end()
}

const keyTable = "access_version_keys (account_id, term, until, kind, item_id, since)"

func fillGroupKeys(f *filler, grants int) error {
	f.table(keyTable)
	for g := range grants / block {
		for half := range 2 {
			if err := f.add(string(account), "g:"+groupName(g), inForce, "record", fmt.Sprintf("rec_g%06d_%d", g, half), madeAt); err != nil {
				return err
			}
		}
	}
	return f.end()
}

func fillResourceKeys(f *filler, grants int) error {
	f.table(keyTable)
	err := items(grants, func(i item) error {
		for k := range i.n {
			if err := f.add(string(account), "r:"+document(i.first+k), inForce, "record", i.id, madeAt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.end()
}

func fillUserKeys(f *filler, grants int) error {
	f.table(keyTable)
	for u := range peopleOf(grants) {
		if u%blockPeople < groupPeople {
			if err := f.add(string(account), "u:"+userName(u), inForce, "group", groupName(u/blockPeople), madeAt); err != nil {
				return err
			}
		}
		if err := f.add(string(account), "u:"+userName(u), inForce, "record", fmt.Sprintf("rec_u%07d", u), madeAt); err != nil {
			return err
		}
	}
	return f.end()
}

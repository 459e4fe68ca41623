package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/admit-id/admit/internal/kit/fault"
)

// IsUnique tells whether a statement failed because a unique key is taken. The unit of
// work must end with an error after it; where a conflict is expected, write ON CONFLICT.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// retryable tells whether PostgreSQL undid the work only because of others' work.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// unavailable gives errors of the connection (not of the work) the kind Unavailable.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	// A feature may have wrapped it already, as something that it did not expect.
	if errors.As(err, &f) && f.Kind != fault.Internal {
		return err
	}
	var (
		netErr  net.Error
		connErr *pgconn.ConnectError
		pg      *pgconn.PgError
		lite    *sqlite.Error
		lost    = errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) ||
			errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) // the server went away in the middle of an answer
	)
	switch {
	case errors.As(err, &pg):
		// 53 resources, 57 operator intervention, 25006 read-only, 08 connection.
		lost = pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code[:2] == "08" || pg.Code == "25006" || retryable(err)
	case errors.As(err, &connErr), errors.As(err, &netErr):
		lost = true
	case errors.As(err, &lite):
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			lost = true
		}
	}
	if !lost && !pgconn.SafeToRetry(err) {
		return err
	}
	return fault.New(fault.Unavailable, fault.CodeUnavailable, "The database cannot be reached. Try again in a moment.").With(err)
}

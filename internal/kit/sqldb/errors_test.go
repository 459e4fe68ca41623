package sqldb

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
)

// A database that goes away in the middle of a statement is an outage, not a fault of ours.
func TestLostConnectionsAreUnavailable(t *testing.T) {
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, fmt.Errorf("in: INSERT: %w", io.ErrUnexpectedEOF),
		fault.Wrap("access.CreateRole", io.ErrUnexpectedEOF)} {
		var f *fault.Error
		if err := unavailable(lost); !errors.As(err, &f) || f.Kind != fault.Unavailable {
			t.Errorf("%v: %v", lost, err)
		}
	}
	if refused := fault.New(fault.Conflict, "", "taken").With(io.EOF); fault.KindOf(unavailable(refused)) != fault.Conflict {
		t.Error("a refusal became an outage")
	}
	if err := errors.New("a bug"); unavailable(err) != err {
		t.Error("every error is an outage")
	}
}

// Whoever starts the server with a wrong URL reads one sentence.
func TestConnectErrorsAreOneSentence(t *testing.T) {
	refused := openError(t, "postgres://admit:hunter2@127.0.0.1:1/admit")
	unknown := openError(t, "postgres://admit:hunter2@database.invalid/admit")
	config := &pgconn.Config{Host: "db", Port: 5432, User: "admit", Database: "shop", Password: "hunter2"}
	for want, err := range map[string]error{
		"no PostgreSQL answers at 127.0.0.1:1": refused,
		`the host "database.invalid"`:          unknown,
		`has no database "shop"`:               explain(config, &pgconn.PgError{Code: "3D000", Message: "does not exist"}),
		`does not let "admit" in`:              explain(config, &pgconn.PgError{Code: "28P01", Message: "password authentication failed"}),
		"cannot be reached (b)":                explain(config, errors.New("a:\n\tb")),
	} {
		if text := err.Error(); !strings.Contains(text, want) || strings.ContainsAny(text, "\n\t") || strings.Contains(text, "hunter2") {
			t.Errorf("want %q in: %s", want, text)
		}
	}
}

func openError(t *testing.T, url string) error {
	t.Helper()
	db, err := Open(t.Context(), Options{URL: url, Clock: clock.NewSystem(), Bus: &tx.Bus{}})
	if err == nil {
		db.Close()
		t.Fatal("it opened", url)
	}
	return err
}

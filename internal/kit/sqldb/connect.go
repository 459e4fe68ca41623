package sqldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// explain says in one sentence why PostgreSQL could not be reached at the start, and what to do.
// The driver's own words are several lines, one for each way that it tried.
func explain(c *pgconn.Config, err error) error {
	const correct = "correct ADMIT_DATABASE"
	at := fmt.Sprintf("%s:%d", c.Host, c.Port)
	var (
		pg  *pgconn.PgError
		dns *net.DNSError
	)
	switch {
	case errors.As(err, &pg):
		switch pg.Code {
		case "3D000": // invalid_catalog_name
			return fmt.Errorf("PostgreSQL at %s has no database %q: make it (CREATE DATABASE %s OWNER %s), or %s", at, c.Database, c.Database, c.User, correct)
		case "28P01", "28000": // invalid_password, invalid_authorization_specification
			return fmt.Errorf("PostgreSQL at %s does not let %q in (%s): %s, or make the role", at, c.User, pg.Message, correct)
		}
		return fmt.Errorf("PostgreSQL at %s refuses: %s (SQLSTATE %s)", at, pg.Message, pg.Code)
	case errors.As(err, &dns):
		return fmt.Errorf("the host %q of the database cannot be found: %s, or the machine's name service", c.Host, correct)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no PostgreSQL answers at %s: start it, or %s", at, correct)
	case strings.Contains(err.Error(), "refused TLS"):
		return fmt.Errorf("PostgreSQL at %s does not speak TLS, which sslmode asks for: switch ssl on there, or %s", at, correct)
	case strings.Contains(err.Error(), "tls"):
		return fmt.Errorf("PostgreSQL at %s has a certificate that is not trusted: give its authority as sslrootcert in ADMIT_DATABASE (%s)", at, lastLine(err))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("PostgreSQL at %s does not answer in time: check host, port and firewall, or %s", at, correct)
	}
	return fmt.Errorf("PostgreSQL at %s cannot be reached (%s): %s", at, lastLine(err), correct)
}

func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

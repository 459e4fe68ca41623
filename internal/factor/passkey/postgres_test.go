package passkey_test

import (
	"os"

	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func postgres() bool { return os.Getenv(sqldbtest.PostgresEnv) != "" }

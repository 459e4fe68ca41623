package request_test

import (
	"os"

	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

func sqldbtestMissing() bool { return os.Getenv(sqldbtest.PostgresEnv) == "" }

package main

import (
	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func serve() *cobra.Command {
	return opened(&cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until SIGTERM or SIGINT, then answer what is in flight and stop.

Every flag can also be given as an environment variable, ADMIT_ and the name in capitals, or as a
key of the YAML file that --config names. Secrets have no flag: ADMIT_SMTP_URL, ADMIT_MASTER_KEY,
or the same with the suffix _FILE.`,
		Example: `  admit serve --dev
  ADMIT_MASTER_KEY_FILE=/run/secrets/master admit serve --public-url https://login.example.com --database postgres://admit@db/admit`,
	}, func(c *cobra.Command, a *app.App) error {
		a.HashApart(hashWorkerName)
		return a.Serve(c.Context())
	})
}

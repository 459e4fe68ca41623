package main

import (
	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func migrate() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date; serve does it too",
	}, func(c *cobra.Command, cfg app.Config) error {
		// A master key is made only where there is no database yet, so it comes first.
		if _, err := cfg.Master(); err != nil {
			return err
		}
		return app.Migrate(c.Context(), cfg)
	})
}

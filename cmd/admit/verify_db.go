package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func verifyDB() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "verify-db",
		Short: "Check that what the database holds is whole",
	}, func(c *cobra.Command, cfg app.Config) error {
		problems, err := app.VerifyDB(c.Context(), cfg)
		if err != nil {
			return err
		}
		for _, p := range problems {
			fmt.Fprintln(c.OutOrStdout(), p)
		}
		if len(problems) > 0 {
			return fmt.Errorf("%d problem(s) in the database", len(problems))
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), "ok")
		return err
	})
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func doctor() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "doctor",
		Short: "Check public URL, proxy, cookies, clock, mail and database, and say how to fix what is wrong",
	}, func(c *cobra.Command, cfg app.Config) error {
		wrong := 0
		for _, f := range app.Doctor(c.Context(), cfg) {
			mark := "ok "
			if !f.OK {
				mark = "BAD"
				wrong++
			}
			fmt.Fprintf(c.OutOrStdout(), "%s  %s: %s\n", mark, f.Name, f.Text)
			if !f.OK && f.Fix != "" {
				fmt.Fprintf(c.OutOrStdout(), "     Fix: %s\n", f.Fix)
			}
		}
		if wrong > 0 {
			return fmt.Errorf("%d of the checks failed", wrong)
		}
		return nil
	})
}

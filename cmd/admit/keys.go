package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func keys() *cobra.Command {
	parent := group("keys", "Signing keys")
	var after time.Duration
	rotate := opened(&cobra.Command{
		Use:   "rotate",
		Short: "Publish new signing keys, which take over after a while",
		Long: `Publish new signing keys. They sign after the time that --after gives, which lets everybody who
remembers the published keys hear of them first. Old keys stay published until the last token that
they signed has expired.`,
	}, func(c *cobra.Command, a *app.App) error {
		if after < 0 {
			return fmt.Errorf("--after must not be negative")
		}
		if err := a.RotateKeys(c.Context(), after); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "New signing keys are published, and sign after %s.\n", after)
		return err
	})
	rotate.Flags().DurationVar(&after, "after", time.Hour, "how long the new keys are published before they sign")
	parent.AddCommand(rotate)
	return parent
}

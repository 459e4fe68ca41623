package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func setupLink() *cobra.Command {
	return inAccount(&cobra.Command{
		Use:   "setup-link",
		Short: "Print a new link that makes whoever signs in with it an administrator, once",
	}, func(c *cobra.Command, a *app.App) error {
		link, err := a.SetupLink(c.Context())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), link)
		return err
	})
}

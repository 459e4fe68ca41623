package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func accessKey() *cobra.Command {
	parent := group("access-key", "Access keys of service clients")
	var client string
	var admin bool
	create := inAccount(&cobra.Command{
		Use:     "create --client NAME",
		Short:   "Create an access key and print it alone; it is shown this once only",
		Example: `  KEY=$(admit access-key create --client ci)`,
	}, func(c *cobra.Command, a *app.App) error {
		key, err := a.CreateAccessKey(c.Context(), client, admin)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), key.Reveal())
		return err
	})
	create.Flags().StringVar(&client, "client", "", "name of the service client; it is created when there is none")
	create.Flags().BoolVar(&admin, "admin", false, "make the client an owner of the account")
	create.MarkFlagRequired("client") // fails only for a flag that does not exist
	parent.AddCommand(create)
	return parent
}

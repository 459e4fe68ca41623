package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func account() *cobra.Command {
	parent := group("account", "Accounts of this deployment, each with its own domain, people and permissions")
	parent.AddCommand(accountCreate(), accountList(), accountHost("add-host", "Let an account answer on one more custom domain", (*app.App).AddHost),
		accountHost("remove-host", "Take a custom domain from an account", (*app.App).RemoveHost))
	return parent
}

func accountCreate() *cobra.Command {
	var name, host string
	c := opened(&cobra.Command{
		Use:   "create --name NAME --host HOST",
		Short: "Create an account that answers on a custom domain, and print its id",
		Long: `Create an account that answers on a custom domain, and print its id. The domain is what browsers
send as the Host header: login.example.com, with the port if the address has one.`,
		Example: `  admit account create --name "Harbour" --host login.harbour.example`,
	}, func(c *cobra.Command, a *app.App) error {
		id, err := a.CreateAccount(c.Context(), name, host)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), id)
		return err
	})
	c.Flags().StringVar(&name, "name", "", "what people see on the login box")
	c.Flags().StringVar(&host, "host", "", "custom domain")
	c.MarkFlagRequired("name") // fails only for a flag that does not exist
	c.MarkFlagRequired("host")
	return c
}

func accountList() *cobra.Command {
	return opened(&cobra.Command{
		Use:   "list",
		Short: "List the accounts with the URL that is the issuer of their tokens",
	}, func(c *cobra.Command, a *app.App) error {
		all, err := a.Accounts(c.Context())
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "ID\tNAME\tURL\tDOMAINS")
		for _, l := range all {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", l.ID, l.Name, l.URL, l.Hosts)
		}
		return out.Flush()
	})
}

type hostChange = func(a *app.App, ctx context.Context, host string) error

func accountHost(name, short string, do hostChange) *cobra.Command {
	var host string
	c := inAccount(&cobra.Command{Use: name + " --account ID --host HOST", Short: short}, func(c *cobra.Command, a *app.App) error {
		return do(a, c.Context(), host)
	})
	c.Flags().StringVar(&host, "host", "", "custom domain")
	c.MarkFlagRequired("host")
	c.MarkFlagRequired("account")
	return c
}

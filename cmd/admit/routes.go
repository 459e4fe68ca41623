package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func routes() *cobra.Command {
	var asJSON bool
	c := opened(&cobra.Command{
		Use:   "routes",
		Short: "List every route: method, path, who may call it and what they need",
	}, func(c *cobra.Command, a *app.App) error {
		if asJSON {
			out := json.NewEncoder(c.OutOrStdout())
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			return out.Encode(a.Routes())
		}
		out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "METHOD\tPATH\tCALLER\tPERMISSION\tSCOPE")
		for _, r := range a.Routes() {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", r.Method, r.Path, r.Auth, r.Permission, r.Scope)
		}
		return out.Flush()
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/admit-id/admit/internal/app"
)

// opened makes a command that works on the opened deployment, beside a server that runs or
// without one.
func opened(c *cobra.Command, run func(c *cobra.Command, a *app.App) error) *cobra.Command {
	return configured(c, func(c *cobra.Command, cfg app.Config) error {
		a, err := app.Open(c.Context(), cfg)
		if err != nil {
			return err
		}
		return errors.Join(run(c, a), a.Close())
	})
}

// inAccount makes a command that works on one account of the deployment.
func inAccount(c *cobra.Command, run func(c *cobra.Command, a *app.App) error) *cobra.Command {
	var id string
	c = opened(c, func(c *cobra.Command, a *app.App) error {
		if err := a.Choose(c.Context(), id); err != nil {
			return err
		}
		return run(c, a)
	})
	c.Flags().StringVar(&id, "account", app.DefaultAccount, "account to work on, by its id; admit account list shows them")
	return c
}

// toolSettings are the settings that help shows at commands beside serve: what tells which deployment is meant.
var toolSettings = []string{"config", "data-dir", "database", "public-url"}

// configured makes a command that works with the settings.
func configured(c *cobra.Command, run func(c *cobra.Command, cfg app.Config) error) *cobra.Command {
	app.Flags(c.Flags())
	if c.Name() != "serve" {
		c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(toolSettings, f.Name) })
		c.SetUsageTemplate(c.UsageTemplate() + "\nThe other settings of the server (admit serve --help) are taken too.\n")
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := app.LoadConfig(c.Flags())
		if err != nil {
			return err
		}
		return run(c, cfg)
	}
	if c.Args == nil {
		c.Args = cobra.NoArgs
	}
	return c
}

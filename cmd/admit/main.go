// Command admit is Admit's one binary: the server and its tools. It owns the command line;
// what the commands do is in internal/app.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func main() {
	// The first signal asks for a graceful stop, the second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if c, err := root().ExecuteContextC(ctx); err != nil {
		if !errors.Is(err, errNo) {
			fmt.Fprintln(os.Stderr, "admit:", app.Explain(err))
		}
		os.Exit(status(c, err))
	}
}

func root() *cobra.Command {
	c := group("admit", "Sign people in, and answer what they may do")
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return fmt.Errorf("%w; see: %s --help", err, c.CommandPath()) })
	c.AddCommand(serve(), setupLink(), account(), accessKey(), connections(), clients(), policies(), perform(), why(), test(), imports(), export(), keys(), migrate(), routes(), verifyDB(), doctor(), version(), hashWorker())
	tellUse(c)
	return c
}

// tellUse lets every command answer wrong arguments with the right ones.
func tellUse(c *cobra.Command) {
	for _, sub := range c.Commands() {
		tellUse(sub)
	}
	right := c.Args
	if c.HasSubCommands() || right == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if right(c, args) == nil {
			return nil
		}
		return fmt.Errorf("it is used like this: %s; see: %s --help", c.UseLine(), c.CommandPath())
	}
}

// group makes a command that only holds others.
func group(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, SuggestionsMinimumDistance: 2,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := "see: " + c.CommandPath() + " --help"
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean: " + c.CommandPath() + " " + near[0]
			}
			return fmt.Errorf("unknown command %q; %s", args[0], hint)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
}

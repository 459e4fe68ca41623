package main

import (
	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

const hashWorkerName = "hash-worker"

// hashWorker is what the server starts for itself. Nobody types it.
func hashWorker() *cobra.Command {
	return &cobra.Command{
		Use:    hashWorkerName,
		Short:  "Hash passwords for the server that started this process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return app.HashWorker(c.InOrStdin(), c.OutOrStdout()) },
	}
}

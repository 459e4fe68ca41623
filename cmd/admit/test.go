package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func test() *cobra.Command {
	c := &cobra.Command{
		Use:   "test FILE...",
		Short: "Test a permission model: given roles, groups and records, expected answers",
		Long: `Test a permission model. Each file says which roles, groups and records there are, and which answers
are expected. They are given by the engine of the server; no server and no database is needed.

The exit status is 0 when all answers are as expected, 1 when not, and 2 when a file cannot be read.`,
		Example: `  admit test access-tests.yaml

  # access-tests.yaml
  now: 2026-03-03T12:00:00Z                    # when it is asked; without it, now
  roles:
    editor: [documents:read, documents:update]
  groups:
    grp_support: [sam]
  records:
    - users: [ann]
      statements:
        - {roles: [editor], resources: [accounts/acme]}
    - groups: [grp_support]
      statements:
        - {roles: [editor], resources: [accounts/acme], expiresAt: 2h}
  public: [pages/welcome]
  ask:
    - yes ann documents:update accounts/acme/documents/1
    - no bob documents:read accounts/acme/documents/1
    - yes sam documents:read accounts/acme
    - no sam documents:read accounts/acme at 2026-03-03T14:00:00Z`,
		Args: cobra.MinimumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, files []string) error {
		asked, failed := 0, 0
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			n, failures, err := app.RunTests(c.Context(), data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, f := range failures {
				fmt.Fprintf(c.OutOrStdout(), "%s:%d: %s\n", name, f.Line, strings.ReplaceAll(strings.TrimSpace(f.Text), "\n", "\n    "))
			}
			asked, failed = asked+n, failed+len(failures)
		}
		if failed > 0 {
			fmt.Fprintf(c.OutOrStdout(), "FAIL: %d of %d answers are not as expected\n", failed, asked)
			return errNo
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "ok: %d answers are as expected\n", asked)
		return err
	}
	return asking(c)
}

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
	"github.com/admit-id/admit/internal/app/person"
)

func importPasswords() *cobra.Command {
	var how person.PasswordIntake
	var strict bool
	c := inAccount(&cobra.Command{
		Use:   "passwords FILE",
		Short: "Import the password hashes of another system (JSON lines or CSV)",
		Long: `Import the password hashes of another system.

FILE has JSON lines, {"email": "ann@example.com", "hash": "$2b$12$..."}, or CSV with a first row that
names its columns: email or userId or both, and hash. Whoever has a password keeps it, so an import can be
repeated. A hash is replaced by one of our own when its person first signs in.

The people must be there. With --create those are made who are not, of lines that have "emailVerified": true:
the other system knows that they read their address. Where a line has a userId, too, it is their id.

Taken are bcrypt ($2a$, $2b$, $2y$), argon2id and argon2i, scrypt ($scrypt$, and $firescrypt$ of Firebase),
PBKDF2 with SHA-1, SHA-256 and SHA-512 ($pbkdf2-sha256$ of passlib and as PHC, pbkdf2_sha256$ of Django),
and {SSHA}, {SSHA256} and {SSHA512}. docs/reference/factors.md has the forms and the bounds of the costs.`,
		Example: `  admit import passwords hashes.jsonl --dry-run
  admit import passwords people.jsonl --create`,
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		data, err := os.ReadFile(c.Flags().Arg(0))
		if err != nil {
			return err
		}
		file, err := person.ReadPasswords(data)
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		fmt.Fprintf(out, "%d hashes\n", len(file.Entries))
		for _, name := range slices.Sorted(maps.Keys(file.Algorithms)) {
			fmt.Fprintf(out, "  %d %s\n", file.Algorithms[name], name)
		}
		if n := len(file.Problems); n > 0 {
			fmt.Fprintf(out, "cannot be taken over (%d):\n", n)
			for _, p := range file.Problems {
				fmt.Fprintf(out, "  %s\n", p)
			}
			if strict {
				return errors.New("something could not be taken over, and nothing was written (--strict)")
			}
		}
		report, err := a.ImportPasswords(c.Context(), file, how, progress(c.ErrOrStderr()))
		if err != nil {
			return err
		}
		verb := "done"
		if how.Dry {
			verb = "dry run, nothing was written"
		}
		fmt.Fprintf(out, "%s: %d new, %d people have a password already, %d are not there\n", verb, report.Made, report.Held, report.Unknown)
		if how.Create {
			fmt.Fprintf(out, "%d people are new\n", report.People)
		}
		if len(report.Strangers) > 0 {
			fmt.Fprintln(out, "not there, first of all in the lines:", report.Strangers)
		}
		return nil
	})
	c.Flags().BoolVar(&how.Create, "create", false, "make people who are not there, of lines with emailVerified: true")
	c.Flags().BoolVar(&how.Dry, "dry-run", false, "check the file and the people, and write nothing")
	c.Flags().BoolVar(&strict, "strict", false, "write nothing when something cannot be taken over")
	return c
}

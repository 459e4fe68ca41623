package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func imports() *cobra.Command {
	parent := group("import", "Import permissions or passwords from another system, or an export")
	parent.Long = `Import permissions from another system, or from an export; or passwords.

An import never allows what its source does not: what Admit cannot say exactly is left out and
reported, with its line and the reason. The same file always makes the same roles, groups and
records, so an import can be repeated, and gone on with after it was interrupted. What is there
already under the same name and was not made by an earlier import is not replaced without --replace.`
	parent.AddCommand(
		importer("openfga", 2, &cobra.Command{
			Use:   "openfga MODEL TUPLES",
			Short: "Import an OpenFGA model (JSON or its own language) and its tuples (JSON, YAML or CSV)",
			Long: `Import an OpenFGA model and its tuples, as the fga tool exports them.

A relation R of a type T becomes the role T.R, which allows the permission T:R and those of all
relations that the model computes from it. An object type:id becomes the resource types/id, below
its parent where the model inherits from one: folders/2/documents/1. A userset becomes a group.`,
			Example: `  admit import openfga model.fga tuples.yaml --dry-run`,
		}),
		importer("casbin", 2, &cobra.Command{
			Use:     "casbin MODEL.conf POLICY.csv",
			Short:   "Import a Casbin model with roles (g) and its policy",
			Example: `  admit import casbin rbac_model.conf rbac_policy.csv --dry-run`,
		}),
		importer("csv", 1, &cobra.Command{
			Use:   "csv FILE",
			Short: "Import a table with the columns user, group, role, resource, startsAt, expiresAt",
			Long: `Import a table whose first row names its columns: user, group, role, resource, startsAt, expiresAt.
A row with a role and a resource gives it to the user or the group. A row with a user and a group
alone puts the user into the group. The roles must be there.`,
			Example: `  admit import csv rights.csv --dry-run`,
		}),
		importer("admit", 1, &cobra.Command{
			Use:     "admit FILE",
			Short:   "Import what admit export wrote",
			Example: `  admit export --out permissions.jsonl && admit import admit permissions.jsonl --account acc_other`,
		}),
		importPasswords())
	return parent
}

type importFlags struct {
	label          string
	leaves, strict bool
	options        app.ImportOptions
}

func importer(kind string, files int, c *cobra.Command) *cobra.Command {
	x := importFlags{}
	c.Args = cobra.ExactArgs(files)
	c = inAccount(c, func(c *cobra.Command, a *app.App) error { return x.run(c, a, kind) })
	f := c.Flags()
	f.BoolVar(&x.options.DryRun, "dry-run", false, "print what would be made and what could not be mapped, and write nothing")
	f.BoolVar(&x.options.Replace, "replace", false, "replace what is there already and says something else, or has admins of its own")
	f.BoolVar(&x.strict, "strict", false, "write nothing when something could not be mapped")
	if kind == "admit" {
		x.label = "admit"
		return c
	}
	f.StringVar(&x.label, "label", kind, "name of this source: marks what it made")
	f.BoolVar(&x.options.Prune, "prune", false, "take records out of force that an earlier import with the label made, and this file does not")
	if kind == "casbin" {
		f.BoolVar(&x.leaves, "leaves", false, "nothing lies below the objects that the policy names without a star")
	}
	return c
}

// given reads a file, or standard input for "-".
func given(c *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(c.InOrStdin())
	}
	return os.ReadFile(name)
}

func (x *importFlags) run(c *cobra.Command, a *app.App, kind string) error {
	var files []app.ImportSource
	for _, name := range c.Flags().Args() {
		data, err := given(c, name)
		if err != nil {
			return err
		}
		files = append(files, app.ImportSource{Name: name, Data: data})
	}
	plan, err := app.ReadImport(kind, x.label, x.leaves, files...)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%d roles, %d groups, %d records, %d resources\n", len(plan.Roles), len(plan.Groups), len(plan.Records), len(plan.Resources))
	for _, note := range plan.Notes {
		fmt.Fprintln(out, "note:", note)
	}
	if n := len(plan.Problems); n > 0 {
		fmt.Fprintf(out, "not mapped (%d):\n", n)
		for _, p := range plan.Problems {
			fmt.Fprintf(out, "  %s\n", p)
		}
		if x.strict {
			return errors.New("something could not be mapped, and nothing was written (--strict)")
		}
	}
	x.options.Progress = progress(c.ErrOrStderr())
	result, err := a.Import(c.Context(), &plan, x.options)
	if err != nil {
		return err
	}
	verb := "done"
	if x.options.DryRun {
		verb = "dry run, nothing was written"
	}
	fmt.Fprintf(out, "%s: %d new, %d replaced, %d as they were\n", verb, result.Created, result.Replaced, result.Same)
	switch {
	case result.Stale == 0:
	case x.options.Prune:
		fmt.Fprintf(out, "%d records of an earlier import are not in the source; --prune takes them out of force\n", result.Stale)
	default:
		fmt.Fprintf(out, "%d records of an earlier import are not in the source and stay in force; see --prune\n", result.Stale)
	}
	return nil
}

// progress draws a bar on a terminal, and elsewhere writes a line now and then.
func progress(w io.Writer) func(done, total int) {
	f, ok := w.(*os.File)
	terminal := false
	if ok {
		info, err := f.Stat()
		terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	tenth := 0
	return func(done, total int) {
		const width = 40
		switch {
		case terminal:
			full := width * done / total
			fmt.Fprintf(w, "\r[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
			if done == total {
				fmt.Fprintln(w)
			}
		case 10*done/total > tenth:
			tenth = 10 * done / total
			fmt.Fprintf(w, "%d of %d written\n", done, total)
		}
	}
}

func export() *cobra.Command {
	var file string
	c := inAccount(&cobra.Command{
		Use:   "export",
		Short: "Write all roles, groups, records and resource configurations of an account as JSON lines",
		Long: `Write all roles, groups, access records in force and resource configurations of an account as JSON
lines, which admit import admit reads. The first line names the format; each other one has a kind
(role, group, record, resource) and one member of that name, spelled as in the API. People,
connections, applications, keys and the history are not in it.`,
		Example: `  admit export --out permissions.jsonl
  admit export | admit import admit - --account acc_other`,
	}, func(c *cobra.Command, a *app.App) error {
		if file == "" || file == "-" {
			return a.Export(c.Context(), c.OutOrStdout())
		}
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(a.Export(c.Context(), f), f.Close())
	})
	c.Flags().StringVar(&file, "out", "", "file to write, readable by its owner only; standard output when empty or -")
	return c
}

package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func keys() *cobra.Command {
	parent := group("keys", "Signing keys")
	parent.AddCommand(keysList(), keysRotate(), keysExport(), keysWithdraw())
	return parent
}

func keysList() *cobra.Command {
	var all bool
	c := inAccount(&cobra.Command{
		Use:   "list",
		Short: "List the signing keys of an account, with their algorithms and states",
		Long: `List the signing keys of an account. The states: waiting (published, signs later), signing,
verifying (signs no more; what it signed may still be valid), over, withdrawn. The id of a static
key begins with s-, that of a key which is rotated with d-.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, a *app.App) error {
		list, err := a.SigningKeys(c.Context(), all)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "KEY\tUSE\tALGORITHM\tSTATE\tSIGNS FROM\tUNTIL")
		for _, k := range list {
			until := "-"
			if !k.SignUntil.IsZero() {
				until = k.SignUntil.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.KID, k.Use, k.Algorithm, k.State, k.SignFrom.UTC().Format(time.RFC3339), until)
		}
		return w.Flush()
	})
	c.Flags().BoolVar(&all, "all", false, "keys that are over or withdrawn, too")
	return c
}

func keysRotate() *cobra.Command {
	var after time.Duration
	c := opened(&cobra.Command{
		Use:   "rotate",
		Short: "Publish new signing keys, which take over after a while",
		Long: `Publish new signing keys. They sign after the time that --after gives, which lets everybody who
remembers the published keys hear of them first. Old keys stay published until the last token that
they signed has expired. Static keys stay as they are.`,
	}, func(c *cobra.Command, a *app.App) error {
		if after < 0 {
			return fmt.Errorf("--after must not be negative")
		}
		if err := a.RotateKeys(c.Context(), after); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "New signing keys are published, and sign after %s.\n", after)
		return err
	})
	c.Flags().DurationVar(&after, "after", time.Hour, "how long the new keys are published before they sign")
	return c
}

func keysExport() *cobra.Command {
	var asPEM bool
	var alg string
	c := inAccount(&cobra.Command{
		Use:   "export --pem",
		Short: "Print the public half of an account's static key, for verifiers that cannot fetch a key set",
		Long: `Print the public half of an account's static signing key, and make the key if there is none. It
signs for applications that are set to be signed for by the static key, and is never rotated by
itself: take it out of use with admit keys withdraw, and give verifiers the new one.`,
		Example: `  admit keys export --pem > admit.pem`,
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, a *app.App) error {
		if !asPEM {
			return fmt.Errorf("say in which format: --pem")
		}
		kid, text, err := a.ExportKey(c.Context(), alg)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "The key's id is %s.\n", kid)
		_, err = c.OutOrStdout().Write(text)
		return err
	})
	c.Flags().BoolVar(&asPEM, "pem", false, "as PEM of a SubjectPublicKeyInfo")
	c.Flags().StringVar(&alg, "alg", "EdDSA", "algorithm: EdDSA, ES256, PS256 or RS256")
	return c
}

func keysWithdraw() *cobra.Command {
	return inAccount(&cobra.Command{
		Use:   "withdraw KEY",
		Short: "Take a signing key out of use at once, because others may know it",
		Long: `Take a signing key out of use at once, because others may know its private half. It signs no more and is
published no more, and everything that it has signed is invalid wherever the published keys are
looked at: people sign in again. Another key takes its place. To replace a key that nobody else
knows, use admit keys rotate.`,
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		next, err := a.WithdrawKey(c.Context(), c.Flags().Arg(0))
		if err != nil {
			return err
		}
		text := "The key is withdrawn.\n"
		if next != "" {
			text = fmt.Sprintf("The key is withdrawn. %s takes its place.\n", next)
		}
		_, err = fmt.Fprint(c.OutOrStdout(), text)
		return err
	})
}

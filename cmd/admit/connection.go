package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func connections() *cobra.Command {
	parent := group("connection", "Identity providers that people sign in with")
	parent.AddCommand(connectionAdd(), connectionList(), connectionSwitch("enable", "Let people sign in with a connection", true),
		connectionSwitch("disable", "Stop people from signing in with a connection; con_email is the built-in one", false), connectionRemove())
	return parent
}

func connectionAdd() *cobra.Command {
	var in app.ConnectionInput
	var id, secretFile string
	c := inAccount(&cobra.Command{
		Use:   "add [PROVIDER]",
		Short: "Add a connection and print its id",
		Long: "Add a connection and print its id. PROVIDER is one of " + strings.Join(app.Providers(), ", ") + ".\n" +
			"Leave it out for any other OpenID Connect provider and give --issuer; or give --authorization-url,\n" +
			"--token-url and --userinfo-url for a plain OAuth 2.0 one. The client secret is read from a file, or\n" +
			"from standard input with --client-secret-file -, so that it does not stay in the shell's history.\n" +
			"PROVIDER can also be password, which lets people sign in with a password and needs nothing else.",
		Example: "  admit connection add google --client-id ID --client-secret-file google.secret\n" +
			"  admit connection add --name Acme --issuer https://id.acme.example --client-id admit --client-secret-file - < secret",
		Args: cobra.MaximumNArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		passwords := c.Flags().Arg(0) == "password"
		switch {
		case passwords:
			in.Type = "PASSWORD"
		case in.ClientID == "":
			return errors.New(`required flag(s) "client-id" not set`)
		default:
			in.Provider = c.Flags().Arg(0)
		}
		text, err := readSecret(c.InOrStdin(), secretFile)
		if err != nil {
			return err
		}
		made, err := a.AddConnection(c.Context(), in, id, text)
		if err != nil {
			return err
		}
		if !passwords {
			fmt.Fprintln(c.ErrOrStderr(), "Register this redirect URI at the provider:", a.CallbackURL())
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), made)
		return err
	})
	f := c.Flags()
	f.StringVar(&id, "id", "", "id of the connection; a random one when empty; an id is never used twice")
	f.StringVar(&in.Name, "name", "", "name on the button")
	f.StringVar(&in.ClientID, "client-id", "", "what the provider calls Admit")
	f.StringVar(&secretFile, "client-secret-file", "", "file with the client secret (for Apple the .p8 file), or - for standard input")
	f.StringVar(&in.IssuerURL, "issuer", "", "issuer URL of an OpenID Connect provider")
	f.StringSliceVar(&in.Directories, "directory", nil, "for Microsoft: id of a directory whose people may sign in, or * for all; can be repeated")
	f.StringVar(&in.AuthenticationURL, "authorization-url", "", "authorization endpoint of an OAuth 2.0 provider")
	f.StringVar(&in.TokenURL, "token-url", "", "token endpoint of an OAuth 2.0 provider")
	f.StringVar(&in.UserEndpointURL, "userinfo-url", "", "user-info endpoint of an OAuth 2.0 provider")
	f.StringVar(&in.UserIDExpression, "user-id", "", "what names a person in the provider's answer (default {sub})")
	f.StringVar(&in.Scope, "scope", "", "scopes to ask for, separated by spaces")
	f.StringVar(&in.SecretID, "key-id", "", "for Apple: the key id")
	f.StringVar(&in.DeveloperAccountID, "team-id", "", "for Apple: the team id")
	f.StringSliceVar(&in.EmailDomains, "email-domain", nil, "domain whose addresses this provider may call verified; can be repeated")
	return c
}

// readSecret reads a secret without the line break that editors put at the end.
func readSecret(stdin io.Reader, file string) (string, error) {
	const limit = 16 << 10
	switch file {
	case "":
		return "", nil
	case "-":
	default:
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		stdin = f
	}
	b, err := io.ReadAll(io.LimitReader(stdin, limit))
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", errors.New("the client secret is empty")
	}
	return text, nil
}

func connectionList() *cobra.Command {
	return inAccount(&cobra.Command{Use: "list", Short: "List the connections"}, func(c *cobra.Command, a *app.App) error {
		list, err := a.Connections(c.Context())
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tPROTOCOL\tSTATE\tSERVER")
		for _, l := range list {
			state := "on"
			if !l.Active {
				state = "off"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.Name, l.Protocol, state, l.Server)
		}
		return w.Flush()
	})
}

func connectionSwitch(verb, short string, active bool) *cobra.Command {
	return inAccount(&cobra.Command{Use: verb + " ID", Short: short, Args: cobra.ExactArgs(1)}, func(c *cobra.Command, a *app.App) error {
		return a.SwitchConnection(c.Context(), c.Flags().Arg(0), active)
	})
}

func connectionRemove() *cobra.Command {
	return inAccount(&cobra.Command{
		Use:   "remove ID",
		Short: "Delete a connection for good: its id and its people's links to it never come back",
		Args:  cobra.ExactArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		return a.RemoveConnection(c.Context(), c.Flags().Arg(0))
	})
}

package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
	"github.com/admit-id/admit/internal/app/recipe"
)

func clients() *cobra.Command {
	parent := group("client", "OAuth clients: applications that people sign in to, and programs that get tokens")
	parent.AddCommand(clientAdd(), clientRecipes(), clientList(), clientShow(), clientSecret())
	return parent
}

// addition is what admit client add is told.
type addition struct {
	plain          recipe.Plain
	url            string
	public, secret bool
	post           bool
	keys           string // file with the workload issuer's key set
}

func clientAdd() *cobra.Command {
	var in addition
	c := inAccount(&cobra.Command{
		Use:   "add [RECIPE]",
		Short: "Register a client, by a recipe for a well-known application or by itself",
		Long: `Register a client. With a recipe (admit client recipes lists them) its settings are known, and what
is to be pasted there is printed. Without one, give --name and what it needs. A client secret is
printed this once only.`,
		Example: `  admit client add grafana --url https://grafana.example.com
  admit client add --name Shop --redirect https://shop.example.com/callback --secret
  admit client add --name "Shop on the phone" --redirect com.example.shop:/callback --public
  admit client add --name "Shop CLI" --public --native --redirect http://127.0.0.1/callback --grant code --grant refresh --grant device
  admit client add --name "Nightly job" --secret --grant client-credentials --resource https://api.example.com`,
		Args: cobra.MaximumNArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		if name := c.Flags().Arg(0); name != "" {
			return in.byRecipe(c, a.Clients(), name)
		}
		return in.byItself(c, a.Clients())
	})
	in.flags(c)
	return c
}

func (in *addition) flags(c *cobra.Command) {
	f, p := c.Flags(), &in.plain
	f.StringVar(&in.url, "url", "", "with a recipe: where the application is, such as https://grafana.example.com")
	f.StringVar(&p.ID, "id", "", "client id, app_ and something; a random one when empty; an id is never used twice")
	f.StringVar(&p.Name, "name", "", "what people see")
	f.StringArrayVar(&p.Redirects, "redirect", nil, "where people come back to, byte for byte; can be repeated")
	f.StringArrayVar(&p.Logout, "logout-redirect", nil, "where people may come back to after a logout; can be repeated")
	f.BoolVar(&in.public, "public", false, "it cannot keep a secret: a page, a phone, a command line")
	f.BoolVar(&in.secret, "secret", false, "it proves itself with a secret, sent in the Authorization header")
	f.BoolVar(&in.post, "secret-post", false, "it proves itself with a secret, sent in the form")
	f.BoolVar(&p.Native, "native", false, "a program on a person's machine: the port of a loopback redirect may be any")
	f.BoolVar(&p.Third, "third-party", false, "somebody else's: people are asked for consent, and its tokens do not open Admit's own API")
	f.BoolVar(&p.DPoP, "dpop", false, "its access tokens are always bound to a key (DPoP)")
	f.StringSliceVar(&p.Grants, "grant", nil, "code, refresh, client-credentials, device, exchange or jwt-bearer; can be repeated (default code,refresh)")
	f.StringSliceVar(&p.Scopes, "scope", nil, "scope that it may ask for; can be repeated (default openid,profile,email,offline_access)")
	f.StringArrayVar(&p.Resources, "resource", nil, "API that its access tokens may be for, by its URI; can be repeated")
	f.StringArrayVar(&p.Serves, "introspect", nil, "API that it is: it may introspect and exchange tokens for this URI; can be repeated")
	f.StringVar(&p.Algorithm, "id-token-alg", "", "algorithm of its ID tokens: EdDSA, RS256, ES256 or PS256 (default EdDSA)")
	f.StringVar(&p.Format, "access-token", "", "form of its access tokens: jwt or opaque (default jwt)")
	f.StringVar(&p.WorkloadIssuer, "workload-issuer", "", "it proves itself with the token of a workload, of this issuer")
	f.StringVar(&p.WorkloadSubject, "workload-subject", "", "subject of the workload's token, exactly")
	f.StringVar(&p.WorkloadAudience, "workload-audience", "", "audience of the workload's token (default the account's issuer)")
	f.StringVar(&in.keys, "workload-jwks", "", "file with the key set of the workload's issuer, if Admit cannot fetch it from there")
	c.MarkFlagsMutuallyExclusive("public", "secret", "secret-post", "workload-issuer")
	c.MarkFlagsRequiredTogether("workload-issuer", "workload-subject")
}

func (in *addition) byRecipe(c *cobra.Command, all *recipe.Clients, name string) error {
	for _, flag := range []string{"public", "secret", "secret-post", "native", "grant", "scope", "workload-issuer"} {
		if c.Flags().Changed(flag) {
			return fmt.Errorf("--%s is what the recipe knows; leave it out, or leave out the recipe", flag)
		}
	}
	r, err := recipe.Get(name)
	if err != nil {
		return err
	}
	a, err := r.Registration(in.url)
	if err != nil {
		return err
	}
	made, err := all.Add(c.Context(), in.plain.Onto(a))
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s is registered as %s.\n", r.Name, made.ID)
	if made.Secret != "" {
		fmt.Fprintln(out, "Its secret is in the text below. It is shown this once only; admit client secret makes another.")
	}
	_, err = fmt.Fprintf(out, "\n%s", r.Text(recipe.Values{Issuer: made.Issuer, ClientID: made.ID, Secret: made.Secret, Base: in.url}))
	return err
}

func (in *addition) byItself(c *cobra.Command, all *recipe.Clients) error {
	switch {
	case in.plain.Name == "":
		return errors.New("give the name of a recipe (admit client recipes lists them), or --name for a client of your own")
	case in.url != "":
		return errors.New("--url goes with a recipe; give --redirect")
	case in.secret:
		in.plain.Method = "client_secret_basic"
	case in.post:
		in.plain.Method = "client_secret_post"
	case !in.public && in.plain.WorkloadIssuer == "":
		return errors.New("say how it proves itself: --secret for a server, --public for what runs at people's, --workload-issuer for a workload with an identity of its own")
	}
	if in.keys != "" {
		text, err := readSecret(c.InOrStdin(), in.keys)
		if err != nil {
			return fmt.Errorf("%s: %w", in.keys, err)
		}
		in.plain.WorkloadKeys = []byte(text)
	}
	a, err := in.plain.Registration()
	if err != nil {
		return err
	}
	made, err := all.Add(c.Context(), a)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Issuer:\t%s\nClient id:\t%s\n", made.Issuer, made.ID)
	if made.Secret != "" {
		fmt.Fprintf(w, "Client secret:\t%s\n", made.Secret)
	}
	return w.Flush()
}

func clientRecipes() *cobra.Command {
	c := &cobra.Command{Use: "recipes", Short: "List the applications that are known beforehand", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "RECIPE\tAPPLICATION")
		for _, id := range recipe.Names() {
			r, err := recipe.Get(id)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\n", id, r.Name)
		}
		return w.Flush()
	}
	return c
}

func clientList() *cobra.Command {
	return inAccount(&cobra.Command{Use: "list", Short: "List the clients"}, func(c *cobra.Command, a *app.App) error {
		list, err := a.Clients().List(c.Context())
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "CLIENT ID\tNAME\tPROVES ITSELF BY\tREDIRECTS")
		for _, l := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.ID, l.Name, l.Method, strings.Join(l.Redirects, " "))
		}
		return w.Flush()
	})
}

func clientShow() *cobra.Command {
	return inAccount(&cobra.Command{
		Use: "show CLIENT-ID", Short: "Print what a client is, with every default, as JSON", Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		text, err := a.Clients().Show(c.Context(), c.Flags().Arg(0))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
		return err
	})
}

func clientSecret() *cobra.Command {
	var life time.Duration
	var remove string
	c := inAccount(&cobra.Command{
		Use:   "secret CLIENT-ID",
		Short: "Make another secret for a client and print it alone; it is shown this once only",
		Long: `Make another secret for a client and print it alone. The ones that it has go on working, so that nothing
stands still while you replace it: make one, put it in place, then take the old one away with --remove
and its id, which admit client show tells.`,
		Example: `  admit client secret app_shop > shop.secret
  admit client secret app_shop --remove sec_…`,
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, a *app.App) error {
		id := c.Flags().Arg(0)
		if remove != "" {
			return a.Clients().RemoveSecret(c.Context(), id, remove)
		}
		var until time.Time
		if life != 0 {
			until = a.In(life)
		}
		value, err := a.Clients().Secret(c.Context(), id, until)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), value)
		return err
	})
	c.Flags().DurationVar(&life, "life", 0, "how long it is good, such as 2160h; without it, until it is removed")
	c.Flags().StringVar(&remove, "remove", "", "take away the secret of this id instead")
	c.MarkFlagsMutuallyExclusive("life", "remove")
	return c
}

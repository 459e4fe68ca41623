package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/client/oauth"
)

func performCredentials() *cobra.Command {
	return performing(&cobra.Command{
		Use:   "client-credentials",
		Short: "Get a token for a program itself, without a person",
		Long: `Get a token for a program itself, without a person. It proves itself with a client secret, with a service client's
access key, or with the token that a workload's platform gave it. Secrets are read from files or from
standard input, never from flags, which others on the machine could see.`,
		Example: `  admit perform client-credentials --client app_job --secret-file job.secret --resource https://api.example.com
  admit access-key create --client ci | admit perform client-credentials --access-key-file -
  admit perform client-credentials --client app_job --assertion-file /var/run/secrets/tokens/admit`,
	}, func(c *cobra.Command, p *performance) (oauth.Tokens, error) {
		if p.client.Proof == nil {
			return oauth.Tokens{}, errors.New("the client must prove itself: --secret-file, --access-key-file or --assertion-file")
		}
		return p.client.Credentials(c.Context(), p.wish())
	})
}

func performRefresh() *cobra.Command {
	var file string
	c := performing(&cobra.Command{
		Use:   "refresh --client ID --token-file FILE",
		Short: "Get new tokens for a refresh token",
		Long: `Get new tokens for a refresh token. The file holds the token, or what --out has written. For a public client every
use gives the next refresh token and uses the old one up: keep the new one with --out.`,
		Example: `  admit perform refresh --client app_cli --token-file tokens.json --out tokens.json`,
	}, func(c *cobra.Command, p *performance) (oauth.Tokens, error) {
		token, err := readToken(c, file, func(t oauth.Tokens) string { return t.RefreshToken })
		if err != nil {
			return oauth.Tokens{}, err
		}
		got, err := p.client.Refresh(c.Context(), token, p.wish())
		if err == nil && got.RefreshToken == "" {
			got.RefreshToken = token // it stays the same
		}
		return got, err
	})
	c.Flags().StringVar(&file, "token-file", "", "file with the refresh token, or - for standard input")
	c.MarkFlagRequired("token-file") // fails only for a flag that does not exist
	return c
}

func performExchange() *cobra.Command {
	var file, actor string
	var x oauth.Exchange
	c := performing(&cobra.Command{
		Use:   "exchange --client ID --token-file FILE",
		Short: "Exchange a token for one with less scope, for another API, or by which somebody acts for somebody",
		Long: `Exchange a token for another (RFC 8693): with less scope, for another API, or, with --actor-file, one that says
who acts for its subject. The files hold the tokens, or what --out has written.`,
		Example: `  admit perform exchange --client app_gateway --secret-file gateway.secret --token-file tokens.json --resource https://orders.example.com`,
	}, func(c *cobra.Command, p *performance) (got oauth.Tokens, err error) {
		access := func(t oauth.Tokens) string { return t.AccessToken }
		if x.Subject, err = readToken(c, file, access); err != nil {
			return got, err
		}
		if actor != "" {
			if x.Actor, err = readToken(c, actor, access); err != nil {
				return got, err
			}
		}
		x.Wish = p.wish()
		return p.client.Exchange(c.Context(), x)
	})
	f := c.Flags()
	f.StringVar(&file, "token-file", "", "file with the token, or - for standard input")
	f.StringVar(&x.SubjectType, "token-type", "", "what it is, if no access token: urn:ietf:params:oauth:token-type:…")
	f.StringVar(&actor, "actor-file", "", "file with the token of who acts")
	f.StringArrayVar(&x.Audiences, "audience", nil, "audience of the new token, where the server knows it by a name; can be repeated")
	c.MarkFlagRequired("token-file")
	return c
}

// readToken reads a token from a file that holds it alone, or the answer of a token endpoint.
func readToken(c *cobra.Command, file string, which func(oauth.Tokens) string) (string, error) {
	text, err := readSecret(c.InOrStdin(), file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		return text, nil
	}
	var t oauth.Tokens
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return "", fmt.Errorf("%s: neither a token nor tokens as JSON", file)
	}
	if token := which(t); token != "" {
		return token, nil
	}
	return "", fmt.Errorf("%s has no such token; a refresh token is given for the scope offline_access", file)
}

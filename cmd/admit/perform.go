package main

import (
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/oauth"
	"github.com/admit-id/admit/internal/app"
)

func perform() *cobra.Command {
	parent := group("perform", "Get tokens from a server as any client would, and look at them")
	parent.Long = `Run a grant against a server, as any OAuth client would: over HTTP only, found by discovery. It shows what
comes back, taken apart and verified. The server is this configuration's, or any other with --issuer.`
	parent.AddCommand(performCode(), performDevice(), performCredentials(), performExchange(), performRefresh())
	return parent
}

// performance is what every grant is told.
type performance struct {
	issuer, id                         string
	secretFile, keyFile, assertionFile string
	post                               bool
	scopes, resources                  []string
	bind                               bool
	bindFile                           string
	asJSON, alone                      bool
	save                               string
	client                             *oauth.Client
	key                                crypto.Signer // that tokens are bound to, or nil
}

// performing makes a command that runs a grant.
func performing(c *cobra.Command, run func(c *cobra.Command, p *performance) (oauth.Tokens, error)) *cobra.Command {
	p := &performance{}
	c = configured(c, func(c *cobra.Command, cfg app.Config) error {
		if p.issuer == "" {
			p.issuer = cfg.PublicURL
		}
		if err := p.prepare(c); err != nil {
			return err
		}
		got, err := run(c, p)
		if err != nil {
			return helped(err)
		}
		return p.present(c, got)
	})
	f := c.Flags()
	f.StringVar(&p.issuer, "issuer", "", "server, by its issuer (default the public URL of this configuration)")
	f.StringVar(&p.id, "client", "", "client id")
	f.StringVar(&p.secretFile, "secret-file", "", "file with the client secret, or - for standard input")
	f.BoolVar(&p.post, "secret-post", false, "send the secret in the form instead of the Authorization header")
	f.StringVar(&p.keyFile, "access-key-file", "", "file with a service client's access key, or - for standard input: it signs the proof of who asks")
	f.StringVar(&p.assertionFile, "assertion-file", "", "file with a token that a workload's platform gave, which says who asks (workload identity)")
	f.StringSliceVar(&p.scopes, "scope", nil, "scope to ask for; can be repeated")
	f.StringArrayVar(&p.resources, "resource", nil, "API that the access token is for, by its URI; can be repeated")
	f.BoolVar(&p.bind, "dpop", false, "bind the tokens to a key that is made for this run (DPoP)")
	f.StringVar(&p.bindFile, "dpop-key", "", "bind the tokens to the key in this file; it is made when there is none")
	f.BoolVar(&p.asJSON, "json", false, "print JSON")
	f.BoolVar(&p.alone, "token", false, "print the access token and nothing else")
	f.StringVar(&p.save, "out", "", "write the tokens to this file, which only you can read; --token-file takes it")
	c.MarkFlagsMutuallyExclusive("secret-file", "access-key-file", "assertion-file")
	c.MarkFlagsMutuallyExclusive("json", "token")
	return c
}

// prepare finds the server and makes the client.
func (p *performance) prepare(c *cobra.Command) error {
	h := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}}
	server, err := oauth.Discover(c.Context(), h, p.issuer)
	if err != nil {
		return fmt.Errorf("%w\nIs the server there, and is its issuer exactly %s? Say another with --issuer", err, p.issuer)
	}
	p.client = &oauth.Client{Server: server, ID: p.id, HTTP: h}
	if err := p.prove(c); err != nil {
		return err
	}
	if p.client.ID == "" {
		return errors.New("say which client asks: --client ID; admit client list shows them")
	}
	if p.key, err = p.bindingKey(); err != nil || p.key == nil {
		return err
	}
	h.Transport = &dpop.Transport{Key: p.key, Base: h.Transport}
	return nil
}

// prove finds how the client proves itself.
func (p *performance) prove(c *cobra.Command) error {
	file := p.secretFile + p.keyFile + p.assertionFile // one of them at most
	if file == "" {
		return nil
	}
	text, err := readSecret(c.InOrStdin(), file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case p.keyFile != "":
		key, err := client.ParseAccessKey(text)
		if err != nil {
			return err
		}
		if p.client.ID == "" {
			p.client.ID = key.ClientID()
		}
		p.client.Proof = oauth.Assertion(key.Assertion)
	case p.assertionFile != "":
		p.client.Proof = oauth.Assertion(func(string) (string, error) { return text, nil })
	case p.post:
		p.client.Proof = oauth.Post(text)
	default:
		p.client.Proof = oauth.Basic(text)
	}
	return nil
}

func (p *performance) wish() oauth.Wish { return oauth.Wish{Scopes: p.scopes, Resources: p.resources} }

// advice is what to do about an error of the server.
var advice = map[string]string{
	"invalid_client":          "The client is not known, or it proves itself in another way. admit client show CLIENT-ID tells how; give --secret-file, --access-key-file or --assertion-file, or none for a public client.",
	"unauthorized_client":     "The client does not have this grant. admit client show CLIENT-ID lists grantTypes.",
	"unsupported_grant_type":  "The server does not have this grant.",
	"invalid_scope":           "The client may not ask for one of the scopes. admit client show CLIENT-ID lists them.",
	"invalid_target":          "The client's tokens may not be for one of the resources. admit client show CLIENT-ID lists them.",
	"invalid_dpop_proof":      "The proof was not accepted. Is this machine's clock right, and is it the key that the token is bound to (--dpop-key)?",
	"invalid_grant":           "What was to be exchanged for tokens is used up, expired, taken back, or another client's. Begin again.",
	"access_denied":           "The person, or the server for them, has said no.",
	"expired_token":           "The code has expired. Begin again.",
	"login_required":          "Nobody is signed in, and the server was not to ask. Leave out --prompt none.",
	"consent_required":        "The person has not allowed this client yet. Leave out --prompt none.",
	"temporarily_unavailable": "Try again in a moment.",
}

// printable is text of a server, without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

// helped adds what to do to an error of the server.
func helped(err error) error {
	var said *oauth.Error
	if !errors.As(err, &said) {
		return err
	}
	text := printable(strings.TrimPrefix(err.Error(), "oauth: "))
	if hint := advice[said.Code]; hint != "" {
		text += "\n" + hint
	}
	return fmt.Errorf("the server refuses: %s", text)
}

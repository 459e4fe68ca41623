package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/client/oauth"
)

func performCode() *cobra.Command {
	var port int
	var open bool
	var wait time.Duration
	more := map[string]*string{}
	c := performing(&cobra.Command{
		Use:   "code --client ID",
		Short: "Let a person sign in with a browser on this machine (authorization code with PKCE)",
		Long: `Let a person sign in with a browser on this machine: authorization code with PKCE, state, nonce and issuer
checked. The answer comes to http://127.0.0.1:PORT/callback. Register that for the client: with the
port that --port gives, or, for a native client, http://127.0.0.1/callback once for every port.`,
		Example: `  admit client add --name Try --public --native --redirect http://127.0.0.1/callback --id app_try
  admit perform code --client app_try --open`,
	}, func(c *cobra.Command, p *performance) (oauth.Tokens, error) {
		l, err := oauth.Listen(port)
		if err != nil {
			return oauth.Tokens{}, err
		}
		defer l.Close() // the program ends anyhow
		wish := oauth.AuthorizeWish{Wish: p.wish(), RedirectURI: l.RedirectURI, More: url.Values{}}
		for name, value := range more {
			if *value != "" {
				wish.More.Set(name, *value)
			}
		}
		if p.key != nil {
			if wish.Key, err = dpop.Thumbprint(p.key.Public()); err != nil {
				return oauth.Tokens{}, err
			}
		}
		request, err := p.client.Authorize(wish)
		if err != nil {
			return oauth.Tokens{}, err
		}
		fmt.Fprintf(c.ErrOrStderr(), "Sign in at:\n\n  %s\n\n", request.URL)
		if open {
			openBrowser(c, request.URL)
		}
		ctx, stop := context.WithTimeout(c.Context(), wait)
		defer stop()
		back, err := l.Wait(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return oauth.Tokens{}, fmt.Errorf("nobody came back within %s. If the browser showed an error about the redirect URI, register %s for the client", wait, l.RedirectURI)
		}
		if err != nil {
			return oauth.Tokens{}, err
		}
		return request.Redeem(c.Context(), back)
	})
	f := c.Flags()
	f.IntVar(&port, "port", 0, "port of the listener; any free one when 0")
	f.BoolVar(&open, "open", false, "open the browser, too")
	f.DurationVar(&wait, "wait", 5*time.Minute, "how long to wait for the browser")
	for flag, usage := range map[string]string{
		"prompt": "none, login, consent or select_account", "max-age": "seconds since the person signed in, at most", "acr-values": "how well they must have signed in",
		"login-hint": "address that they will probably use", "claims": "the claims parameter, as JSON",
	} {
		more[parameter(flag)] = f.String(flag, "", usage)
	}
	return c
}

// parameter is the name on the wire of a flag.
func parameter(flag string) string {
	b := []byte(flag)
	for i, c := range b {
		if c == '-' {
			b[i] = '_'
		}
	}
	return string(b)
}

// openBrowser tries; the URL is printed anyhow. A URL of another scheme is not opened.
func openBrowser(c *cobra.Command, at string) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	name, args := "xdg-open", []string{at}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", at}
	}
	if err := exec.CommandContext(c.Context(), name, args...).Start(); err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "The browser does not open by itself (%v): open the URL.\n", err)
	}
}

func performDevice() *cobra.Command {
	var open bool
	c := performing(&cobra.Command{
		Use:   "device --client ID",
		Short: "Let a person confirm a code on another device",
		Long: `Let a person confirm a code on another device, for machines without a browser (RFC 8628). It asks the server for
the answer at the pace that the server wants, until the person has decided or the code expires.`,
		Example: `  admit perform device --client app_cli --scope openid --scope offline_access --out tokens.json`,
	}, func(c *cobra.Command, p *performance) (oauth.Tokens, error) {
		d, err := p.client.Device(c.Context(), p.wish())
		if err != nil {
			return oauth.Tokens{}, err
		}
		out := c.ErrOrStderr()
		fmt.Fprintf(out, "Open\n\n  %s\n\non any device and type the code\n\n  %s\n\n", printable(d.Verification), printable(d.UserCode))
		if d.VerificationURL != "" {
			fmt.Fprintf(out, "or open\n\n  %s\n\nand see that it shows this code.\n\n", printable(d.VerificationURL))
		}
		if open && d.VerificationURL != "" {
			openBrowser(c, d.VerificationURL)
		}
		fmt.Fprintf(out, "Waiting, at most %s.\n", time.Duration(d.ExpiresIn)*time.Second)
		return p.client.Poll(c.Context(), d)
	})
	c.Flags().BoolVar(&open, "open", false, "open the browser on this machine")
	return c
}

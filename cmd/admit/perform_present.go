package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/client/oauth"
)

// shown is a token as it is shown.
type shown struct {
	Format   string          `json:"format"` // jwt or opaque
	Verified bool            `json:"verified"`
	Problem  string          `json:"problem,omitempty"`
	Header   json.RawMessage `json:"header,omitempty"`
	Claims   json.RawMessage `json:"claims,omitempty"`
}

// present shows what came, verified against the server's keys.
func (p *performance) present(c *cobra.Command, got oauth.Tokens) error {
	if p.save != "" {
		text, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			return err
		}
		if err := writePrivate(p.save, append(text, '\n')); err != nil {
			return err
		}
	}
	out := c.OutOrStdout()
	if p.alone {
		_, err := fmt.Fprintln(out, got.AccessToken)
		return err
	}
	keys, err := p.client.Keys(c.Context())
	if err != nil {
		return err
	}
	access := show(keys, got.AccessToken)
	var id *shown
	if got.IDToken != "" {
		s := show(keys, got.IDToken)
		id = &s
	}
	if p.asJSON {
		text, err := json.MarshalIndent(struct {
			Tokens oauth.Tokens `json:"tokens"`
			Access shown        `json:"accessToken"`
			ID     *shown       `json:"idToken,omitempty"`
		}{got, access, id}, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", text)
		return err
	}
	kind := printable(got.TokenType)
	if strings.EqualFold(kind, "DPoP") {
		kind += ", bound to the key"
	}
	access.print(out, fmt.Sprintf("Access token (%s, good for %s", kind, got.Life()))
	if id != nil {
		id.print(out, "ID token (who has signed in, for the client only")
	}
	if got.RefreshToken != "" {
		fmt.Fprint(out, "Refresh token: yes\n")
	}
	if got.Scope != "" {
		fmt.Fprintf(out, "Scope: %s\n", printable(got.Scope))
	}
	if p.save != "" {
		fmt.Fprintf(out, "Written to %s.\n", p.save)
	}
	return nil
}

func show(keys oauth.KeySet, token string) shown {
	j, err := keys.Verify(token)
	if err == nil {
		return shown{Format: "jwt", Verified: true, Header: j.Header, Claims: j.Claims}
	}
	if j, plain := oauth.Decode(token); plain == nil {
		return shown{Format: "jwt", Problem: strings.TrimPrefix(err.Error(), "oauth: "), Header: j.Header, Claims: j.Claims}
	}
	return shown{Format: "opaque"}
}

func (s shown) print(out io.Writer, title string) {
	switch {
	case s.Format == "opaque":
		fmt.Fprintf(out, "%s, opaque: only the server can say what it means)\n\n", title)
		return
	case s.Verified:
		fmt.Fprintf(out, "%s, signature verified)\n", title)
	default:
		fmt.Fprintf(out, "%s)\nNOT VERIFIED: %s\n", title, s.Problem)
	}
	for _, part := range []json.RawMessage{s.Header, s.Claims} {
		var b bytes.Buffer
		if json.Indent(&b, part, "  ", "  ") != nil {
			continue // Decode has read it
		}
		fmt.Fprintf(out, "  %s\n", b.String())
	}
	fmt.Fprintln(out)
}

// writePrivate writes a file that only its owner can read, and replaces one that is there.
func writePrivate(name string, text []byte) error {
	const owner fs.FileMode = 0o600
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, owner)
	if err != nil {
		return err
	}
	if err := f.Chmod(owner); err != nil { // it may have been there, open to others
		return errors.Join(err, f.Close())
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// bindingKey is the key that tokens are bound to: nil, one for this run, or that of a file.
func (p *performance) bindingKey() (crypto.Signer, error) {
	if p.bindFile == "" {
		if !p.bind {
			return nil, nil
		}
		_, key, err := ed25519.GenerateKey(nil)
		return key, err
	}
	text, err := os.ReadFile(p.bindFile)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(p.bindFile)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s holds no private key (PEM, PKCS #8)", p.bindFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s holds a key that cannot be read", p.bindFile)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that does not sign", p.bindFile)
	}
	return signer, nil
}

func makeKey(name string) (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePrivate(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Package mtls owns the certificates of TLS connections: the one that this server shows, read from
// files and again when they change, and those that clients show (RFC 8705), directly or by the word of
// a proxy. It decides nothing about who a client is.
package mtls

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Chain is what a client has shown: its certificate, then those that lead to an authority.
type Chain []*x509.Certificate

// Thumbprint returns the x5t#S256 of a certificate: base64url of the SHA-256 of its DER (RFC 8705
// section 3.1).
func Thumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Verified tells whether one of the authorities vouches for the certificate as a client's, now.
func (c Chain) Verified(authorities *x509.CertPool, now time.Time) bool {
	if len(c) == 0 || authorities == nil {
		return false
	}
	between := x509.NewCertPool()
	for _, one := range c[1:] {
		between.AddCert(one)
	}
	_, err := c[0].Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// Authorities reads a file of PEM certificates.
func Authorities(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, found := x509.NewCertPool(), false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s: a %q among the certificates", path, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		pool.AddCert(cert)
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return pool, nil
}

// Form is how a proxy passes the client's certificate on.
type Form string

// The forms. The header of the form is the proxy's alone: what comes from elsewhere does not count.
const (
	None       Form = ""
	ClientCert Form = "client-cert"       // RFC 9440: Client-Cert, and Client-Cert-Chain
	EscapedPEM Form = "x-ssl-client-cert" // nginx: X-SSL-Client-Cert $ssl_client_escaped_cert
)

// Headers are the names of the headers that carry certificates, whatever the form.
var Headers = []string{"Client-Cert", "Client-Cert-Chain", "X-Ssl-Client-Cert"}

const (
	maxChain = 8        // certificates
	maxText  = 32 << 10 // bytes of a header
)

var (
	errForm  = errors.New("mtls: the header holds no certificate in its form")
	errTwice = errors.New("mtls: the header is there more than once")
)

// From reads the certificate that a trusted proxy passes on. It is empty when there is none.
func (f Form) From(h http.Header) (Chain, error) {
	switch f {
	case ClientCert:
		leaf, err := one(h, "Client-Cert")
		if err != nil || leaf == "" {
			return nil, err
		}
		der, err := binary(leaf)
		if err != nil {
			return nil, err
		}
		chain, err := one(h, "Client-Cert-Chain")
		if err != nil {
			return nil, err
		}
		return parse(der, chain)
	case EscapedPEM:
		text, err := one(h, "X-Ssl-Client-Cert")
		if err != nil || text == "" {
			return nil, err
		}
		return escaped(text)
	}
	return nil, nil
}

func one(h http.Header, name string) (string, error) {
	values := h[name]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", errTwice
	case len(values[0]) > maxText:
		return "", errForm
	}
	return values[0], nil
}

// binary reads a byte sequence of RFC 8941 section 3.3.5: base64 between colons.
func binary(item string) ([]byte, error) {
	item = strings.Trim(item, " ")
	if len(item) < 3 || item[0] != ':' || item[len(item)-1] != ':' || strings.ContainsAny(item, "\r\n") {
		return nil, errForm
	}
	der, err := base64.StdEncoding.Strict().DecodeString(item[1 : len(item)-1])
	if err != nil {
		return nil, errForm
	}
	return der, nil
}

func parse(leaf []byte, chain string) (Chain, error) {
	all := [][]byte{leaf}
	if chain != "" {
		for item := range strings.SplitSeq(chain, ",") {
			der, err := binary(strings.Trim(item, " \t"))
			if err != nil || len(all) == maxChain {
				return nil, errForm
			}
			all = append(all, der)
		}
	}
	out := make(Chain, 0, len(all))
	for _, der := range all {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errForm
		}
		out = append(out, cert)
	}
	return out, nil
}

// escaped reads one percent-encoded PEM certificate, and nothing around it.
func escaped(text string) (Chain, error) {
	plain, err := url.PathUnescape(text) // a plus is a plus
	if err != nil {
		return nil, errForm
	}
	block, rest := pem.Decode([]byte(plain))
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 ||
		!strings.HasPrefix(plain, "-----BEGIN") || strings.TrimSpace(string(rest)) != "" {
		return nil, errForm
	}
	return parse(block.Bytes, "")
}

// Shown is what a client has shown in the TLS handshake itself; net/http and crypto/tls have
// proved that it holds the key.
func Shown(state *tls.ConnectionState) Chain {
	if state == nil || len(state.PeerCertificates) > maxChain {
		return nil
	}
	return state.PeerCertificates
}

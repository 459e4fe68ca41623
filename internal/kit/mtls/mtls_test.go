package mtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

func made(t testing.TB, name string) (cert, key []byte, raw []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), der
}

func TestForms(t *testing.T) {
	text, secret, der := made(t, "one")
	_, _, between := made(t, "two")
	b64 := func(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
	escape := func(s string) string { return url.PathEscape(s) }
	for name, c := range map[string]struct {
		form   Form
		header http.Header
		want   int // certificates; -1 is an error
	}{
		"none":                   {ClientCert, http.Header{}, 0},
		"empty":                  {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {""}}, 0},
		"RFC 9440":               {ClientCert, http.Header{"Client-Cert": {b64(der)}}, 1},
		"RFC 9440 with a chain":  {ClientCert, http.Header{"Client-Cert": {b64(der)}, "Client-Cert-Chain": {b64(between) + ", " + b64(between)}}, 3},
		"chain twice":            {ClientCert, http.Header{"Client-Cert": {b64(der)}, "Client-Cert-Chain": {b64(between), b64(between)}}, -1},
		"chain too long":         {ClientCert, http.Header{"Client-Cert": {b64(der)}, "Client-Cert-Chain": {strings.Repeat(b64(between)+",", 8) + b64(between)}}, -1},
		"chain of garbage":       {ClientCert, http.Header{"Client-Cert": {b64(der)}, "Client-Cert-Chain": {"x"}}, -1},
		"twice":                  {ClientCert, http.Header{"Client-Cert": {b64(der), b64(der)}}, -1},
		"two in one":             {ClientCert, http.Header{"Client-Cert": {b64(der) + ", " + b64(der)}}, -1},
		"parameters":             {ClientCert, http.Header{"Client-Cert": {b64(der) + ";a=1"}}, -1},
		"no colons":              {ClientCert, http.Header{"Client-Cert": {strings.Trim(b64(der), ":")}}, -1},
		"base64url":              {ClientCert, http.Header{"Client-Cert": {":" + base64.RawURLEncoding.EncodeToString(der) + ":"}}, -1},
		"no certificate":         {ClientCert, http.Header{"Client-Cert": {":AAAA:"}}, -1},
		"DER and more":           {ClientCert, http.Header{"Client-Cert": {b64(append(append([]byte(nil), der...), 0))}}, -1},
		"PEM where DER is meant": {ClientCert, http.Header{"Client-Cert": {escape(string(text))}}, -1},
		"too long":               {ClientCert, http.Header{"Client-Cert": {strings.Repeat("A", maxText+1)}}, -1},
		"PEM":                    {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {escape(string(text))}}, 1},
		"PEM with all escaped":   {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")}}, 1},
		"two PEMs":               {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {escape(string(text) + string(text))}}, -1},
		"a key":                  {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {escape(string(secret))}}, -1},
		"text before":            {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {escape("x\n" + string(text))}}, -1},
		"text behind":            {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {escape(string(text) + "x")}}, -1},
		"not escaped":            {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {strings.ReplaceAll(string(text), "\n", "\t")}}, -1},
		"(null)":                 {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {"(null)"}}, -1},
		"a broken escape":        {EscapedPEM, http.Header{"X-Ssl-Client-Cert": {"%zz"}}, -1},
		"nobody's form":          {None, http.Header{"Client-Cert": {b64(der)}}, 0},
	} {
		chain, err := c.form.From(c.header)
		if (err != nil) != (c.want < 0) || c.want >= 0 && len(chain) != c.want || c.want > 0 && chain[0].Subject.CommonName != "one" {
			t.Errorf("%s: %d, %v", name, len(chain), err)
		}
	}
}

func FuzzForms(f *testing.F) {
	text, _, der := made(f, "one")
	f.Add(":" + base64.StdEncoding.EncodeToString(der) + ":")
	f.Add(url.PathEscape(string(text)))
	f.Fuzz(func(t *testing.T, value string) {
		for _, form := range []Form{ClientCert, EscapedPEM} {
			chain, err := form.From(http.Header{"Client-Cert": {value}, "X-Ssl-Client-Cert": {value}})
			if err == nil && value != "" && len(chain) != 1 {
				t.Fatal("neither an error nor one certificate")
			}
		}
	})
}

// The files are read again when they change; a broken pair changes nothing.
func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	write := func(cert, key []byte) {
		t.Helper()
		for name, data := range map[string][]byte{certFile: cert, keyFile: key} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	clk := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if _, err := Open(certFile, keyFile, clk, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no files")
	}
	cert, key, _ := made(t, "one")
	write(cert, key)
	f, err := Open(certFile, keyFile, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		t.Helper()
		pair, err := f.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	second, secondKey, _ := made(t, "another")
	write(second, key) // the certificate is there before its key
	clk.Advance(lookEvery)
	if got := name(); got != "one" {
		t.Errorf("half a change: %s", got)
	}
	write(second, secondKey)
	if got := name(); got != "one" {
		t.Errorf("looked at once: %s", got)
	}
	clk.Advance(lookEvery)
	if got := name(); got != "another" {
		t.Errorf("after a change: %s", got)
	}
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	clk.Advance(lookEvery)
	if got := name(); got != "another" {
		t.Errorf("without a key: %s", got)
	}
}

func TestAuthorities(t *testing.T) {
	cert, key, _ := made(t, "one")
	file := filepath.Join(t.TempDir(), "ca.pem")
	for text, ok := range map[string]bool{string(cert): true, string(cert) + string(cert): true, "": false, "x": false, string(key): false, string(cert) + string(key): false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Authorities(file); (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if _, err := Authorities(file + "x"); err == nil {
		t.Error("no file")
	}
}

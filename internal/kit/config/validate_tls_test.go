package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTLSSettings(t *testing.T) {
	dir := t.TempDir()
	notPEM := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"ADMIT_PUBLIC_URL=https://login.example.com", "ADMIT_DATA_DIR=" + dir}
	files2 := []string{"ADMIT_TLS_CERT=c.pem", "ADMIT_TLS_KEY=k.pem"}
	with := func(parts ...any) (out []string) {
		out = append(out, base...)
		for _, p := range parts {
			switch p := p.(type) {
			case string:
				out = append(out, p)
			case []string:
				out = append(out, p...)
			}
		}
		return out
	}
	for _, c := range []struct {
		name    string
		environ []string
		want    string // part of the problem; empty: none
	}{
		{"TLS", with(files2), ""},
		{"a key is missing", with("ADMIT_TLS_CERT=c.pem"), "tls-cert has no key"},
		{"a certificate is missing", with("ADMIT_TLS_KEY=k.pem"), "tls-key has no certificate"},
		{"http outside", append([]string{"ADMIT_DATA_DIR=" + dir}, files2...), "it is http, but listen speaks TLS"},
		{"a listener that asks", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8443", "ADMIT_MTLS_URL=https://login.example.com:8443"), ""},
		{"a listener without a certificate", with("ADMIT_MTLS_LISTEN=127.0.0.1:8443", "ADMIT_MTLS_URL=https://login.example.com:8443"), "needs a certificate"},
		{"a listener that nobody finds", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8443"), "cannot learn where it is"},
		{"one port for two", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8080", "ADMIT_MTLS_URL=https://login.example.com:8443"), "the same as listen"},
		{"no address", with(files2, "ADMIT_MTLS_LISTEN=8443", "ADMIT_MTLS_URL=https://login.example.com:8443"), "no address with a port"},
		{"a URL that nobody serves", with("ADMIT_MTLS_URL=https://mtls.example.com"), "nothing there could learn"},
		{"a URL with a path", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8443", "ADMIT_MTLS_URL=https://mtls.example.com/x"), "no https URL of host and port"},
		{"a plain URL", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8443", "ADMIT_MTLS_URL=http://mtls.example.com"), "no https URL of host and port"},
		{"the public URL", with(files2, "ADMIT_MTLS_LISTEN=127.0.0.1:8443", "ADMIT_MTLS_URL=https://login.example.com"), "it is the public URL"},
		{"a proxy", with("ADMIT_TRUSTED_PROXIES=10.0.0.2", "ADMIT_CLIENT_CERT_HEADER=client-cert", "ADMIT_MTLS_URL=https://mtls.example.com"), ""},
		{"nginx", with("ADMIT_TRUSTED_PROXIES=10.0.0.2", "ADMIT_CLIENT_CERT_HEADER=x-ssl-client-cert"), ""},
		{"a header from anybody", with("ADMIT_CLIENT_CERT_HEADER=client-cert"), "no proxy is trusted"},
		{"an unknown header", with("ADMIT_TRUSTED_PROXIES=10.0.0.2", "ADMIT_CLIENT_CERT_HEADER=X-Forwarded-Client-Cert"), "no way of passing on"},
		{"no authorities", with("ADMIT_MTLS_CA=" + notPEM), "no certificate in it"},
		{"no file of authorities", with("ADMIT_MTLS_CA=" + notPEM + "x"), "no such file"},
	} {
		_, err := load(nil, c.environ, files(nil))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The address with certificates stands beside the public URL, and with its port beside all accounts'.
func TestMTLSAliases(t *testing.T) {
	port := Config{PublicURL: "https://login.example.com", MTLSURL: "https://login.example.com:8443"}
	name := Config{PublicURL: "https://login.example.com", MTLSURL: "https://mtls.example.com"}
	none := Config{PublicURL: "https://login.example.com"}
	for _, c := range []struct {
		config              Config
		issuer, alias, host string // host: of the alias
	}{
		{port, "https://login.example.com", "https://login.example.com:8443", "login.example.com:8443"},
		{port, "https://id.acme.example", "https://id.acme.example:8443", "id.acme.example:8443"},
		{name, "https://login.example.com", "https://mtls.example.com", "mtls.example.com"},
		{name, "https://id.acme.example", "", "id.acme.example:8443"},
		{none, "https://login.example.com", "", "login.example.com:8443"},
		{port, "", "", "login.example.com:8444"},
	} {
		if got := c.config.MTLSAlias(c.issuer); got != c.alias {
			t.Errorf("%s: %s", c.issuer, got)
		}
		beside, ok := c.config.BesideMTLS(c.host)
		if ok != (c.alias != "") || ok && "https://"+beside != c.issuer {
			t.Errorf("%s: %s, %v", c.host, beside, ok)
		}
	}
}

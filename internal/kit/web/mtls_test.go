package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/mtls"
)

// pair writes a certificate for localhost and its key.
func pair(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	cert, key := certificate(t, "localhost", nil, nil, time.Now().Add(time.Hour))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert.Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// caller is a client with a certificate, or without one, that connects from an address of its own.
func caller(from string, cert *x509.Certificate, key *ecdsa.PrivateKey) *http.Client {
	config := &tls.Config{InsecureSkipVerify: true} // the server's name is not what is tested
	if cert != nil {
		config.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DialContext: dialer.DialContext, DisableKeepAlives: true}, Timeout: 10 * time.Second}
}

// get asks for /x/1 with a token, and returns the status and the name in the certificate that counted.
func get(t *testing.T, c *http.Client, base, token string, h http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", base+"/x/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range h {
		r.Header[name] = values
	}
	r.Host = "a.example"
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header.Get("X-Certificate")
}

func serveWeb(t *testing.T, rt *Router, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(rt, deps().Log)
	s.TLSConfig = config
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, s, rt, l, time.Second) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// Directly: a listener that asks takes any certificate or none, and a token that is bound to one is good
// with exactly that one.
func TestMutualTLSDirect(t *testing.T) {
	certFile, keyFile := pair(t, t.TempDir())
	files, err := mtls.Open(certFile, keyFile, clock.NewSystem(), deps().Log)
	if err != nil {
		t.Fatal(err)
	}
	mine, mineKey := certificate(t, "mine", nil, nil, time.Now().Add(time.Hour))
	other, otherKey := certificate(t, "other", nil, nil, time.Now().Add(time.Hour))
	rt, _ := possessionRouter(t, func(d *Deps) { d.Tokens = bound{"plain": nil, "certified": {X5T: mtls.Thumbprint(mine)}} })
	asking, silent := "https://"+serveWeb(t, rt, files.Config(true)), "https://"+serveWeb(t, rt, files.Config(false))
	forged := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(mine.Raw) + ":"}}
	for _, c := range []struct {
		name, base string
		client     *http.Client
		header     http.Header
		cert       string
		status     int
	}{
		{"with it", asking, caller("127.0.0.1", mine, mineKey), nil, "mine", 200},
		{"with another", asking, caller("127.0.0.1", other, otherKey), nil, "other", 401},
		{"with another and a forged header", asking, caller("127.0.0.1", other, otherKey), forged, "other", 401},
		{"without", asking, caller("127.0.0.1", nil, nil), nil, "", 401},
		{"where nobody asks", silent, caller("127.0.0.1", mine, mineKey), nil, "", 401},
	} {
		if status, cert := get(t, c.client, c.base, "plain", c.header); status != 200 || cert != c.cert {
			t.Errorf("%s: %d, %q", c.name, status, cert)
		}
		if status, _ := get(t, c.client, c.base, "certified", c.header); status != c.status {
			t.Errorf("%s: %d, want %d", c.name, status, c.status)
		}
	}
}

// nginx ends TLS in front of a server, in the form of the guide. Where there is none, a proxy in Go
// passes the same header on.
func nginx(t *testing.T, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile := pair(t, dir)
	program, err := exec.LookPath("nginx")
	if err != nil {
		return "https://" + serveProxy(t, upstream, certFile, keyFile, func(h http.Header, der []byte) {
			h["X-Ssl-Client-Cert"] = []string{url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen %[2]s ssl;
    ssl_certificate %[3]s; ssl_certificate_key %[4]s;
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass http://%[5]s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    }
  }
}`, dir, address, certFile, keyFile, upstream)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 3000 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return "https://" + address
		}
		time.Sleep(20 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(dir, "error.log"))
	t.Fatalf("nginx does not listen: %s", said)
	return ""
}

// serveProxy is a proxy that passes certificates on in a form of its own.
func serveProxy(t *testing.T, upstream, certFile, keyFile string, pass func(h http.Header, der []byte)) string {
	t.Helper()
	files, err := mtls.Open(certFile, keyFile, clock.NewSystem(), deps().Log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: upstream})
		p.Out.Host = p.In.Host
		for _, name := range mtls.Headers {
			p.Out.Header.Del(name)
		}
		if certs := p.In.TLS.PeerCertificates; len(certs) > 0 {
			pass(p.Out.Header, certs[0].Raw)
		}
	}}
	s := &http.Server{Handler: proxy, TLSConfig: files.Config(true), ReadHeaderTimeout: time.Second}
	go s.ServeTLS(l, "", "")
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// Behind a proxy: its word counts, and a client's own header neither through it nor past it.
func TestMutualTLSBehindAProxy(t *testing.T) {
	mine, mineKey := certificate(t, "mine", nil, nil, time.Now().Add(time.Hour))
	other, otherKey := certificate(t, "other", nil, nil, time.Now().Add(time.Hour))
	text := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Raw})))
	forged := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(mine.Raw) + ":"}, "X-Ssl-Client-Cert": {text}}
	for _, form := range []mtls.Form{mtls.EscapedPEM, mtls.ClientCert} {
		rt, _ := possessionRouter(t, func(d *Deps) {
			d.TrustedProxies, d.Certificates = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Certificates{Form: form}
			d.Tokens = bound{"plain": nil, "certified": {X5T: mtls.Thumbprint(mine)}}
		})
		upstream := serveWeb(t, rt, nil)
		var through string
		if form == mtls.EscapedPEM {
			through = nginx(t, upstream)
		} else {
			certFile, keyFile := pair(t, t.TempDir())
			through = "https://" + serveProxy(t, upstream, certFile, keyFile, func(h http.Header, der []byte) {
				h["Client-Cert"] = []string{":" + base64.StdEncoding.EncodeToString(der) + ":"}
			})
		}
		for _, c := range []struct {
			name, base string
			client     *http.Client
			header     http.Header
			cert       string
			status     int
		}{
			{"with it", through, caller("127.0.0.1", mine, mineKey), nil, "mine", 200},
			{"with another", through, caller("127.0.0.1", other, otherKey), nil, "other", 401},
			{"with another and a forged header", through, caller("127.0.0.1", other, otherKey), forged, "other", 401},
			{"without", through, caller("127.0.0.1", nil, nil), nil, "", 401},
			{"without, with a forged header", through, caller("127.0.0.1", nil, nil), forged, "", 401},
			{"past the proxy with a forged header", "http://" + upstream, caller("127.0.0.2", nil, nil), forged, "", 401},
		} {
			if status, cert := get(t, c.client, c.base, "plain", c.header); status != 200 || cert != c.cert {
				t.Errorf("%s, %s: %d, %q", form, c.name, status, cert)
			}
			if status, _ := get(t, c.client, c.base, "certified", c.header); status != c.status {
				t.Errorf("%s, %s: %d, want %d", form, c.name, status, c.status)
			}
		}
	}
}

package attack

import (
	"strings"
	"testing"

	"github.com/admit-id/admit/test/process"
)

func TestTEN03_UnknownHost(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		port := w.Address[strings.LastIndexByte(w.Address, ':'):]
		for _, host := range []string{
			"evil.example", "localhost", "localhost:1", "localhost.:" + port[1:], "LOCALHOST" + port + ".", "localhost" + port + ".evil.example", "127.0.0.2" + port, "2130706433" + port, "0.0.0.0" + port,
			"acc_default", "default", "public", "", "localhost" + port + "," + "evil.example", "[::1]", "*", "localhost%00" + port, "localhost" + port + "@evil.example", "evil.example@localhost" + port,
		} {
			for _, path := range []string{"/v1/roles", "/login", "/.well-known/openid-configuration", "/api/session", "/nothing", "/"} {
				a := w.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + w.key + "\r\nX-Forwarded-Host: " + w.host() + "\r\nForwarded: host=" + w.host() + "\r\nConnection: close\r\n\r\n")
				if a.status != 421 && a.status != 400 && a.status != 404 {
					t.Errorf("host %q, path %s: %d %.100s", host, path, a.status, a.body)
				}
			}
		}
		// Two Host headers, or one that contradicts the request line.
		if a := w.raw("GET /v1/roles HTTP/1.1\r\nHost: " + w.host() + "\r\nHost: evil.example\r\nConnection: close\r\n\r\n"); a.status != 400 {
			t.Errorf("two hosts: %d", a.status)
		}
		if a := w.raw("GET http://evil.example/v1/roles HTTP/1.1\r\nHost: " + w.host() + "\r\nAuthorization: Bearer " + w.key + "\r\nConnection: close\r\n\r\n"); a.status != 421 && a.status != 400 {
			t.Errorf("another host in the request line: %d", a.status)
		}
		// Headers that proxies set are no source of URLs.
		a := w.send("GET", "/.well-known/openid-configuration", "", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "Forwarded", "host=evil.example;proto=https", "X-Original-Url", "/evil", "X-Rewrite-Url", "/evil")
		if a.status != 200 || strings.Contains(a.body, "evil") || !strings.Contains(a.body, `"`+w.URL+`"`) {
			t.Errorf("forwarded host: %d %s", a.status, a.body)
		}
	})
}

func TestADM06_NothingForStrangers(t *testing.T) {
	probes := []string{"/metrics", "/metrics/", "/debug/pprof", "/debug/pprof/", "/debug/vars", "/swagger", "/swagger.json", "/openapi.json", "/graphql", "/.git/config", "/.env", "/actuator", "/actuator/health",
		"/server-status", "/admin", "/v1/../metrics", "/..%2fmetrics", "/%6detrics", "/dev/mailbox", "/try"}
	t.Run("public", func(t *testing.T) {
		each(t, process.Options{Public: "https://login.example.com", NoDev: true}, func(t *testing.T, w *world) {
			for _, path := range probes {
				for _, host := range []string{"login.example.com", "localhost", w.Address, "other.example.com"} {
					a := w.send("GET", path, "", "Host", host, "User-Agent", "kube-probe/1.30")
					if a.status != 404 && a.status != 421 && a.status != 400 {
						t.Errorf("%s on %s: %d %.200s", path, host, a.status, a.body)
					}
				}
			}
			for _, path := range []string{"/healthz", "/healthz?verbose", "/readyz?verbose=1", "/readyz"} {
				if a := w.send("GET", path, "", "Host", "anything.example"); a.status != 200 || len(a.body) > 40 || strings.Contains(a.body, "checks") {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				}
			}
			if a := w.raw("TRACE /healthz HTTP/1.1\r\nHost: login.example.com\r\nX-Secret: canary\r\nConnection: close\r\n\r\n"); a.status < 400 || strings.Contains(a.body, "canary") {
				t.Errorf("TRACE: %d %s", a.status, a.body)
			}
			if a := w.send("GET", "/login", "", "Host", "login.example.com"); !strings.HasPrefix(a.header.Get("Strict-Transport-Security"), "max-age=") {
				t.Errorf("no Strict-Transport-Security: %v", a.header)
			}
		})
	})
	t.Run("development", func(t *testing.T) {
		each(t, process.Options{}, func(t *testing.T, w *world) {
			if a := w.send("GET", "/metrics", ""); a.status != 200 || !strings.Contains(a.body, "admit_http_requests_total") {
				t.Errorf("/metrics on this machine: %d", a.status)
			}
			for _, header := range [][]string{{"X-Forwarded-For", "203.0.113.1"}, {"Forwarded", "for=203.0.113.1"}, {"X-Real-Ip", "203.0.113.1"}, {"Via", "1.1 proxy"}, {"Host", "rebound.example"}} {
				for _, path := range []string{"/metrics", "/dev/mailbox"} {
					if a := w.send("GET", path, "", header...); a.status != 404 && a.status != 421 {
						t.Errorf("%s with %v: %d", path, header, a.status)
					}
				}
			}
		})
	})
}

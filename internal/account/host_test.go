package account

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestPublicURL(t *testing.T) {
	for raw, hosts := range map[string][]string{
		"http://localhost:8080":          {"localhost:8080", "127.0.0.1:8080", "[::1]:8080"},
		"http://127.0.0.1":               {"localhost", "127.0.0.1", "[::1]"},
		"http://[::1]:9":                 {"localhost:9", "127.0.0.1:9", "[::1]:9"},
		"https://localhost:8443":         {"localhost:8443", "127.0.0.1:8443", "[::1]:8443"},
		"https://login.example.com":      {"login.example.com"},
		"https://login.example.com:8443": {"login.example.com:8443"},
		"https://xn--mnchen-3ya.example": {"xn--mnchen-3ya.example"},
		"https://10.0.0.1":               {"10.0.0.1"},
		"https://login":                  {"login"},
	} {
		p, err := ParsePublicURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if p.String() != raw || !slices.Equal(p.Hosts(), hosts) {
			t.Errorf("%s: %s %v", raw, p, p.Hosts())
		}
	}
	for _, raw := range []string{
		"", "login.example.com", "https://", "https://login.example.com/", "https://login.example.com/x", "https://login.example.com?x", "https://login.example.com#x",
		"HTTPS://login.example.com", "https://Login.example.com", "https://login.example.com.", "https://login.example.com:443", "http://localhost:80",
		"http://login.example.com", "http://localhost.example.com", "https://user@login.example.com", "https://münchen.example", "ftp://login.example.com",
		"https://login.example.com:", "https://login.example.com:0", "https://login.example.com:08443", "https://login.example.com:99999", "https://a..b", "https://-a.b",
		"https://[::01]", "https://1.2", "https://0x7f.1", "http://127.0.0.2", "https://a b.example", "https://xn--a.example",
	} {
		if p, err := ParsePublicURL(raw); err == nil {
			t.Errorf("%q is read as %s", raw, p)
		}
	}
}

func TestLoopbackTwin(t *testing.T) {
	for in, want := range map[string]string{
		"http://localhost:8080": "http://127.0.0.1:8080", "http://127.0.0.1:8080": "http://localhost:8080", "http://[::1]:8080": "http://localhost:8080",
		"https://login.example.com": "", "http://localhost:8080/": "", "": "",
	} {
		if got, ok := LoopbackTwin(in); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
}

func TestCustomDomains(t *testing.T) {
	for _, h := range []string{"login.example.com", "a.b", "xn--mnchen-3ya.example", "login.example.com:8443", "l-1.example.com", "b.localhost:8080"} {
		if err := ParseHost(h); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	for _, h := range []string{
		"", "localhost", "login", "LOGIN.example.com", "login.example.com.", ".example.com", "a..b", "login.example.com:443", "login.example.com:", "login.example.com:0",
		"login.example.com:65536", "127.0.0.1", "[::1]", "[::1]:1", "1.2.3", "münchen.example", "xn--a.example", "xn--mnchen-3YA.example", "*.example.com",
		"login.example.com/x", "a b.c", "a_b.example", "user@a.b", "a.b\x00", "a.b%00", strings.Repeat("a.", 130) + "a",
	} {
		if ParseHost(h) == nil {
			t.Errorf("%q is accepted", h)
		}
	}
}

// FuzzHost holds that an accepted host means the same to the standard library and is its own only spelling.
func FuzzHost(f *testing.F) {
	for _, h := range []string{"login.example.com", "a.b:1", "xn--mnchen-3ya.example", "LOGIN.example.com", "a.b.", "[::1]:1", "1.2.3.4", "a@b.c"} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, h string) {
		if ParseHost(h) != nil {
			return
		}
		u, err := url.Parse("https://" + h + "/x")
		if err != nil || u.Host != h || u.User != nil || u.Path != "/x" {
			t.Fatalf("%q is accepted and read as %+v (%v)", h, u, err)
		}
		if strings.ToLower(h) != h || strings.HasSuffix(u.Hostname(), ".") {
			t.Fatalf("%q has another spelling", h)
		}
		if p, err := ParsePublicURL("https://" + h); err != nil || p.String() != "https://"+h {
			t.Fatalf("%q: %v", h, err)
		}
	})
}

func TestValidate(t *testing.T) {
	good := Account{ID: "acc_default", Name: "Acme", LogoURL: "/assets/logo.svg", AccentColor: "#0a7cff", Settings: DefaultSettings()}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Account){
		"id with a dot": func(a *Account) { a.ID = "acc_a.b" }, "no name": func(a *Account) { a.Name = "" }, "name": func(a *Account) { a.Name = "a\x00b" },
		"bidi name": func(a *Account) { a.Name = "a\u202eb" }, "long name": func(a *Account) { a.Name = strings.Repeat("x", 129) },
		"logo script": func(a *Account) { a.LogoURL = "javascript:alert(1)" }, "logo http": func(a *Account) { a.LogoURL = "http://a.b/c" },
		"logo other host": func(a *Account) { a.LogoURL = "//evil.example/c" }, "logo up": func(a *Account) { a.LogoURL = "/a/../b" },
		"logo quote": func(a *Account) { a.LogoURL = "https://a.b/c\"onload=" }, "logo css": func(a *Account) { a.LogoURL = "https://a.b/c)" },
		"colour": func(a *Account) { a.AccentColor = "red" }, "colour css": func(a *Account) { a.AccentColor = "#fff;x:url(y)" }, "colour case": func(a *Account) { a.AccentColor = "#FFFFFF" },
		"short tokens": func(a *Account) { a.Settings.AccessTokenDuration = MinDuration - 1 }, "long tokens": func(a *Account) { a.Settings.AccessTokenDuration = MaxAccessTokenDuration + 1 },
		"zero tokens": func(a *Account) { a.Settings.AccessTokenDuration = 0 }, "idle": func(a *Account) { a.Settings.SessionIdle = 0 },
		"absolute below idle": func(a *Account) { a.Settings.SessionAbsolute = a.Settings.SessionIdle - 1 }, "absolute": func(a *Account) { a.Settings.SessionAbsolute = MaxSession + 1 },
		"locale": func(a *Account) { a.Settings.Locale = "../en" }, "no locale": func(a *Account) { a.Settings.Locale = "" },
	} {
		a := good
		change(&a)
		if a.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

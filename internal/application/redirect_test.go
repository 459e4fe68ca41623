package application

import (
	"net/url"
	"strings"
	"testing"
)

func app(mode Mode, urls ...string) Application {
	return Application{ID: "app_x", Name: "x", RedirectMode: mode, RedirectURLs: urls, Active: true}.normal()
}

// The classes of hostile redirect URLs that RED-06, RED-12 and CVE-2024-8883, CVE-2026-7504,
// CVE-2026-3872, CVE-2020-15233 and their kin are drawn from.
var hostile = []string{
	"https://app.example.evil.example/cb", "https://evilapp.example/cb", "https://sub.app.example/cb",
	"https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example:/cb", "https://app.example./cb",
	"https://APP.example/cb", "HTTPS://app.example/cb", "http://app.example/cb", "//app.example/cb", "/cb", "",
	"https:app.example/cb", "https:/app.example/cb", "https:///app.example/cb", "https:\\\\app.example/cb",
	"https://app.example\\@evil.example/cb", "https://app.example@evil.example/cb", "https://evil.example@app.example/cb",
	"https://user:pass@app.example/cb", "https://a@b@app.example/cb", "https://@app.example/cb",
	"https://evil.example\\.app.example/cb", "https://evil.example#@app.example/cb", "https://app.example#/cb",
	"https://app.example/cb#", "https://app.example/cb#fragment", "https://app.example%2eevil.example/cb",
	"https://app.example%00.evil.example/cb", "https://app.example\x00.evil.example/cb", "https://app.example /cb",
	" https://app.example/cb", "https://app.example/cb ", "https://app.example/cb\n", "https://app.example/\tcb",
	"https://app.example/\r\nSet-Cookie:a=b", "https://app。example/cb", "https://app.examp\u217ce/cb",
	"https://app.example;.evil.example/cb", "https://app.example,evil.example/cb", "https://[app.example]/cb",
	"javascript:alert(1)//https://app.example/cb", "JavaScript://app.example/%0aalert(1)", "data:text/html,x",
	"file:///etc/passwd", "blob:https://app.example/x", "view-source:https://app.example/cb", "ftp://app.example/cb",
	"https://app.example/%zz", "https://app.example|evil.example/cb", "https://app.example/cb\"", "https://app.example/<script>",
	"https://evil.example/https://app.example/cb", "https://evil.example?https://app.example/cb",
	"https://127.0.0.1/cb", "https://localhost/cb", "https://*.example/cb", "https://app.example\uff0fevil/cb",
	"https://xn--app-.example.evil.example/cb", "https://app.example:0443/cb", "https://app.example:99999/cb", "https://app.example:+443/cb",
}

func TestHostileRedirectsAreRefused(t *testing.T) {
	for _, mode := range []Mode{Exact, Origin} {
		a := app(mode, "https://app.example/cb")
		for _, raw := range hostile {
			if a.AllowsRedirect(raw) {
				t.Errorf("%s: %q is allowed", mode, raw)
			}
		}
	}
}

func TestLoopbackRedirectsAreLiteral(t *testing.T) {
	a := app(Origin, "http://127.0.0.1:3000/cb", "http://[::1]:3000/cb")
	for _, raw := range []string{"http://127.0.0.1:3000/other?x=1", "http://[::1]:3000/"} {
		if !a.AllowsRedirect(raw) {
			t.Errorf("%q is refused", raw)
		}
	}
	for _, raw := range []string{
		"http://localhost:3000/cb", "http://127.0.0.1.evil.example:3000/cb", "http://127.0.0.1:3000@evil.example/cb",
		"http://127.1:3000/cb", "http://0x7f000001:3000/cb", "http://2130706433:3000/cb", "http://0177.0.0.1:3000/cb",
		"http://127.0.0.1:99999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1/cb", "https://127.0.0.1:3000/cb",
		"http://[::0001]:3000/cb", "http://[0:0:0:0:0:0:0:1]:3000/", "http://[::1%25lo]:3000/", "http://[::ffff:127.0.0.1]:3000/", "http://::1:3000/",
		"http://127.0.0.1:3001/cb", "http://127.0.0.1:03000/cb",
	} {
		if a.AllowsRedirect(raw) {
			t.Errorf("%q is allowed", raw)
		}
	}
}

func TestModes(t *testing.T) {
	const registered = "https://app.example/cb?tenant=1"
	free := []string{"https://app.example/", "https://app.example", "https://app.example?x=1", "https://app.example/a/b?c=d&e=%2F", "https://app.example/cb"}
	exact, origin := app(Exact, registered), app(Origin, registered)
	if !exact.AllowsRedirect(registered) || !origin.AllowsRedirect(registered) {
		t.Fatal("the registered URL is refused")
	}
	for _, raw := range free {
		if exact.AllowsRedirect(raw) {
			t.Errorf("exact allows %q", raw)
		}
		if !origin.AllowsRedirect(raw) {
			t.Errorf("origin refuses %q", raw)
		}
	}
	origin.Active = false
	if origin.AllowsRedirect(registered) {
		t.Error("an inactive application allows a redirect")
	}
	native := app(Origin, "com.example.app:/cb")
	if !native.AllowsRedirect("com.example.app:/cb") || native.AllowsRedirect("com.example.app:/other") || native.AllowsRedirect("com.example.app://host/cb") {
		t.Error("a private-use scheme must be compared byte for byte in every mode")
	}
	long := "https://app.example/" + strings.Repeat("a", MaxRequestedURL)
	if origin := app(Origin, registered); origin.AllowsRedirect(long) {
		t.Error("an overlong URL is allowed")
	}
}

func TestWhatMayBeRegistered(t *testing.T) {
	for _, raw := range []string{
		"https://app.example", "https://app.example:8443/cb?x=y", "http://localhost:3000", "http://127.0.0.1:3000/", "http://[::1]:3000/cb",
		"com.example.app:/cb", "https://xn--mnchen-3ya.example/cb", "https://10.0.0.1/cb", "https://intranet/cb",
	} {
		if err := validateRedirect(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	for _, raw := range []string{
		"", "http://app.example/cb", "https://*.app.example/", "https://app.example/*", "https://app.example/#x", "myapp:/cb", "javascript:/x",
		"https://münchen.example/", "http://localhost.evil.example/", "http://127.0.0.2/", "https://a..b/", "https://-a.example/",
		"https://app.example/" + strings.Repeat("a", MaxRedirectURL),
	} {
		if err := validateRedirect(raw); err == nil {
			t.Errorf("%q may be registered", raw)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for raw, want := range map[string]bool{
		"http://localhost:3000": true, "https://localhost:3000/x": true, "http://127.0.0.1": true, "http://[::1]:1/": true,
		"http://localhost.evil.example": false, "http://localhost@evil.example": false, "https://app.example": false, "http://127.0.0.2": false,
	} {
		if IsLoopback(raw) != want {
			t.Errorf("IsLoopback(%q) = %v", raw, !want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := app(Exact, "https://app.example.com/cb")
	for name, change := range map[string]func(*Application){
		"id": func(a *Application) { a.ID = "sc_x" }, "id characters": func(a *Application) { a.ID = "app_x.y" },
		"no name": func(a *Application) { a.Name = "" }, "name with a line break": func(a *Application) { a.Name = "a\nb" },
		"mode": func(a *Application) { a.RedirectMode = "prefix" }, "session type": func(a *Application) { a.SessionType = "x" },
		"public suffix":  func(a *Application) { a.CookieDomain = "com" },
		"shared suffix":  func(a *Application) { a.CookieDomain = "github.io"; a.RedirectURLs = []string{"https://a.github.io/"} },
		"cookie outside": func(a *Application) { a.CookieDomain = "other.com" },
		"cookie http":    func(a *Application) { a.CookieDomain = "example.com"; a.RedirectURLs = []string{"http://localhost:1/"} },
		"cookie form":    func(a *Application) { a.CookieDomain = ".example.com" },
		"too many URLs":  func(a *Application) { a.RedirectURLs = make([]string, MaxRedirectURLs+1) },
		"tags":           func(a *Application) { a.Tags = map[string]string{"a": strings.Repeat("x", MaxTag+1)} },
	} {
		a := good.normal()
		change(&a)
		if a.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	good.CookieDomain = "example.com"
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
}

// FuzzRedirect holds the one property that matters: whatever is allowed leads, for a parser
// that is not ours, to the registered host over the registered scheme.
func FuzzRedirect(f *testing.F) {
	for _, raw := range hostile {
		f.Add(raw)
	}
	f.Add("https://app.example/a?b=c")
	a := app(Origin, "https://app.example/cb")
	f.Fuzz(func(t *testing.T, raw string) {
		if !a.AllowsRedirect(raw) {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("%q is allowed but cannot be parsed: %v", raw, err)
		}
		if u.Scheme != "https" || u.Host != "app.example" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q is allowed and leads to %q", raw, u.Host)
		}
		if strings.ContainsAny(raw, "\\#\x00\r\n\t @") && !strings.Contains(raw, "/") && !strings.Contains(raw, "?") {
			t.Fatalf("%q is allowed", raw)
		}
		rest, ok := strings.CutPrefix(raw, "https://app.example")
		if !ok || (rest != "" && rest[0] != '/' && rest[0] != '?') {
			t.Fatalf("%q is allowed", raw)
		}
	})
}

package recipe

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

var placeholder = regexp.MustCompile(`\{[A-Z_]+\}`)

// Every recipe is read strictly, is a client that may be registered, and says all that is to be pasted.
func TestRecipes(t *testing.T) {
	names := Names()
	if len(names) < 20 {
		t.Fatalf("only %d recipes", len(names))
	}
	for _, id := range names {
		t.Run(id, func(t *testing.T) {
			r, err := Get(id)
			if err != nil {
				t.Fatal(err)
			}
			a, err := r.Registration("https://app.example.com/")
			if err != nil {
				t.Fatal(err)
			}
			a.ID = ident.ApplicationID("app_" + id)
			a.RedirectMode, a.SessionType = application.Exact, application.MultiSession
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			checkRegistration(t, r, a)
			text := r.Text(Values{Issuer: "https://login.example.com", ClientID: string(a.ID), Secret: "acs_secret", Base: "https://app.example.com/"})
			if left := placeholder.FindString(text); left != "" {
				t.Errorf("%s is left", left)
			}
			for _, want := range []string{"https://login.example.com", string(a.ID)} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not to be pasted", want)
				}
			}
			if strings.Contains(text, "acs_secret") == r.Public() {
				t.Error("the secret is to be pasted where there is one, and nowhere else")
			}
			if strings.Contains(text, "example.com//") || strings.Contains(text, "\t") {
				t.Errorf("two slashes, or a tab:\n%s", text)
			}
		})
	}
}

func checkRegistration(t *testing.T, r Recipe, a application.Application) {
	t.Helper()
	if r.Name == "" || !strings.HasPrefix(r.Docs, "https://") || len(r.Paste) == 0 || len(a.RedirectURLs) == 0 {
		t.Error("a recipe has a name, docs, redirects and something to paste")
	}
	if !slices.Contains(r.Scopes, "openid") || slices.Contains(r.Scopes, "offline_access") != r.Refreshes {
		t.Error("openid is asked for, and offline_access goes with refreshes")
	}
	if !slices.Contains(application.Algorithms, r.Algorithm) {
		t.Error("say with which algorithm ID tokens are signed")
	}
	for _, u := range slices.Concat(a.RedirectURLs, a.OAuth.PostLogoutRedirectURLs) {
		if placeholder.MatchString(u) || strings.Contains(u, "com//") {
			t.Errorf("redirect %s", u)
		}
	}
}

func TestNames(t *testing.T) {
	for _, id := range []string{"nothing", "../recipe", "data/grafana", "", "."} {
		if _, err := Get(id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := Get("gitea"); err == nil || !strings.Contains(err.Error(), "PKCE") {
		t.Errorf("gitea: %v", err)
	}
}

func TestBase(t *testing.T) {
	r, err := Get("grafana")
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"", "grafana.example.com", "ftp://a.example", "https://a.example/?x=1", "https://u@a.example", "https://a.example/#x"} {
		if _, err := r.Registration(base); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", base, err)
		}
	}
	a, err := r.Registration("https://a.example/grafana/")
	if err != nil || a.RedirectURLs[0] != "https://a.example/grafana/login/generic_oauth" {
		t.Error(a.RedirectURLs, err)
	}
	k, err := Get("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Registration(""); err != nil {
		t.Error("what does not live at a URL needs none:", err)
	}
}

func TestPlain(t *testing.T) {
	a, err := Plain{Name: "CLI", Redirects: []string{"http://127.0.0.1/callback"}, Native: true, Grants: []string{"code", "refresh", "device"}}.Registration()
	if err != nil || !a.OAuth.MayUse(application.GrantDevice) || !a.OAuth.Native {
		t.Error(a, err)
	}
	for _, p := range []Plain{{Name: "No redirect"}, {Name: "x", Grants: []string{"implicit"}, Redirects: []string{"https://a.example/"}}} {
		if _, err := p.Registration(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if w, err := (Plain{Name: "Job", Grants: []string{"client-credentials"}, WorkloadIssuer: "https://k8s.example", WorkloadSubject: "system:serviceaccount:a:b"}).Registration(); err != nil ||
		w.OAuth.AuthMethod != application.AuthWorkload || len(w.OAuth.Workloads) != 1 {
		t.Error(w, err)
	}
}

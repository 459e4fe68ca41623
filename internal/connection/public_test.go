package connection

import "testing"

func TestPublic(t *testing.T) {
	for name, test := range map[string]struct {
		spec Spec
		want bool
	}{
		"e-mail":                     {Spec{Type: TypeEmail}, true},
		"Google":                     {Spec{Provider: "google"}, true},
		"Google by hand":             {Spec{IssuerURL: "https://Accounts.Google.com/"}, true},
		"GitHub":                     {Spec{Provider: "github"}, true},
		"GitHub by hand":             {Spec{AuthenticationURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token"}, true},
		"an own GitHub":              {Spec{Provider: "github", AuthenticationURL: "https://git.acme.test/a", TokenURL: "https://git.acme.test/t", UserEndpointURL: "https://git.acme.test/u"}, false},
		"any directory":              {Spec{Provider: "microsoft", Directories: []string{"*"}}, true},
		"one directory":              {Spec{Provider: "microsoft", Directories: []string{"11111111-2222-3333-4444-555555555555"}}, false},
		"two directories":            {Spec{Provider: "microsoft", Directories: []string{"11111111-2222-3333-4444-555555555555", "21111111-2222-3333-4444-555555555555"}}, true},
		"personal accounts":          {Spec{Provider: "microsoft", Directories: []string{consumers}}, true},
		"one directory by hand":      {Spec{IssuerURL: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"}, false},
		"personal accounts, by hand": {Spec{IssuerURL: "https://login.microsoftonline.com/" + consumers + "/v2.0"}, true},
		"an organisation's own":      {Spec{IssuerURL: "https://sso.acme.test"}, false},
	} {
		if got := (Connection{Spec: test.spec}).Public(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

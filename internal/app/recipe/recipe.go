package recipe

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
)

// Recipe is an application that is known beforehand.
type Recipe struct {
	ID   string `yaml:"-"`    // the file's name
	Name string `yaml:"name"` // as its makers write it
	// Needs is what has to be there before, such as a version or a plug-in.
	Needs string `yaml:"needs"`
	// Method is how it proves itself at the token endpoint.
	Method application.AuthMethod `yaml:"method"`
	// Algorithm signs its ID tokens. Most libraries outside of Go and Rust read RS256 only.
	Algorithm string   `yaml:"algorithm"`
	Scopes    []string `yaml:"scopes"`
	Refreshes bool     `yaml:"refreshes"` // it uses refresh tokens
	Native    bool     `yaml:"native"`
	Redirects []string `yaml:"redirects"`
	// Logout are the places to which people may come back after a logout.
	Logout      []string `yaml:"logout"`
	Backchannel string   `yaml:"backchannel"` // where it wants to be told of logouts
	Paste       []Paste  `yaml:"paste"`
	Notes       string   `yaml:"notes"`
	Docs        string   `yaml:"docs"` // its makers' own page
}

// Paste is a piece of configuration.
type Paste struct {
	Where string `yaml:"where"`
	Text  string `yaml:"text"`
}

//go:embed data/*.yaml
var files embed.FS

// Names are the ids of all recipes, in order.
func Names() []string {
	all, _ := fs.Glob(files, "data/*.yaml") // the pattern is right
	out := make([]string, len(all))
	for i, file := range all {
		out[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	return out
}

// withoutPKCE are applications that people look for here, and that cannot work.
var withoutPKCE = []string{"gitea", "mattermost", "minio", "rocket-chat", "wikijs"}

// Get reads a recipe. A fault of kind NotFound says that there is none of that name.
func Get(id string) (Recipe, error) {
	text, err := files.ReadFile("data/" + id + ".yaml")
	if slices.Contains(withoutPKCE, id) {
		return Recipe{}, fault.Newf(fault.NotFound, fault.CodeNotFound,
			"%s sends no PKCE, as far as we know, and Admit refuses authorization requests without it. Put OAuth2 Proxy in front: admit client add oauth2-proxy --url …", id)
	}
	if err != nil || strings.ContainsAny(id, "/.") {
		return Recipe{}, fault.Newf(fault.NotFound, fault.CodeNotFound, "There is no recipe %q. admit client recipes lists them; without one, give --name and --redirect.", id)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	r := Recipe{}
	if err := d.Decode(&r); err != nil {
		return Recipe{}, fmt.Errorf("recipe %s: %w", id, err)
	}
	r.ID = id
	return r, nil
}

// Public tells whether the application keeps no secret.
func (r Recipe) Public() bool { return r.Method == application.AuthNone }

// Registration is the application as it is registered. base is its own URL.
func (r Recipe) Registration(base string) (application.Application, error) {
	if r.hasBase() {
		var err error
		if base, err = cleanBase(base); err != nil {
			return application.Application{}, err
		}
	}
	at := strings.NewReplacer("{BASE_URL}", base)
	grants := []string{application.GrantCode}
	if r.Refreshes {
		grants = append(grants, application.GrantRefresh)
	}
	a := application.Application{Name: r.Name, OAuth: application.OAuth{
		AuthMethod: r.Method, IDTokenAlg: r.Algorithm, Scopes: r.Scopes, GrantTypes: grants, Native: r.Native, BackchannelLogoutURL: at.Replace(r.Backchannel),
	}}
	for _, u := range r.Redirects {
		a.RedirectURLs = append(a.RedirectURLs, at.Replace(u))
	}
	for _, u := range r.Logout {
		a.OAuth.PostLogoutRedirectURLs = append(a.OAuth.PostLogoutRedirectURLs, at.Replace(u))
	}
	return a, nil
}

// hasBase tells whether the application lives at a URL of its own.
func (r Recipe) hasBase() bool {
	return slices.ContainsFunc(r.Redirects, func(u string) bool { return strings.Contains(u, "{BASE_URL}") })
}

// cleanBase is the application's own URL without a slash at its end.
func cleanBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "Say where the application is: --url https://app.example.com")
	}
	return strings.TrimRight(base, "/"), nil
}

// Values replace the placeholders of a recipe.
type Values struct {
	Issuer, ClientID, Secret, Base string
}

// Text is what to do at the application, for people.
func (r Recipe) Text(v Values) string {
	base, _ := cleanBase(v.Base) // Registration has refused anything else
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Host
	}
	fill := strings.NewReplacer("{ISSUER}", v.Issuer, "{CLIENT_ID}", v.ClientID, "{CLIENT_SECRET}", v.Secret, "{BASE_URL}", base, "{HOST}", host)
	var b strings.Builder
	if r.Needs != "" {
		fmt.Fprintf(&b, "%s: %s\n\n", r.Name, fill.Replace(strings.TrimSpace(r.Needs)))
	}
	for _, p := range r.Paste {
		fmt.Fprintf(&b, "%s\n\n", fill.Replace(p.Where))
		for line := range strings.SplitSeq(strings.TrimRight(p.Text, "\n"), "\n") {
			b.WriteString(strings.TrimRight("    "+fill.Replace(line), " ") + "\n")
		}
		b.WriteString("\n")
	}
	if r.Notes != "" {
		fmt.Fprintf(&b, "%s\n\n", fill.Replace(strings.TrimSpace(r.Notes)))
	}
	fmt.Fprintf(&b, "More: %s\n", r.Docs)
	return b.String()
}

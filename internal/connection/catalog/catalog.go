// Package catalog owns the presets: what is known beforehand about well-known identity
// providers. Each is a file in preset/; a new provider needs no code.
package catalog

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Preset is what a connection takes over when it names a provider. Empty members mean that
// the protocol's own default holds.
type Preset struct {
	Name  string `yaml:"-"` // the file's name, a connection's provider
	Title string `yaml:"title"`

	// OpenID Connect. IssuerURL may hold the segment {tenantid}; DiscoverySegment then stands in
	// its place when the discovery document is fetched.
	IssuerURL        string `yaml:"issuerUrl"`
	DiscoverySegment string `yaml:"discoverySegment"`

	// OAuth 2.0 with a user-info endpoint. EmailsURL is a list of {email, primary, verified}.
	AuthenticationURL string `yaml:"authenticationUrl"`
	TokenURL          string `yaml:"tokenUrl"`
	UserEndpointURL   string `yaml:"userEndpointUrl"`
	EmailsURL         string `yaml:"emailsUrl"`

	Scope            string         `yaml:"scope"`
	UserIDExpression string         `yaml:"userIdExpression"`
	Authentication   Authentication `yaml:"authentication"`
	ResponseMode     string         `yaml:"responseMode"` // "form_post" or empty
	NameFromCallback bool           `yaml:"nameFromCallback"`
	Claims           Claims         `yaml:"claims"`
	EmailAuthority   EmailAuthority `yaml:"emailAuthority"`

	// Changeable names the URLs that a connection may replace.
	Changeable []string `yaml:"changeable"`
}

// Authentication is how the token endpoint learns who we are (RFC 6749 section 2.3).
type Authentication string

// The ways. Empty means: as discovery says, else post.
const (
	Basic  Authentication = "basic"
	Post   Authentication = "post"
	Signed Authentication = "signed" // Apple: the secret is a JWT made from a private key
)

// Claims names the members that hold a person's attributes; the first that is there counts.
type Claims struct {
	Name    []string `yaml:"name"`
	Picture []string `yaml:"picture"`
}

// EmailAuthority says for which domains the provider's word about an address is good: it
// hosts the mailboxes itself (I-6).
type EmailAuthority struct {
	Domains []string `yaml:"domains"`
	// DomainClaim is a claim of the ID token with one more such domain.
	DomainClaim string `yaml:"domainClaim"`
}

// MayChange tells whether a connection may replace the URL of that name.
func (p Preset) MayChange(name string) bool { return slices.Contains(p.Changeable, name) }

//go:embed preset/*.yaml
var files embed.FS

var all = sync.OnceValues(func() (map[string]Preset, error) { return load(files) })

// Get returns the preset of a provider.
func Get(name string) (Preset, bool) {
	presets, _ := all() // the files are part of the binary, and a test reads them
	p, ok := presets[name]
	return p, ok
}

// Names returns the providers in alphabetical order.
func Names() []string {
	presets, _ := all()
	out := make([]string, 0, len(presets))
	for name := range presets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func load(from fs.FS) (map[string]Preset, error) {
	names, err := fs.Glob(from, "preset/*.yaml")
	if err != nil {
		return nil, err
	}
	out := make(map[string]Preset, len(names))
	for _, file := range names {
		text, err := fs.ReadFile(from, file)
		if err != nil {
			return nil, err
		}
		p := Preset{Name: strings.TrimSuffix(path.Base(file), ".yaml")}
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if p.Title == "" || p.Scope == "" || (p.IssuerURL == "") == (p.UserEndpointURL == "") {
			return nil, fmt.Errorf("%s: a preset needs a title, a scope, and either issuerUrl or userEndpointUrl", file)
		}
		out[p.Name] = p
	}
	return out, nil
}

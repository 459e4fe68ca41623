package connection

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Email is the built-in connection: a one-time code by e-mail. Every account has it without
// a row; it can be switched off.
const Email ident.ConnectionID = "con_email"

// Type is the kind of a connection, in the spelling of the API.
type Type string

// The types that Admit serves. TypeEmail belongs to Email alone. An active connection of TypePassword lets
// people sign in with a password; it makes no identities of its own, for people are found by the address
// that they have proved.
const (
	TypeOAuth2   Type = "OAUTH2"
	TypeEmail    Type = "EMAIL"
	TypePassword Type = "PASSWORD"
)

// Protocol is what is spoken with a provider.
type Protocol string

// The protocols. A connection of TypeOAuth2 with an issuer speaks OpenID Connect.
const (
	ProtocolOIDC   Protocol = "oidc"
	ProtocolOAuth2 Protocol = "oauth2"
	ProtocolEmail  Protocol = "email"
	// ProtocolPassword speaks with nobody.
	ProtocolPassword Protocol = "password"
)

// Limits of a connection. Lengths are in bytes, those of names and tags in characters.
const (
	MaxURL              = 256 // of authenticationUrl
	MaxShortURL         = 128 // of the other URLs
	MaxClientID         = 128
	MaxSecret           = 2048
	MaxSecretID         = 32
	MaxName             = 64
	MaxProperties       = 20
	MaxProperty         = 512
	MaxDirectories      = 100
	MaxAuthorityDomains = 100
	MaxTags             = 50
	MaxTag              = 128
	MinLeeway           = time.Minute
	MaxLeeway           = time.Hour
	DefaultLeeway       = 5 * time.Minute
	DefaultScope        = "openid profile email"
	DefaultExpression   = "{sub}"
	ContentForm         = "application/x-www-form-urlencoded"
	ContentJSON         = "application/json"
	tenantPlaceholder   = "{tenantid}"
	anyDirectory        = "*"
	// DefaultEmailName is what the connection for mailed codes is called where nobody has given it another name.
	DefaultEmailName    = "E-mail"
	defaultPasswordName = "Password"
	assignmentDefault   = "DEFAULT"
	AssignmentByDomain  = "TRUSTED_DOMAIN_FALLBACK"
	LinkingExplicit     = "EXPLICIT"
)

// Spec is what an administrator writes. In a Connection that a Service or Directory
// returns, blanks are filled from the preset of the provider and from the defaults.
type Spec struct {
	Type     Type
	Provider string // name of a preset (catalog), or empty
	Name     string // for the button

	// OpenID Connect: IssuerURL is the provider's issuer (Discovery 1.0). It may hold one
	// path segment {tenantid}, for a provider with many directories; Directories then lists
	// those whose people may sign in, or is "*" alone.
	IssuerURL   string
	Directories []string

	// Plain OAuth 2.0: all three. For OpenID Connect they replace what discovery says.
	AuthenticationURL string
	TokenURL          string
	UserEndpointURL   string

	ClientID           string
	SecretID           string // identifier of the secret; for Apple the key id
	DeveloperAccountID string // for Apple the team id
	ContentType        string // of the token request: ContentForm or ContentJSON

	// UserIDExpression makes the subject from the provider's claims; see Expression.
	UserIDExpression string
	Scope            string
	Properties       map[string]string // further parameters of the authorization request

	// EmailDomains are the domains whose addresses this provider may call verified, because it
	// hosts them or belongs to the organisation that does (I-6).
	EmailDomains []string

	UserDataLocation string        // ISO 3166 alpha-3, or empty
	Leeway           time.Duration // how long a sign-in at the provider may take
	Assignment       string        // DEFAULT or TRUSTED_DOMAIN_FALLBACK
	Linking          string        // EXPLICIT or empty
	Tags             map[string]string
}

// Connection is one way to sign in to an account.
type Connection struct {
	Account ident.AccountID
	ID      ident.ConnectionID
	Spec
	// Active is false while the connection is switched off: nobody can sign in with it.
	Active    bool
	CreatedAt time.Time
	UpdatedAt time.Time
	// SealedSecret is the client secret as Secrets sealed it, or nil.
	SealedSecret []byte
}

// Protocol returns what is spoken with the provider.
func (c Connection) Protocol() Protocol {
	switch {
	case c.Type == TypeEmail:
		return ProtocolEmail
	case c.Type == TypePassword:
		return ProtocolPassword
	case c.IssuerURL != "":
		return ProtocolOIDC
	}
	return ProtocolOAuth2
}

// Linkable tells whether people may link identities of the connection to an account of theirs.
func (c Connection) Linkable() bool { return c.Linking == LinkingExplicit }

// Preset returns what is known of the provider; the zero preset when it names none.
func (c Connection) Preset() catalog.Preset {
	p, _ := catalog.Get(c.Provider)
	return p
}

// ManyDirectories tells whether the issuer is a template.
func (c Connection) ManyDirectories() bool { return strings.Contains(c.IssuerURL, tenantPlaceholder) }

// IssuerOf returns the issuer of one directory.
func (c Connection) IssuerOf(directory string) string {
	return strings.Replace(c.IssuerURL, tenantPlaceholder, directory, 1)
}

// AllowsDirectory tells whether people of a directory may sign in.
func (c Connection) AllowsDirectory(directory string) bool {
	return guid.MatchString(directory) &&
		(slices.Contains(c.Directories, directory) || slices.Contains(c.Directories, anyDirectory))
}

// Vouches tells whether the provider is authoritative for the domain of an address. claim
// returns a claim of the verified ID token. An address that cannot be read plainly has no domain.
func (c Connection) Vouches(email string, claim func(name string) string) bool {
	_, domain, ok := strings.Cut(email, "@")
	domain = strings.ToLower(domain)
	if !ok || !domainForm.MatchString(domain) {
		return false
	}
	authority := c.Preset().EmailAuthority
	if authority.DomainClaim != "" && claim(authority.DomainClaim) == domain {
		return true
	}
	return slices.Contains(authority.Domains, domain) || slices.Contains(c.EmailDomains, domain)
}

// emailConnection is the built-in connection while nobody has changed it.
func emailConnection(account ident.AccountID) Connection {
	return Connection{Account: account, ID: Email, Spec: Spec{Type: TypeEmail, Name: DefaultEmailName}, Active: true}
}

// filled returns s with its blanks filled.
func (s Spec) filled() Spec {
	if s.Type == "" {
		s.Type = TypeOAuth2
	}
	if s.Type == TypeEmail {
		s.Name = first(s.Name, DefaultEmailName)
		return s
	}
	if s.Type == TypePassword {
		s.Name, s.Assignment = first(s.Name, defaultPasswordName), first(s.Assignment, assignmentDefault)
		if s.Leeway == 0 {
			s.Leeway = DefaultLeeway
		}
		return s
	}
	p, _ := catalog.Get(s.Provider)
	s.Name = first(s.Name, p.Title)
	s.IssuerURL = first(s.IssuerURL, p.IssuerURL)
	s.AuthenticationURL = first(s.AuthenticationURL, p.AuthenticationURL)
	s.TokenURL = first(s.TokenURL, p.TokenURL)
	s.UserEndpointURL = first(s.UserEndpointURL, p.UserEndpointURL)
	s.ContentType = first(s.ContentType, ContentForm)
	s.UserIDExpression = first(s.UserIDExpression, first(p.UserIDExpression, DefaultExpression))
	scope := DefaultScope
	if s.IssuerURL == "" {
		scope = ""
	}
	s.Scope = first(s.Scope, first(p.Scope, scope))
	s.Assignment = first(s.Assignment, assignmentDefault)
	if s.Leeway == 0 {
		s.Leeway = DefaultLeeway
	}
	return s
}

// clone copies what a caller could change behind our back.
func (c Connection) clone() Connection {
	c.Directories = slices.Clone(c.Directories)
	c.EmailDomains = slices.Clone(c.EmailDomains)
	c.Properties = maps.Clone(c.Properties)
	c.Tags = maps.Clone(c.Tags)
	return c
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

package connection

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

var (
	idForm       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	guid         = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	domainForm   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	propertyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{3}$`)
	visibleForm  = regexp.MustCompile(`^[\x21-\x7e]*$`)
	scopeForm    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$`) // RFC 6749 section 3.3
)

// ReservedProperties are parameters of the authorization request that Admit sets itself or
// that would change what comes back; a connection cannot set them.
var ReservedProperties = []string{
	"client_id", "client_secret", "code_challenge", "code_challenge_method", "id_token_hint", "nonce", "redirect_uri",
	"registration", "request", "request_uri", "response_mode", "response_type", "scope", "state",
}

// invalid is the fault of a member that breaks a rule. It names the member as the API spells it.
func invalid(member, format string, args ...any) error {
	return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s: %s", member, fmt.Sprintf(format, args...))
}

func unsupported(member, format string, args ...any) error {
	return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest, "%s: %s", member, fmt.Sprintf(format, args...))
}

// foreignPrefixes begin identifiers of other things that may stand where a connection's may.
var foreignPrefixes = []string{"sc_", "ext_", "app_"}

// ValidID tells whether id may name a connection that an administrator makes.
func ValidID(id ident.ConnectionID) bool {
	for _, p := range foreignPrefixes {
		if strings.HasPrefix(string(id), p) {
			return false
		}
	}
	return idForm.MatchString(string(id)) && id != Email
}

// validate checks a filled Spec. plainLoopback allows http URLs to loopback hosts.
func (s Spec) validate(plainLoopback bool) error {
	if s.Type == TypePassword {
		return s.validatePassword()
	}
	for _, check := range []func() error{
		s.validateKind, func() error { return s.validateURLs(plainLoopback) }, s.validateProtocol,
		s.validateClient, s.validateDirectories, s.validateProperties, s.validateRest,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s Spec) validateKind() error {
	switch s.Type {
	case TypeOAuth2:
	case "SAML2", "WebAuthN", "OPENID-LEGACY":
		return unsupported("type", "%s connections are not available yet; use OAUTH2 or PASSWORD", s.Type)
	default:
		return invalid("type", "must be OAUTH2 or PASSWORD")
	}
	if s.Provider != "" {
		if _, ok := catalog.Get(s.Provider); !ok {
			return invalid("provider", "must be one of %s, or left out", strings.Join(catalog.Names(), ", "))
		}
	}
	return nil
}

// validatePassword checks a connection that speaks with nobody: whatever belongs to a provider is refused, so
// that nobody believes it has an effect.
func (s Spec) validatePassword() error {
	for member, value := range map[string]string{
		"provider": s.Provider, "issuerUrl": s.IssuerURL, "authenticationUrl": s.AuthenticationURL, "tokenUrl": s.TokenURL,
		"data.oidcUserEndpointUrl": s.UserEndpointURL, "clientId": s.ClientID, "clientSecretId": s.SecretID,
		"data.developerAccountId": s.DeveloperAccountID, "data.supportedContentType": s.ContentType,
		"data.userIdExpression": s.UserIDExpression, "defaultConnectionProperties.scope": s.Scope,
	} {
		if value != "" {
			return invalid(member, "a PASSWORD connection has none")
		}
	}
	switch {
	case len(s.Directories) > 0:
		return invalid("allowedDirectories", "a PASSWORD connection has none")
	case len(s.Properties) > 0:
		return invalid("defaultConnectionProperties", "a PASSWORD connection has none")
	case len(s.EmailDomains) > 0:
		return invalid("emailDomains", "a password proves no address")
	case s.Linking != "":
		return invalid("linkingConfiguration.type", "a PASSWORD connection has no identities of its own")
	}
	return s.validateRest()
}

func (s Spec) validateURLs(plainLoopback bool) error {
	p, _ := catalog.Get(s.Provider)
	for _, u := range []struct {
		member, name, value, preset string
		limit                       int
	}{
		{"issuerUrl", "issuerUrl", s.IssuerURL, p.IssuerURL, MaxShortURL},
		{"authenticationUrl", "authenticationUrl", s.AuthenticationURL, p.AuthenticationURL, MaxURL},
		{"tokenUrl", "tokenUrl", s.TokenURL, p.TokenURL, MaxShortURL},
		{"data.oidcUserEndpointUrl", "userEndpointUrl", s.UserEndpointURL, p.UserEndpointURL, MaxShortURL},
	} {
		if u.value == "" {
			continue
		}
		if len(u.value) > u.limit {
			return invalid(u.member, "must have at most %d characters", u.limit)
		}
		if err := egress.CheckURL(u.value, plainLoopback); err != nil || !visibleForm.MatchString(u.value) {
			return invalid(u.member, "must be an absolute https URL without user information and fragment")
		}
		if s.Provider != "" && u.value != u.preset && !p.MayChange(u.name) {
			return invalid(u.member, "is given by the provider %s and cannot be changed; leave it or the provider out", s.Provider)
		}
	}
	if strings.Contains(s.IssuerURL, "?") {
		return invalid("issuerUrl", "must have no query; it is the issuer, not the address of its discovery document")
	}
	return nil
}

func (s Spec) validateProtocol() error {
	if s.IssuerURL == "" && (s.AuthenticationURL == "" || s.TokenURL == "" || s.UserEndpointURL == "") {
		return invalid("issuerUrl", "give issuerUrl for an OpenID Connect provider, or authenticationUrl, tokenUrl and "+
			"data.oidcUserEndpointUrl for a plain OAuth 2.0 one, or name a provider")
	}
	if _, err := ParseExpression(s.UserIDExpression); err != nil {
		return invalid("data.userIdExpression", "%v", err)
	}
	if s.ContentType != ContentForm && s.ContentType != ContentJSON {
		return invalid("data.supportedContentType", "must be %s or %s", ContentForm, ContentJSON)
	}
	if s.Scope != "" && (len(s.Scope) > MaxProperty || !scopeForm.MatchString(s.Scope)) {
		return invalid("defaultConnectionProperties.scope", "must be scopes separated by one space, at most %d characters", MaxProperty)
	}
	if s.IssuerURL != "" && !slices.Contains(strings.Fields(s.Scope), "openid") {
		return invalid("defaultConnectionProperties.scope", "must contain openid for an OpenID Connect provider")
	}
	return nil
}

func (s Spec) validateClient() error {
	for member, v := range map[string]struct {
		value string
		limit int
	}{
		"clientId": {s.ClientID, MaxClientID}, "clientSecretId": {s.SecretID, MaxSecretID},
		"data.developerAccountId": {s.DeveloperAccountID, MaxSecretID},
	} {
		if len(v.value) > v.limit || !visibleForm.MatchString(v.value) {
			return invalid(member, "must have at most %d visible characters", v.limit)
		}
	}
	if s.ClientID == "" {
		return invalid("clientId", "is missing; the provider gives it when you register Admit there")
	}
	if s.signed() && (s.SecretID == "" || s.DeveloperAccountID == "") {
		return invalid("clientSecretId", "this provider needs clientSecretId (the key id) and data.developerAccountId (the team id)")
	}
	return nil
}

func (s Spec) signed() bool {
	p, _ := catalog.Get(s.Provider)
	return p.Authentication == catalog.Signed
}

func (s Spec) validateDirectories() error {
	many := strings.Count(s.IssuerURL, tenantPlaceholder)
	if many == 0 && strings.ContainsAny(s.IssuerURL, "{}") || many > 1 {
		return invalid("issuerUrl", "may hold %s once and no other braces", tenantPlaceholder)
	}
	if many == 1 && !strings.Contains(s.IssuerURL+"/", "/"+tenantPlaceholder+"/") {
		return invalid("issuerUrl", "%s must be a whole segment of the path", tenantPlaceholder)
	}
	if many == 0 && len(s.Directories) > 0 {
		return invalid("allowedDirectories", "only an issuerUrl with %s has directories", tenantPlaceholder)
	}
	if many == 1 && len(s.Directories) == 0 {
		return invalid("allowedDirectories", "list the ids of the directories whose people may sign in, or \"*\" for all of them")
	}
	if len(s.Directories) > MaxDirectories {
		return invalid("allowedDirectories", "at most %d", MaxDirectories)
	}
	for _, d := range s.Directories {
		if !guid.MatchString(d) && !(d == anyDirectory && len(s.Directories) == 1) {
			return invalid("allowedDirectories", "each must be a lower-case GUID, or the only one \"*\"")
		}
	}
	return nil
}

func (s Spec) validateProperties() error {
	if len(s.Properties) > MaxProperties {
		return invalid("defaultConnectionProperties", "at most %d besides scope", MaxProperties)
	}
	for name, value := range s.Properties {
		if !propertyForm.MatchString(name) || len(value) > MaxProperty || PlainText(value, MaxProperty) != value {
			return invalid("defaultConnectionProperties", "a name must be letters, digits and _ . - and a value text of at most %d characters", MaxProperty)
		}
		if slices.Contains(ReservedProperties, strings.ToLower(name)) {
			return invalid("defaultConnectionProperties", "%s is set by Admit and cannot be set here", name)
		}
	}
	return nil
}

func (s Spec) validateRest() error {
	if s.Name == "" || utf8.RuneCountInString(s.Name) > MaxName || PlainText(s.Name, MaxName) != s.Name {
		return invalid("data.name", "must be text of 1 to %d characters", MaxName)
	}
	if len(s.EmailDomains) > MaxAuthorityDomains {
		return invalid("emailDomains", "at most %d", MaxAuthorityDomains)
	}
	for _, d := range s.EmailDomains {
		if len(d) > 253 || !domainForm.MatchString(d) {
			return invalid("emailDomains", "each must be a whole domain in lower case; there are no wildcards")
		}
	}
	if s.UserDataLocation != "" && !countryForm.MatchString(s.UserDataLocation) {
		return invalid("userDataConfiguration.location", "must be an ISO 3166 alpha-3 country code")
	}
	if s.Leeway < MinLeeway || s.Leeway > MaxLeeway {
		return invalid("conditions.authenticationLeewayDuration", "must be between PT1M and PT1H")
	}
	if s.Assignment != assignmentDefault && s.Assignment != AssignmentByDomain {
		return invalid("tenantConfiguration.assignmentType", "must be %s or %s", assignmentDefault, AssignmentByDomain)
	}
	if err := validateLinking(s.Linking); err != nil {
		return err
	}
	if len(s.Tags) > MaxTags {
		return invalid("tags", "at most %d", MaxTags)
	}
	for k, v := range s.Tags {
		if k == "" || utf8.RuneCountInString(k) > MaxTag || utf8.RuneCountInString(v) > MaxTag || PlainText(k, MaxTag) != k || PlainText(v, MaxTag) != v {
			return invalid("tags", "names and values must be text of at most %d characters", MaxTag)
		}
	}
	return nil
}

func validateLinking(kind string) error {
	switch kind {
	case "", LinkingExplicit:
		return nil
	case "AUTOMATIC":
		return unsupported("linkingConfiguration.type", "Admit never links people by their address; use %s", LinkingExplicit)
	}
	return invalid("linkingConfiguration.type", "must be %s or null", LinkingExplicit)
}

// validateSecret checks a client secret that was given.
func (s Spec) validateSecret(t secret.Text) error {
	if s.Type == TypePassword {
		return invalid("clientSecret", "a PASSWORD connection has none")
	}
	if len(t.Reveal()) > MaxSecret {
		return invalid("clientSecret", "must have at most %d characters", MaxSecret)
	}
	if s.signed() {
		if _, err := ParseSigningKey(t); err != nil {
			return invalid("clientSecret", "must be the private key file (.p8) that the provider gave: %v", err)
		}
		return nil
	}
	if !visibleForm.MatchString(t.Reveal()) {
		return invalid("clientSecret", "must be visible ASCII characters without spaces")
	}
	return nil
}

// ParseSigningKey reads a P-256 private key in PEM of PKCS #8. Errors do not quote the text.
func ParseSigningKey(t secret.Text) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode([]byte(t.Reveal()))
	if block == nil || block.Type != "PRIVATE KEY" || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("not one PEM block PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS #8 key")
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, errors.New("not a P-256 key")
	}
	return ec, nil
}

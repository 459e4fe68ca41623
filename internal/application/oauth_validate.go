package application

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Limits of the OAuth settings. Lengths are in bytes.
const (
	MaxScopes         = 100
	MaxScope          = 128
	MaxResources      = 50
	MaxResource       = 512
	MaxDetailTypes    = 50
	MaxWorkloads      = 20
	MaxLogoutURLs     = 50
	MaxJWKS           = 32 << 10
	MaxClaims         = 4 << 10
	MaxClaimNames     = 50
	MaxACRValues      = 10
	MinAccessLife     = time.Minute
	MaxAccessLife     = 24 * time.Hour
	MinRefreshLife    = 5 * time.Minute
	MaxRefreshLife    = 365 * 24 * time.Hour
	MaxOAuthSize      = 64 << 10 // of all settings as JSON
	maxAuthentication = 90 * 24 * time.Hour
)

// Algorithms are what tokens are signed with, and what clients may sign with.
var Algorithms = []string{"EdDSA", "RS256", "ES256", "PS256"}

// What ID tokens are encrypted with (RFC 7518 sections 4 and 5).
var (
	EncryptionAlgorithms = []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
	Encryptions          = []string{"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"}
)

var authMethods = []AuthMethod{AuthNone, AuthSecretBasic, AuthSecretPost, AuthPrivateKeyJWT, AuthTLS, AuthSelfSignedTLS, AuthWorkload}

// Validate tells the first rule that the settings break, as a fault of kind Invalid.
func (o OAuth) Validate() error {
	for _, rule := range []func() error{
		o.validateMethod, o.validateKeys, o.validateTLS, o.validateWorkloads, o.validateGrants, o.validateAsked,
		o.validateDemands, o.validateTokens, o.validateAlgorithms, o.validateURLs, o.validateClaims, o.validateOrigin,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	if text, err := json.Marshal(o); err != nil || len(text) > MaxOAuthSize {
		return invalid("The oauth settings are too large together: at most 64 KiB.")
	}
	return nil
}

func (o OAuth) validateMethod() error {
	if o.AuthMethod != "" && !slices.Contains(authMethods, o.AuthMethod) {
		return invalid("oauth.tokenEndpointAuthMethod is none, client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or workload_identity.")
	}
	if len(o.Secrets) > MaxSecrets {
		return invalid("An application has at most 5 client secrets.")
	}
	return nil
}

// needsKeys tells whether the method rests on registered keys.
func (o OAuth) needsKeys() bool {
	return o.AuthMethod == AuthPrivateKeyJWT || o.AuthMethod == AuthSelfSignedTLS
}

func (o OAuth) hasKeys() bool { return len(o.JWKS) > 0 || o.JWKSURI != "" }

func (o OAuth) validateKeys() error {
	switch {
	case len(o.JWKS) > 0 && o.JWKSURI != "":
		return invalid("The client has either oauth.jwks or oauth.jwksUri, not both.")
	case o.needsKeys() && !o.hasKeys():
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "With %s the client's public keys are needed, as oauth.jwks or oauth.jwksUri.", o.AuthMethod)
	case o.JWKSURI != "" && !webURL(o.JWKSURI):
		return invalid("oauth.jwksUri is an https URL.")
	}
	if len(o.JWKS) == 0 {
		return nil
	}
	return validKeySet("oauth.jwks", o.JWKS)
}

func validKeySet(name string, text json.RawMessage) error {
	if len(text) > MaxJWKS {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s has at most 32 KiB.", name)
	}
	if err := jwks.Check(text); err != nil {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s: %s.", name, err)
	}
	return nil
}

func (o OAuth) validateTLS() error {
	if (o.AuthMethod == AuthTLS) != (o.TLSSubject != nil) {
		return invalid("tls_client_auth needs oauth.tlsSubject, and no other method has it.")
	}
	if o.TLSSubject == nil {
		return nil
	}
	s, set := *o.TLSSubject, 0
	for _, v := range []string{s.DN, s.DNS, s.URI, s.IP, s.Email} {
		if v != "" {
			set++
		}
		if len(v) > MaxResource || v != "" && !plainText(v, 1, MaxResource) {
			return invalid("A member of oauth.tlsSubject has at most 512 printable characters.")
		}
	}
	if set != 1 {
		return invalid("oauth.tlsSubject has exactly one of dn, sanDns, sanUri, sanIp and sanEmail.")
	}
	if _, err := netip.ParseAddr(s.IP); s.IP != "" && err != nil {
		return invalid("oauth.tlsSubject.sanIp is an IP address.")
	}
	return nil
}

func (o OAuth) validateWorkloads() error {
	if (o.AuthMethod == AuthWorkload) != (len(o.Workloads) > 0) {
		return invalid("workload_identity needs oauth.workloads, and no other method has them.")
	}
	if len(o.Workloads) > MaxWorkloads {
		return invalid("An application has at most 20 workloads.")
	}
	for _, w := range o.Workloads {
		if err := w.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (w Workload) validate() error {
	spiffe := strings.HasPrefix(w.Issuer, SPIFFE)
	switch {
	case !spiffe && (!webURL(w.Issuer) || strings.Contains(w.Issuer, "?")):
		return invalid("A workload's issuer is the https URL that its tokens have in iss, or spiffe:// and a trust domain.")
	case spiffe && (!trustDomain(w.Issuer) || !strings.HasPrefix(w.Subject, w.Issuer+"/")):
		return invalid("A workload of a SPIFFE trust domain has the domain as issuer, spiffe://example.org, and an id in it as subject.")
	case spiffe && len(w.JWKS) == 0 && w.JWKSURI == "":
		return invalid("A workload of a SPIFFE trust domain needs jwks or jwksUri: the domain's bundle.")
	case !exactText(w.Subject) || w.Audience != "" && !exactText(w.Audience):
		return invalid("A workload's subject, and its audience if it has one, is the exact value in its tokens: 1 to 512 printable characters, no pattern.")
	case w.JWKSURI != "" && !webURL(w.JWKSURI):
		return invalid("A workload's jwksUri is an https URL.")
	case w.JWKSURI != "" && len(w.JWKS) > 0:
		return invalid("A workload has either jwks or jwksUri, not both.")
	}
	if len(w.JWKS) == 0 {
		return nil
	}
	return validKeySet("A workload's jwks", w.JWKS)
}

func trustDomain(issuer string) bool {
	name := strings.TrimPrefix(issuer, SPIFFE)
	return name != "" && len(name) <= 255 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// exactText is a value that is compared as it is. A star would look like a pattern, which it is not.
func exactText(s string) bool {
	return len(s) <= MaxResource && plainText(s, 1, MaxResource) && !strings.Contains(s, "*")
}

func (o OAuth) validateGrants() error {
	if twice(o.GrantTypes) || slices.ContainsFunc(o.GrantTypes, func(g string) bool { return !slices.Contains(GrantTypes, g) }) {
		return invalid("oauth.grantTypes are some of authorization_code, refresh_token, client_credentials, " + GrantDevice + ", " + GrantExchange + " and " + GrantJWTBearer + ", each once.")
	}
	f := o.Filled()
	if f.AuthMethod == AuthNone {
		for _, g := range []string{GrantClientCredentials, GrantExchange, GrantJWTBearer} {
			if f.MayUse(g) {
				return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The grant type %s is for clients that prove themselves. Choose another oauth.tokenEndpointAuthMethod than none.", g)
			}
		}
	}
	if f.MayUse(GrantRefresh) && !f.MayUse(GrantCode) && !f.MayUse(GrantDevice) {
		return invalid("The grant type refresh_token goes with authorization_code or with the device code: no other gives refresh tokens.")
	}
	return nil
}

// validateAsked judges what a client may ask for.
func (o OAuth) validateAsked() error {
	if len(o.Scopes) > MaxScopes || twice(o.Scopes) || slices.ContainsFunc(o.Scopes, func(s string) bool { return !scopeToken(s) }) {
		return invalid("oauth.scopes has at most 100 scopes, each once, of 1 to 128 printable ASCII characters without space, quote and backslash.")
	}
	if len(o.Resources) > MaxResources || twice(o.Resources) || slices.ContainsFunc(o.Resources, func(r string) bool { return !resourceURI(r) }) {
		return invalid("oauth.resources has at most 50 absolute URIs without fragment, each once and of at most 512 characters.")
	}
	if len(o.IntrospectionAudiences) > MaxResources || twice(o.IntrospectionAudiences) ||
		slices.ContainsFunc(o.IntrospectionAudiences, func(r string) bool { return !resourceURI(r) && !strings.HasPrefix(r, "acc_") }) {
		return invalid("oauth.introspectionAudiences has at most 50 absolute URIs without fragment, or the account's id, each once.")
	}
	if len(o.AuthorizationDetails) > MaxDetailTypes || twice(o.AuthorizationDetails) ||
		slices.ContainsFunc(o.AuthorizationDetails, func(s string) bool { return len(s) > MaxScope || !plainText(s, 1, MaxScope) }) {
		return invalid("oauth.authorizationDetailsTypes has at most 50 types, each once and of 1 to 128 printable characters.")
	}
	return nil
}

func scopeToken(s string) bool {
	if s == "" || len(s) > MaxScope {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func resourceURI(s string) bool {
	if len(s) > MaxResource || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && u.User == nil && !strings.Contains(s, "#")
}

// validateDemands judges what a client's requests must have.
func (o OAuth) validateDemands() error {
	switch {
	case o.RequireSignedRequest && !o.hasKeys():
		return invalid("With requireSignedRequestObject the client's public keys are needed, as oauth.jwks or oauth.jwksUri.")
	case o.DPoPBound && o.CertificateBound:
		return invalid("Access tokens are bound to a DPoP key or to a certificate, not to both.")
	case o.DefaultMaxAge < 0 || o.DefaultMaxAge > int64(maxAuthentication/time.Second):
		return invalid("oauth.defaultMaxAge is a number of seconds, from 0 to 90 days.")
	case len(o.DefaultACR) > MaxACRValues || twice(o.DefaultACR) || slices.ContainsFunc(o.DefaultACR, func(s string) bool { return !scopeToken(s) }):
		return invalid("oauth.defaultAcrValues has at most 10 values, each once, without spaces.")
	}
	return nil
}

func (o OAuth) validateTokens() error {
	f := o.Filled()
	whole := func(d time.Duration) bool { return d%time.Second == 0 }
	switch {
	case f.AccessTokenFormat != FormatJWT && f.AccessTokenFormat != FormatOpaque:
		return invalid("oauth.accessTokenFormat is jwt or opaque.")
	case f.AccessTokenFormat == FormatOpaque && o.AccessTokenAlg != "":
		return invalid("Opaque access tokens have no signature: leave out oauth.accessTokenSignedResponseAlg.")
	case f.AccessTokenLife < MinAccessLife || f.AccessTokenLife > MaxAccessLife || !whole(f.AccessTokenLife):
		return invalid("oauth.accessTokenLife is 1 minute to 24 hours.")
	case f.RefreshTokenIdle < MinRefreshLife || f.RefreshTokenIdle > MaxRefreshLife || !whole(f.RefreshTokenIdle):
		return invalid("oauth.refreshTokenIdle is 5 minutes to 365 days.")
	case f.RefreshTokenLife < f.RefreshTokenIdle || f.RefreshTokenLife > MaxRefreshLife || !whole(f.RefreshTokenLife):
		return invalid("oauth.refreshTokenLife is at least refreshTokenIdle (30 days if not set) and at most 365 days.")
	}
	return nil
}

func (o OAuth) validateAlgorithms() error {
	for _, a := range []struct{ name, value string }{
		{"accessTokenSignedResponseAlg", o.AccessTokenAlg}, {"idTokenSignedResponseAlg", o.IDTokenAlg}, {"userinfoSignedResponseAlg", o.UserinfoAlg},
		{"introspectionSignedResponseAlg", o.IntrospectionAlg}, {"authorizationSignedResponseAlg", o.AuthorizationAlg},
		{"requestObjectSigningAlg", o.RequestObjectAlg}, {"tokenEndpointAuthSigningAlg", o.AuthAlg},
	} {
		if a.value != "" && !slices.Contains(Algorithms, a.value) {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "oauth.%s is EdDSA, RS256, ES256 or PS256.", a.name)
		}
	}
	switch {
	case o.AuthAlg != "" && o.AuthMethod != AuthPrivateKeyJWT:
		return invalid("oauth.tokenEndpointAuthSigningAlg goes with private_key_jwt.")
	case o.RequestObjectAlg != "" && !o.hasKeys():
		return invalid("With requestObjectSigningAlg the client's public keys are needed, as oauth.jwks or oauth.jwksUri.")
	case o.IDTokenEncAlg != "" && !slices.Contains(EncryptionAlgorithms, o.IDTokenEncAlg):
		return invalid("oauth.idTokenEncryptedResponseAlg is RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW.")
	case o.IDTokenEncEnc != "" && !slices.Contains(Encryptions, o.IDTokenEncEnc):
		return invalid("oauth.idTokenEncryptedResponseEnc is A128CBC-HS256, A256CBC-HS512, A128GCM or A256GCM.")
	case o.IDTokenEncAlg == "" && o.IDTokenEncEnc != "":
		return invalid("oauth.idTokenEncryptedResponseEnc goes with idTokenEncryptedResponseAlg.")
	case o.IDTokenEncAlg != "" && !o.hasKeys():
		return invalid("To encrypt ID tokens the client's public key is needed, in oauth.jwks or oauth.jwksUri.")
	}
	return o.fittingKeys()
}

// fittingKeys tells at once when keys that are given inline cannot do what they are wanted for.
func (o OAuth) fittingKeys() error {
	if len(o.JWKS) == 0 {
		return nil
	}
	set, err := jwks.Parse(o.JWKS)
	if err != nil {
		return invalid("oauth.jwks is no JSON Web Key Set.")
	}
	if _, ok := set.Encrypter(o.IDTokenEncAlg); o.IDTokenEncAlg != "" && !ok {
		return invalid("oauth.jwks has no key for idTokenEncryptedResponseAlg.")
	}
	return nil
}

func (o OAuth) validateURLs() error {
	if len(o.PostLogoutRedirectURLs) > MaxLogoutURLs {
		return invalid("An application has at most 50 post-logout redirect URLs.")
	}
	for _, u := range o.PostLogoutRedirectURLs {
		if err := validateRedirect(u); err != nil {
			return err
		}
	}
	for _, u := range []struct{ name, value string }{
		{"backchannelLogoutUrl", o.BackchannelLogoutURL}, {"frontchannelLogoutUrl", o.FrontchannelLogoutURL}, {"logoUri", o.LogoURI},
		{"clientUri", o.ClientURI}, {"policyUri", o.PolicyURI}, {"tosUri", o.TermsURI},
	} {
		if u.value != "" && !webURL(u.value) {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "oauth.%s is an https URL of at most 1024 characters, without user name and fragment.", u.name)
		}
	}
	if o.BackchannelSessionRequired && o.BackchannelLogoutURL == "" || o.FrontchannelSessionRequired && o.FrontchannelLogoutURL == "" {
		return invalid("A logout session can only be required where there is a logout URL.")
	}
	return nil
}

// webURL is an https URL, or an http one of this machine for development, by the narrowest reading.
func webURL(raw string) bool {
	if raw == "" || len(raw) > MaxRedirectURL {
		return false
	}
	p, ok := parseRedirect(raw)
	return ok && (p.scheme == "https" || p.scheme == "http" && loopbackHost(p.host))
}

func (o OAuth) validateClaims() error {
	if len(o.Claims) == 0 {
		return nil
	}
	var claims map[string]json.RawMessage
	if len(o.Claims) > MaxClaims || strictjson.Check(o.Claims, &claims) != nil || json.Unmarshal(o.Claims, &claims) != nil || claims == nil || len(claims) > MaxClaimNames {
		return invalid("oauth.claims is a JSON object of at most 50 members and 4 KiB.")
	}
	for name := range claims {
		if !scopeToken(name) || jose.Reserved(name) {
			return invalid("oauth.claims names a claim that has a meaning of its own, or a name with spaces. Choose another name, such as a URL of yours.")
		}
	}
	return nil
}

// validateOrigin judges where the settings come from.
func (o OAuth) validateOrigin() error {
	switch {
	case o.Registered != "" && o.Registered != RegisteredDynamic:
		return invalid("oauth.registered is dynamic or empty.")
	case o.Registered != "" && !o.ThirdParty:
		return invalid("An application that registered itself stays a third party's.")
	case o.SoftwareID != "" && !plainText(o.SoftwareID, 1, MaxName) || o.SoftwareVersion != "" && !plainText(o.SoftwareVersion, 1, MaxName):
		return invalid("softwareId and softwareVersion have at most 128 printable characters.")
	}
	return nil
}

// RegisteredDynamic marks an application that registered itself.
const RegisteredDynamic = "dynamic"

func twice(list []string) bool {
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			return true
		}
	}
	return false
}

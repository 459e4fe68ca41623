package registration

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/oauth"
)

// Metadata is client metadata in the names of RFC 7591 section 2, OpenID Connect Dynamic Client
// Registration section 2 and the standards that add to them. What is not here is not understood and so
// is ignored, as RFC 7591 wants.
type Metadata struct {
	RedirectURIs    []string        `json:"redirect_uris,omitempty"`
	AuthMethod      string          `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg         string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	GrantTypes      []string        `json:"grant_types,omitempty"`
	ResponseTypes   []string        `json:"response_types,omitempty"`
	ApplicationType string          `json:"application_type,omitempty"`
	SubjectType     string          `json:"subject_type,omitempty"`
	Name            string          `json:"client_name,omitempty"`
	ClientURI       string          `json:"client_uri,omitempty"`
	LogoURI         string          `json:"logo_uri,omitempty"`
	PolicyURI       string          `json:"policy_uri,omitempty"`
	TermsURI        string          `json:"tos_uri,omitempty"`
	Scope           string          `json:"scope,omitempty"`
	JWKS            json.RawMessage `json:"jwks,omitempty"`
	JWKSURI         string          `json:"jwks_uri,omitempty"`
	SoftwareID      string          `json:"software_id,omitempty"`
	SoftwareVersion string          `json:"software_version,omitempty"`

	TLSDN    string `json:"tls_client_auth_subject_dn,omitempty"`
	TLSDNS   string `json:"tls_client_auth_san_dns,omitempty"`
	TLSURI   string `json:"tls_client_auth_san_uri,omitempty"`
	TLSIP    string `json:"tls_client_auth_san_ip,omitempty"`
	TLSEmail string `json:"tls_client_auth_san_email,omitempty"`

	DefaultMaxAge        int64    `json:"default_max_age,omitempty"`
	RequireAuthTime      bool     `json:"require_auth_time,omitempty"`
	DefaultACR           []string `json:"default_acr_values,omitempty"`
	RequirePAR           bool     `json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequest bool     `json:"require_signed_request_object,omitempty"`
	DPoPBound            bool     `json:"dpop_bound_access_tokens,omitempty"`
	CertificateBound     bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DetailTypes          []string `json:"authorization_details_types,omitempty"` // only told: nobody has allowed them any

	IDTokenAlg       string `json:"id_token_signed_response_alg,omitempty"`
	IDTokenEncAlg    string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncEnc    string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoAlg      string `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoEncAlg   string `json:"userinfo_encrypted_response_alg,omitempty"`
	IntrospectionAlg string `json:"introspection_signed_response_alg,omitempty"`
	AuthorizationAlg string `json:"authorization_signed_response_alg,omitempty"`
	RequestObjectAlg string `json:"request_object_signing_alg,omitempty"`
	RequestEncAlg    string `json:"request_object_encryption_alg,omitempty"`

	PostLogoutRedirectURIs      []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI        string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelSessionRequired  bool     `json:"backchannel_logout_session_required,omitempty"`
	FrontchannelLogoutURI       string   `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSessionRequired bool     `json:"frontchannel_logout_session_required,omitempty"`
}

// MaxRedirectURIs is how many a client that the account did not make may have.
const MaxRedirectURIs = 20

// openGrants are what such a client may have: a person takes part in each.
var openGrants = []string{application.GrantCode, application.GrantRefresh, application.GrantDevice}

func bad(description string) *oauth.Error {
	return oauth.Fail(oauth.InvalidClientMetadata, description)
}

// settings reads the metadata into what an application keeps. Scopes is what such clients may ask for.
// The rules that every client has to follow are application.OAuth's own.
func (m Metadata) settings(scopes []string) (application.OAuth, error) {
	if err := m.check(); err != nil {
		return application.OAuth{}, err
	}
	o := application.OAuth{
		ThirdParty: true, AuthMethod: application.AuthMethod(m.AuthMethod), AuthAlg: m.AuthAlg, JWKS: m.JWKS, JWKSURI: m.JWKSURI,
		GrantTypes: m.GrantTypes, Native: m.native(),
		RequirePAR: m.RequirePAR, RequireSignedRequest: m.RequireSignedRequest, DPoPBound: m.DPoPBound, CertificateBound: m.CertificateBound,
		RequireAuthTime: m.RequireAuthTime, DefaultMaxAge: m.DefaultMaxAge, DefaultACR: m.DefaultACR,
		IDTokenAlg: m.IDTokenAlg, IDTokenEncAlg: m.IDTokenEncAlg, IDTokenEncEnc: m.IDTokenEncEnc, UserinfoAlg: m.UserinfoAlg,
		IntrospectionAlg: m.IntrospectionAlg, AuthorizationAlg: m.AuthorizationAlg, RequestObjectAlg: m.RequestObjectAlg,
		PostLogoutRedirectURLs: m.PostLogoutRedirectURIs,
		BackchannelLogoutURL:   m.BackchannelLogoutURI, BackchannelSessionRequired: m.BackchannelSessionRequired,
		FrontchannelLogoutURL: m.FrontchannelLogoutURI, FrontchannelSessionRequired: m.FrontchannelSessionRequired,
		LogoURI: m.LogoURI, ClientURI: m.ClientURI, PolicyURI: m.PolicyURI, TermsURI: m.TermsURI,
		SoftwareID: m.SoftwareID, SoftwareVersion: m.SoftwareVersion,
	}
	if o.IDTokenAlg == "" {
		o.IDTokenAlg = "RS256" // the default of OpenID Connect Dynamic Client Registration section 2
	}
	if len(o.GrantTypes) == 0 {
		o.GrantTypes = []string{application.GrantCode} // the default of RFC 7591 section 2
	}
	if tls := (application.TLSSubject{DN: m.TLSDN, DNS: m.TLSDNS, URI: m.TLSURI, IP: m.TLSIP, Email: m.TLSEmail}); tls != (application.TLSSubject{}) {
		o.TLSSubject = &tls
	}
	if len(scopes) == 0 {
		scopes = application.DefaultScopes
	}
	for _, s := range strings.Fields(m.Scope) { // what it may not ask for is left out, and the answer shows that
		if slices.Contains(scopes, s) && !slices.Contains(o.Scopes, s) {
			o.Scopes = append(o.Scopes, s)
		}
	}
	if len(o.Scopes) == 0 {
		o.Scopes = slices.Clone(scopes)
	}
	if err := o.Validate(); err != nil {
		return o, translate(err)
	}
	return o, nil
}

// check judges what is not an application's rule.
func (m Metadata) check() error {
	code := len(m.GrantTypes) == 0 || slices.Contains(m.GrantTypes, application.GrantCode)
	switch {
	case slices.ContainsFunc(m.GrantTypes, func(g string) bool { return !slices.Contains(openGrants, g) }):
		return bad("grant_types may be authorization_code, refresh_token and " + application.GrantDevice + ".")
	case slices.ContainsFunc(m.ResponseTypes, func(t string) bool { return t != "code" }):
		return bad("The only response type is code.")
	case m.SubjectType != "" && m.SubjectType != "public":
		return bad("The only subject_type is public.")
	case m.ApplicationType != "" && m.ApplicationType != "web" && m.ApplicationType != "native":
		return bad("application_type is web or native.")
	case m.AuthMethod == string(application.AuthWorkload):
		return bad("token_endpoint_auth_method is none, client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or self_signed_tls_client_auth.")
	case m.UserinfoEncAlg != "" || m.RequestEncAlg != "":
		return bad("Encrypted userinfo answers and encrypted request objects are not supported.")
	case code && len(m.RedirectURIs) == 0:
		return oauth.Fail(oauth.InvalidRedirectURI, "redirect_uris is needed for the authorization code grant.")
	case len(m.RedirectURIs) > MaxRedirectURIs:
		return oauth.Fail(oauth.InvalidRedirectURI, "There are at most 20 redirect_uris.")
	}
	for _, u := range m.RedirectURIs {
		if err := application.ValidateRedirect(u); err != nil {
			return oauth.Fail(oauth.InvalidRedirectURI, public(err))
		}
	}
	return nil
}

// native tells whether the client is an app on a person's machine. Only those register the loopback
// address, so one that does not say what it is and does is native.
func (m Metadata) native() bool {
	return m.ApplicationType == "native" || m.ApplicationType == "" && slices.ContainsFunc(m.RedirectURIs, func(u string) bool {
		return strings.HasPrefix(u, "http://127.0.0.1") || strings.HasPrefix(u, "http://[::1]")
	})
}

// describe writes what is registered, with the defaults filled in.
func describe(a application.Application) Metadata {
	o := a.OAuth.Filled()
	m := Metadata{
		RedirectURIs: a.RedirectURLs, AuthMethod: string(o.AuthMethod), AuthAlg: o.AuthAlg, GrantTypes: o.GrantTypes, SubjectType: "public",
		ApplicationType: "web", Name: a.Name, ClientURI: o.ClientURI, LogoURI: o.LogoURI, PolicyURI: o.PolicyURI, TermsURI: o.TermsURI,
		Scope: strings.Join(o.Scopes, " "), JWKS: o.JWKS, JWKSURI: o.JWKSURI, SoftwareID: o.SoftwareID, SoftwareVersion: o.SoftwareVersion,
		DefaultMaxAge: o.DefaultMaxAge, RequireAuthTime: o.RequireAuthTime, DefaultACR: o.DefaultACR, RequirePAR: o.RequirePAR,
		RequireSignedRequest: o.RequireSignedRequest, DPoPBound: o.DPoPBound, CertificateBound: o.CertificateBound, DetailTypes: o.AuthorizationDetails,
		IDTokenAlg: o.IDTokenAlg, IDTokenEncAlg: o.IDTokenEncAlg, IDTokenEncEnc: o.IDTokenEncEnc, UserinfoAlg: o.UserinfoAlg,
		IntrospectionAlg: o.IntrospectionAlg, AuthorizationAlg: o.AuthorizationAlg, RequestObjectAlg: o.RequestObjectAlg,
		PostLogoutRedirectURIs: o.PostLogoutRedirectURLs,
		BackchannelLogoutURI:   o.BackchannelLogoutURL, BackchannelSessionRequired: o.BackchannelSessionRequired,
		FrontchannelLogoutURI: o.FrontchannelLogoutURL, FrontchannelSessionRequired: o.FrontchannelSessionRequired,
	}
	if slices.Contains(o.GrantTypes, application.GrantCode) {
		m.ResponseTypes = []string{"code"}
	}
	if o.Native {
		m.ApplicationType = "native"
	}
	if t := o.TLSSubject; t != nil {
		m.TLSDN, m.TLSDNS, m.TLSURI, m.TLSIP, m.TLSEmail = t.DN, t.DNS, t.URI, t.IP, t.Email
	}
	return m
}

// translate makes a broken rule of the application's the answer of RFC 7591 section 3.2.2.
func translate(err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	return bad(names.Replace(public(err)))
}

func public(err error) string {
	if f, ok := err.(*fault.Error); ok {
		return f.Public
	}
	return "The metadata breaks a rule."
}

// names turns the members of our own API into those of the metadata.
var names = strings.NewReplacer(
	"oauth.tokenEndpointAuthMethod", "token_endpoint_auth_method", "oauth.tokenEndpointAuthSigningAlg", "token_endpoint_auth_signing_alg",
	"oauth.jwksUri", "jwks_uri", "oauth.jwks", "jwks", "oauth.tlsSubject", "the certificate's subject", "oauth.grantTypes", "grant_types",
	"oauth.scopes", "scope", "oauth.authorizationDetailsTypes", "authorization_details_types", "requireSignedRequestObject", "require_signed_request_object",
	"oauth.defaultMaxAge", "default_max_age", "oauth.defaultAcrValues", "default_acr_values", "oauth.idTokenSignedResponseAlg", "id_token_signed_response_alg",
	"oauth.userinfoSignedResponseAlg", "userinfo_signed_response_alg", "oauth.introspectionSignedResponseAlg", "introspection_signed_response_alg",
	"oauth.authorizationSignedResponseAlg", "authorization_signed_response_alg", "oauth.requestObjectSigningAlg", "request_object_signing_alg",
	"oauth.idTokenEncryptedResponseAlg", "id_token_encrypted_response_alg", "oauth.idTokenEncryptedResponseEnc", "id_token_encrypted_response_enc",
	"oauth.backchannelLogoutUrl", "backchannel_logout_uri", "oauth.frontchannelLogoutUrl", "frontchannel_logout_uri", "oauth.logoUri", "logo_uri",
	"oauth.clientUri", "client_uri", "oauth.policyUri", "policy_uri", "oauth.tosUri", "tos_uri",
)

package oidc

import (
	"net/http"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
)

// Offer is what an account's authorization server offers and another's may not.
type Offer struct {
	Registration bool   // clients may register themselves (RFC 7591)
	Documents    bool   // client id metadata documents are taken
	Certificates bool   // clients can show certificates (RFC 8705)
	Authorities  bool   // and authorities vouch for some of them
	MTLS         string // base URL where they are asked for one, or empty
}

// Provider tells what the authorization server offers. It answers from memory.
type Provider interface {
	Offer(account ident.AccountID) Offer
	// Serves tells whether a path is served: an endpoint that is not is not advertised.
	Serves(path string) bool
	// GrantTypes are those of the token endpoint.
	GrantTypes() []string
}

// metadata is the discovery document: OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2 and
// the registry "OAuth Authorization Server Metadata". The last three members are Admit's own.
type metadata struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint,omitempty"`
	endpoints
	Aliases      *endpoints `json:"mtls_endpoint_aliases,omitempty"`
	Registration string     `json:"registration_endpoint,omitempty"`
	EndSession   string     `json:"end_session_endpoint,omitempty"`
	JWKSURI      string     `json:"jwks_uri"`

	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Scopes        []string `json:"scopes_supported"`
	Claims        []string `json:"claims_supported"`
	ClaimTypes    []string `json:"claim_types_supported"`
	ACR           []string `json:"acr_values_supported"`
	Prompts       []string `json:"prompt_values_supported"`
	Locales       []string `json:"ui_locales_supported"`

	AuthMethods              []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs                 []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`

	IDTokenAlgs       []string `json:"id_token_signing_alg_values_supported"`
	IDTokenEncAlgs    []string `json:"id_token_encryption_alg_values_supported"`
	IDTokenEncEncs    []string `json:"id_token_encryption_enc_values_supported"`
	UserinfoAlgs      []string `json:"userinfo_signing_alg_values_supported,omitempty"`
	IntrospectionAlgs []string `json:"introspection_signing_alg_values_supported,omitempty"`
	AnswerAlgs        []string `json:"authorization_signing_alg_values_supported"`
	RequestAlgs       []string `json:"request_object_signing_alg_values_supported"`
	DPoPAlgs          []string `json:"dpop_signing_alg_values_supported"`

	ClaimsParameter  bool `json:"claims_parameter_supported"`
	Request          bool `json:"request_parameter_supported"`
	RequestURI       bool `json:"request_uri_parameter_supported"`
	RequirePAR       bool `json:"require_pushed_authorization_requests"`
	Iss              bool `json:"authorization_response_iss_parameter_supported"`
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	Documents        bool `json:"client_id_metadata_document_supported,omitempty"`
	Backchannel      bool `json:"backchannel_logout_supported,omitempty"`
	BackchannelSID   bool `json:"backchannel_logout_session_supported,omitempty"`
	Frontchannel     bool `json:"frontchannel_logout_supported,omitempty"`
	FrontchannelSID  bool `json:"frontchannel_logout_session_supported,omitempty"`

	AccessTokenJWKS  string   `json:"access_token_jwks_uri"`
	AccessTokenAlgs  []string `json:"access_token_signing_alg_values_supported"`
	MaxTokenLifetime int64    `json:"access_token_lifetime_seconds_max"`
}

// endpoints are those that clients call, where they may show a certificate.
type endpoints struct {
	Token         string `json:"token_endpoint,omitempty"`
	Pushed        string `json:"pushed_authorization_request_endpoint,omitempty"`
	Introspection string `json:"introspection_endpoint,omitempty"`
	Revocation    string `json:"revocation_endpoint,omitempty"`
	Userinfo      string `json:"userinfo_endpoint,omitempty"`
	Device        string `json:"device_authorization_endpoint,omitempty"`
}

// discovery sends the metadata; both addresses of it have the same.
func (s *Surface) discovery(w http.ResponseWriter, r *http.Request) error {
	account := web.AccountOf(r)
	issuer, offer := s.deps.Accounts.Issuer(account), s.deps.Provider.Offer(account)
	if d := s.config.get(account); d != nil && d.issuer == issuer && d.offer == offer {
		return d.send(w, r, cacheConfig)
	}
	d, err := newDocument(s.metadata(issuer, offer))
	if err != nil {
		return err
	}
	d.issuer, d.offer = issuer, offer
	s.config.put(account, d)
	return d.send(w, r, cacheConfig)
}

// at is the address of an endpoint, or "" when there is none.
func (s *Surface) at(base, path string) string {
	if !s.deps.Provider.Serves(path) {
		return ""
	}
	return base + path
}

func (s *Surface) endpoints(base string) endpoints {
	return endpoints{
		Token: s.at(base, "/oauth/token"), Pushed: s.at(base, "/oauth/par"), Introspection: s.at(base, "/oauth/introspect"),
		Revocation: s.at(base, "/oauth/revoke"), Userinfo: s.at(base, "/oauth/userinfo"), Device: s.at(base, "/oauth/device"),
	}
}

func (s *Surface) metadata(issuer string, o Offer) metadata {
	own := jose.Algorithms()
	foreign := append(jose.Algorithms(), "Ed25519") // another name for EdDSA, RFC 9864
	methods := []string{"none", "client_secret_basic", "client_secret_post", "private_key_jwt"}
	if o.Certificates {
		methods = append(methods, "self_signed_tls_client_auth")
	}
	if o.Certificates && o.Authorities {
		methods = append(methods, "tls_client_auth")
	}
	m := metadata{
		Issuer: issuer, Authorization: s.at(issuer, "/oauth/authorize"), endpoints: s.endpoints(issuer), EndSession: s.at(issuer, "/oauth/logout"),
		JWKSURI: issuer + pathKeys, AccessTokenJWKS: issuer + pathAccessKeys,
		ResponseTypes: []string{"code"}, ResponseModes: check.ResponseModes(), GrantTypes: s.deps.Provider.GrantTypes(),
		SubjectTypes: []string{"public"}, Challenges: []string{"S256"}, Scopes: []string{"openid", "profile", "email", "offline_access"},
		Claims: []string{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid",
			"name", "email", "email_verified", "picture", "locale",
		},
		ClaimTypes: []string{"normal"}, ACR: authorize.SupportedACR(), Prompts: check.Prompts(), Locales: []string{"en", "de", "fr", "es", "ja"},
		AuthMethods: methods, AuthAlgs: foreign,
		IDTokenAlgs: own, IDTokenEncAlgs: jose.EncryptionAlgorithms(), IDTokenEncEncs: jose.EncryptionMethods(),
		AnswerAlgs: own, RequestAlgs: foreign, DPoPAlgs: foreign,
		ClaimsParameter: true, Request: true, Iss: true, CertificateBound: o.Certificates, Documents: o.Documents,
		AccessTokenAlgs: own, MaxTokenLifetime: int64(keyring.MaxTokenLife.Seconds()),
	}
	if m.Introspection != "" {
		m.IntrospectionAuthMethods, m.IntrospectionAuthAlgs, m.IntrospectionAlgs = methods[1:], foreign, own
	}
	if m.Revocation != "" {
		m.RevocationAuthMethods, m.RevocationAuthAlgs = methods, foreign
	}
	if m.Userinfo != "" {
		m.UserinfoAlgs = own
	}
	if o.Registration {
		m.Registration = s.at(issuer, "/oauth/register")
	}
	if m.EndSession != "" {
		m.Backchannel, m.BackchannelSID, m.Frontchannel, m.FrontchannelSID = true, true, true, true
	}
	if o.MTLS != "" {
		aliases := s.endpoints(o.MTLS)
		m.Aliases = &aliases
	}
	return m
}

package application

import (
	"encoding/json"
	"time"
)

// AuthMethod is how a client proves at the token endpoint that it is itself, in the names of the
// IANA registry "OAuth Token Endpoint Authentication Methods".
type AuthMethod string

// The methods. WorkloadIdentity is Admit's own name: a JWT of a trusted issuer, such as a
// Kubernetes cluster, as the client assertion (RFC 7521 section 4.2, RFC 7523 section 2.2).
const (
	AuthNone          AuthMethod = "none" // a public client
	AuthSecretBasic   AuthMethod = "client_secret_basic"
	AuthSecretPost    AuthMethod = "client_secret_post"
	AuthPrivateKeyJWT AuthMethod = "private_key_jwt"
	AuthTLS           AuthMethod = "tls_client_auth"
	AuthSelfSignedTLS AuthMethod = "self_signed_tls_client_auth"
	AuthWorkload      AuthMethod = "workload_identity"
)

// TokenFormat says what an access token is made of.
type TokenFormat string

// The formats.
const (
	FormatJWT    TokenFormat = "jwt"    // RFC 9068, verified offline
	FormatOpaque TokenFormat = "opaque" // looked up by introspection (RFC 7662)
)

// OAuth is what an application is as an OAuth 2.1 client, beside its redirect URLs. Its zero value
// is a public first-party client of the authorization code flow. Redirect URLs are compared byte
// for byte whatever the application's RedirectMode. Where a member has a counterpart in the
// client metadata of RFC 7591 section 2 and its registry, it means the same.
type OAuth struct {
	AuthMethod AuthMethod      `json:"tokenEndpointAuthMethod,omitempty"`
	Secrets    []ClientSecret  `json:"secrets,omitempty"` // hashes; at most MaxSecrets alive
	JWKS       json.RawMessage `json:"jwks,omitempty"`
	JWKSURI    string          `json:"jwksUri,omitempty"`
	TLSSubject *TLSSubject     `json:"tlsSubject,omitempty"` // for AuthTLS
	Workloads  []Workload      `json:"workloads,omitempty"`  // for AuthWorkload

	GrantTypes []string `json:"grantTypes,omitempty"` // empty: authorization_code and refresh_token
	Scopes     []string `json:"scopes,omitempty"`     // that it may ask for; empty: DefaultScopes
	// Resources are the resource indicators (RFC 8707) that its tokens may be for.
	Resources []string `json:"resources,omitempty"`
	// IntrospectionAudiences are the resource indicators, or the account's id, of the tokens that it may introspect
	// beside its own: the client is the resource server of them (RFC 7662).
	IntrospectionAudiences []string `json:"introspectionAudiences,omitempty"`
	AuthorizationDetails   []string `json:"authorizationDetailsTypes,omitempty"` // types of RFC 9396

	Native     bool `json:"native,omitempty"`     // any port of a registered loopback redirect URL (RFC 8252 section 7.3)
	ThirdParty bool `json:"thirdParty,omitempty"` // people are asked for consent, and tokens never open Admit's own API

	RequirePAR           bool     `json:"requirePushedAuthorizationRequests,omitempty"`
	RequireSignedRequest bool     `json:"requireSignedRequestObject,omitempty"`
	DPoPBound            bool     `json:"dpopBoundAccessTokens,omitempty"`
	CertificateBound     bool     `json:"tlsClientCertificateBoundAccessTokens,omitempty"`
	RequireAuthTime      bool     `json:"requireAuthTime,omitempty"`
	DefaultMaxAge        int64    `json:"defaultMaxAge,omitempty"` // seconds; 0 is none
	DefaultACR           []string `json:"defaultAcrValues,omitempty"`

	AccessTokenFormat TokenFormat   `json:"accessTokenFormat,omitempty"`
	AccessTokenLife   time.Duration `json:"accessTokenLife,omitempty"`  // 0: 15 minutes
	RefreshTokenIdle  time.Duration `json:"refreshTokenIdle,omitempty"` // 0: 30 days without use
	RefreshTokenLife  time.Duration `json:"refreshTokenLife,omitempty"` // 0: 90 days in all

	// Algorithms, all "EdDSA" when empty. Userinfo, Introspection: empty is plain JSON.
	AccessTokenAlg   string `json:"accessTokenSignedResponseAlg,omitempty"`
	IDTokenAlg       string `json:"idTokenSignedResponseAlg,omitempty"`
	UserinfoAlg      string `json:"userinfoSignedResponseAlg,omitempty"`
	IntrospectionAlg string `json:"introspectionSignedResponseAlg,omitempty"`
	AuthorizationAlg string `json:"authorizationSignedResponseAlg,omitempty"` // JARM
	RequestObjectAlg string `json:"requestObjectSigningAlg,omitempty"`        // the only one taken; empty: any supported
	AuthAlg          string `json:"tokenEndpointAuthSigningAlg,omitempty"`    // the same for client assertions
	IDTokenEncAlg    string `json:"idTokenEncryptedResponseAlg,omitempty"`    // empty: not encrypted
	IDTokenEncEnc    string `json:"idTokenEncryptedResponseEnc,omitempty"`
	StaticKey        bool   `json:"staticKey,omitempty"` // signed by the account's static key (kid s-...), for verifiers without a JWKS

	PostLogoutRedirectURLs      []string `json:"postLogoutRedirectUrls,omitempty"`
	BackchannelLogoutURL        string   `json:"backchannelLogoutUrl,omitempty"`
	BackchannelSessionRequired  bool     `json:"backchannelLogoutSessionRequired,omitempty"`
	FrontchannelLogoutURL       string   `json:"frontchannelLogoutUrl,omitempty"`
	FrontchannelSessionRequired bool     `json:"frontchannelLogoutSessionRequired,omitempty"`

	Claims json.RawMessage `json:"claims,omitempty"` // extra claims of its tokens: the JSON of an object

	// What the consent page shows.
	LogoURI   string `json:"logoUri,omitempty"`
	ClientURI string `json:"clientUri,omitempty"`
	PolicyURI string `json:"policyUri,omitempty"`
	TermsURI  string `json:"tosUri,omitempty"`

	Registered       string `json:"registered,omitempty"`       // "dynamic" when it registered itself (RFC 7591)
	RegistrationHash []byte `json:"registrationHash,omitempty"` // of its registration access token (RFC 7592)
	SoftwareID       string `json:"softwareId,omitempty"`
	SoftwareVersion  string `json:"softwareVersion,omitempty"`
}

// ClientSecret is what is kept of a client secret.
type ClientSecret struct {
	ID        string    `json:"id"`
	Hash      []byte    `json:"hash"` // secret.Hash over the purpose and the value
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // zero: does not end
}

// TLSSubject is the one subject that a client's certificate must have, RFC 8705 section 2.1.2.
// Exactly one member is set.
type TLSSubject struct {
	DN    string `json:"dn,omitempty"` // RFC 4514 text
	DNS   string `json:"sanDns,omitempty"`
	URI   string `json:"sanUri,omitempty"`
	IP    string `json:"sanIp,omitempty"`
	Email string `json:"sanEmail,omitempty"`
}

// SPIFFE begins the issuer of a workload that is known by its SPIFFE ID: spiffe://trust-domain.
const SPIFFE = "spiffe://"

// Workload is whose tokens stand for the client: exactly this issuer, subject and audience.
type Workload struct {
	Issuer   string          `json:"issuer"`
	Subject  string          `json:"subject"`
	Audience string          `json:"audience,omitempty"` // empty: the account's issuer
	JWKS     json.RawMessage `json:"jwks,omitempty"`     // the issuer's keys, where it cannot be asked
	JWKSURI  string          `json:"jwksUri,omitempty"`  // empty, without JWKS: by the issuer's discovery
}

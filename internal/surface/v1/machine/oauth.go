package machine

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// oauthWire is what an application is as an OAuth client. A PUT that has it replaces all of it but
// the secrets; one without it leaves it alone.
type oauthWire struct {
	AuthMethod application.AuthMethod `json:"tokenEndpointAuthMethod"`
	Secrets    []clientSecretWire     `json:"secrets,omitempty"` // read only, without the secrets themselves
	JWKS       json.RawMessage        `json:"jwks,omitempty"`
	JWKSURI    string                 `json:"jwksUri,omitempty"`
	TLSSubject *tlsSubjectWire        `json:"tlsSubject,omitempty"`
	Workloads  []workloadWire         `json:"workloads,omitempty"`

	GrantTypes           []string `json:"grantTypes"`
	Scopes               []string `json:"scopes,omitempty"`
	Resources            []string `json:"resources,omitempty"`
	AuthorizationDetails []string `json:"authorizationDetailsTypes,omitempty"`

	IntrospectionAudiences []string `json:"introspectionAudiences,omitempty"`

	Native               bool     `json:"native,omitempty"`
	ThirdParty           bool     `json:"thirdParty,omitempty"`
	RequirePAR           bool     `json:"requirePushedAuthorizationRequests,omitempty"`
	RequireSignedRequest bool     `json:"requireSignedRequestObject,omitempty"`
	DPoPBound            bool     `json:"dpopBoundAccessTokens,omitempty"`
	CertificateBound     bool     `json:"tlsClientCertificateBoundAccessTokens,omitempty"`
	RequireAuthTime      bool     `json:"requireAuthTime,omitempty"`
	DefaultMaxAge        int64    `json:"defaultMaxAge,omitempty"`
	DefaultACR           []string `json:"defaultAcrValues,omitempty"`

	AccessTokenFormat application.TokenFormat `json:"accessTokenFormat,omitempty"`
	AccessTokenLife   *wire.Duration          `json:"accessTokenLife,omitempty"`
	RefreshTokenIdle  *wire.Duration          `json:"refreshTokenIdle,omitempty"`
	RefreshTokenLife  *wire.Duration          `json:"refreshTokenLife,omitempty"`

	AccessTokenAlg   string `json:"accessTokenSignedResponseAlg,omitempty"`
	IDTokenAlg       string `json:"idTokenSignedResponseAlg,omitempty"`
	UserinfoAlg      string `json:"userinfoSignedResponseAlg,omitempty"`
	IntrospectionAlg string `json:"introspectionSignedResponseAlg,omitempty"`
	AuthorizationAlg string `json:"authorizationSignedResponseAlg,omitempty"`
	RequestObjectAlg string `json:"requestObjectSigningAlg,omitempty"`
	AuthAlg          string `json:"tokenEndpointAuthSigningAlg,omitempty"`
	IDTokenEncAlg    string `json:"idTokenEncryptedResponseAlg,omitempty"`
	IDTokenEncEnc    string `json:"idTokenEncryptedResponseEnc,omitempty"`
	StaticKey        bool   `json:"staticKey,omitempty"`

	PostLogoutRedirectURLs      []string `json:"postLogoutRedirectUrls,omitempty"`
	BackchannelLogoutURL        string   `json:"backchannelLogoutUrl,omitempty"`
	BackchannelSessionRequired  bool     `json:"backchannelLogoutSessionRequired,omitempty"`
	FrontchannelLogoutURL       string   `json:"frontchannelLogoutUrl,omitempty"`
	FrontchannelSessionRequired bool     `json:"frontchannelLogoutSessionRequired,omitempty"`

	Claims json.RawMessage `json:"claims,omitempty"`

	LogoURI   string `json:"logoUri,omitempty"`
	ClientURI string `json:"clientUri,omitempty"`
	PolicyURI string `json:"policyUri,omitempty"`
	TermsURI  string `json:"tosUri,omitempty"`

	Registered string `json:"registered,omitempty"` // read only
}

// UnmarshalJSON implements json.Unmarshaler. Members that the settings do not have are refused: a
// misspelled one would leave a client less bound than somebody thinks.
func (in *oauthWire) UnmarshalJSON(b []byte) error {
	type plain oauthWire
	if err := strictjson.Check(b, (*plain)(in)); err != nil { // it does not look into a type that reads itself
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The OAuth settings are not valid: "+err.Error()+".")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode((*plain)(in))
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The OAuth settings have no member %s. The reference of clients lists those that they have.", name)
	}
	return err
}

type clientSecretWire struct {
	SecretID    string `json:"secretId"`
	CreatedTime string `json:"createdTime"`
	ExpiresTime string `json:"expiresTime,omitempty"`
}

type tlsSubjectWire struct {
	DN    string `json:"dn,omitempty"`
	DNS   string `json:"sanDns,omitempty"`
	URI   string `json:"sanUri,omitempty"`
	IP    string `json:"sanIp,omitempty"`
	Email string `json:"sanEmail,omitempty"`
}

type workloadWire struct {
	Issuer   string          `json:"issuer"`
	Subject  string          `json:"subject"`
	Audience string          `json:"audience,omitempty"`
	JWKS     json.RawMessage `json:"jwks,omitempty"`
	JWKSURI  string          `json:"jwksUri,omitempty"`
}

// onto puts the input over the settings. What only Admit sets stays.
func (in *oauthWire) onto(o application.OAuth) application.OAuth {
	next := application.OAuth{
		AuthMethod: in.AuthMethod, Secrets: o.Secrets, JWKS: in.JWKS, JWKSURI: in.JWKSURI,
		GrantTypes: in.GrantTypes, Scopes: in.Scopes, Resources: in.Resources, AuthorizationDetails: in.AuthorizationDetails, IntrospectionAudiences: in.IntrospectionAudiences,
		Native: in.Native, ThirdParty: in.ThirdParty, RequirePAR: in.RequirePAR, RequireSignedRequest: in.RequireSignedRequest,
		DPoPBound: in.DPoPBound, CertificateBound: in.CertificateBound, RequireAuthTime: in.RequireAuthTime,
		DefaultMaxAge: in.DefaultMaxAge, DefaultACR: in.DefaultACR, AccessTokenFormat: in.AccessTokenFormat,
		AccessTokenAlg: in.AccessTokenAlg, IDTokenAlg: in.IDTokenAlg, UserinfoAlg: in.UserinfoAlg, IntrospectionAlg: in.IntrospectionAlg,
		AuthorizationAlg: in.AuthorizationAlg, RequestObjectAlg: in.RequestObjectAlg, AuthAlg: in.AuthAlg,
		IDTokenEncAlg: in.IDTokenEncAlg, IDTokenEncEnc: in.IDTokenEncEnc, StaticKey: in.StaticKey,
		PostLogoutRedirectURLs: in.PostLogoutRedirectURLs,
		BackchannelLogoutURL:   in.BackchannelLogoutURL, BackchannelSessionRequired: in.BackchannelSessionRequired,
		FrontchannelLogoutURL: in.FrontchannelLogoutURL, FrontchannelSessionRequired: in.FrontchannelSessionRequired,
		Claims: in.Claims, LogoURI: in.LogoURI, ClientURI: in.ClientURI, PolicyURI: in.PolicyURI, TermsURI: in.TermsURI,
		Registered: o.Registered, RegistrationHash: o.RegistrationHash, SoftwareID: o.SoftwareID, SoftwareVersion: o.SoftwareVersion,
	}
	wire.Set(&next.AccessTokenLife, (*time.Duration)(in.AccessTokenLife))
	wire.Set(&next.RefreshTokenIdle, (*time.Duration)(in.RefreshTokenIdle))
	wire.Set(&next.RefreshTokenLife, (*time.Duration)(in.RefreshTokenLife))
	if in.TLSSubject != nil {
		next.TLSSubject = (*application.TLSSubject)(in.TLSSubject)
	}
	for _, w := range in.Workloads {
		next.Workloads = append(next.Workloads, application.Workload(w))
	}
	return next
}

func newOAuthWire(o application.OAuth) *oauthWire {
	filled := o.Filled()
	out := &oauthWire{
		AuthMethod: filled.AuthMethod, JWKS: o.JWKS, JWKSURI: o.JWKSURI, TLSSubject: (*tlsSubjectWire)(o.TLSSubject),
		GrantTypes: filled.GrantTypes, Scopes: o.Scopes, Resources: o.Resources, AuthorizationDetails: o.AuthorizationDetails, IntrospectionAudiences: o.IntrospectionAudiences,
		Native: o.Native, ThirdParty: o.ThirdParty, RequirePAR: o.RequirePAR, RequireSignedRequest: o.RequireSignedRequest,
		DPoPBound: o.DPoPBound, CertificateBound: o.CertificateBound, RequireAuthTime: o.RequireAuthTime,
		DefaultMaxAge: o.DefaultMaxAge, DefaultACR: o.DefaultACR, AccessTokenFormat: o.AccessTokenFormat,
		AccessTokenLife: durationWire(o.AccessTokenLife), RefreshTokenIdle: durationWire(o.RefreshTokenIdle), RefreshTokenLife: durationWire(o.RefreshTokenLife),
		AccessTokenAlg: o.AccessTokenAlg, IDTokenAlg: o.IDTokenAlg, UserinfoAlg: o.UserinfoAlg, IntrospectionAlg: o.IntrospectionAlg,
		AuthorizationAlg: o.AuthorizationAlg, RequestObjectAlg: o.RequestObjectAlg, AuthAlg: o.AuthAlg,
		IDTokenEncAlg: o.IDTokenEncAlg, IDTokenEncEnc: o.IDTokenEncEnc, StaticKey: o.StaticKey,
		PostLogoutRedirectURLs: o.PostLogoutRedirectURLs,
		BackchannelLogoutURL:   o.BackchannelLogoutURL, BackchannelSessionRequired: o.BackchannelSessionRequired,
		FrontchannelLogoutURL: o.FrontchannelLogoutURL, FrontchannelSessionRequired: o.FrontchannelSessionRequired,
		Claims: o.Claims, LogoURI: o.LogoURI, ClientURI: o.ClientURI, PolicyURI: o.PolicyURI, TermsURI: o.TermsURI, Registered: o.Registered,
	}
	for _, w := range o.Workloads {
		out.Workloads = append(out.Workloads, workloadWire(w))
	}
	for _, s := range o.Secrets {
		out.Secrets = append(out.Secrets, secretWire(s))
	}
	return out
}

// durationWire leaves out what nobody has set.
func durationWire(d time.Duration) *wire.Duration {
	if d == 0 {
		return nil
	}
	return (*wire.Duration)(&d)
}

func secretWire(s application.ClientSecret) clientSecretWire {
	return clientSecretWire{SecretID: s.ID, CreatedTime: wire.Timestamp(s.CreatedAt), ExpiresTime: wire.Timestamp(s.ExpiresAt)}
}

// allowProving judges whether the caller may decide who can prove to be an application: whoever can
// has what was given to the application itself.
func (s *Surface) allowProving(r *http.Request, id ident.ApplicationID) error {
	return s.d.Acting.AllowActing(web.ActorOf(r), string(id))
}

// addClientSecret answers with the one look at a new secret.
func (s *Surface) addClientSecret(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		ExpiresTime string `json:"expiresTime"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody, web.AllowEmpty); err != nil {
		return err
	}
	var expires time.Time
	if in.ExpiresTime != "" {
		var err error
		if expires, err = time.Parse(time.RFC3339Nano, in.ExpiresTime); err != nil {
			return fault.New(fault.Invalid, fault.CodeInvalidRequest, "expiresTime is a time as in 2030-12-31T00:00:00Z.")
		}
	}
	id := ident.ApplicationID(r.PathValue("applicationId"))
	if err := s.allowProving(r, id); err != nil {
		return err
	}
	made, value, err := s.d.Secrets.AddSecret(r.Context(), web.ActorOf(r), id, expires.UTC())
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), struct {
		clientSecretWire
		ClientSecret string      `json:"clientSecret"`
		Links        *wire.Links `json:"links"`
	}{secretWire(made), value.Reveal(), s.api.SelfLinks(r, "applications", string(id), "secrets", made.ID)})
}

func (s *Surface) removeClientSecret(w http.ResponseWriter, r *http.Request) error {
	err := s.d.Secrets.RemoveSecret(r.Context(), web.ActorOf(r), ident.ApplicationID(r.PathValue("applicationId")), r.PathValue("secretId"))
	if err != nil {
		return err
	}
	return wire.Done(w, r)
}

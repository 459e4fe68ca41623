package application

import (
	"slices"
	"time"
)

// The grant types, in the names of the IANA registry.
const (
	GrantCode              = "authorization_code"
	GrantRefresh           = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDevice            = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628
	GrantExchange          = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 section 2.1
)

// GrantTypes are all that a client can have.
var GrantTypes = []string{GrantCode, GrantRefresh, GrantClientCredentials, GrantDevice, GrantExchange, GrantJWTBearer}

// DefaultScopes are what a client may ask for when its settings name no scopes.
var DefaultScopes = []string{"openid", "profile", "email", "offline_access"}

// What settings mean that are not set.
const (
	DefaultAlgorithm        = "EdDSA"
	DefaultAccessTokenLife  = 15 * time.Minute
	DefaultRefreshTokenIdle = 30 * 24 * time.Hour
	DefaultRefreshTokenLife = 90 * 24 * time.Hour
)

var defaultGrantTypes = []string{GrantCode, GrantRefresh}

// Filled returns o with every default in its place. What is stored is not filled, so that a later
// default is everybody's who has not chosen. The slices of the result are not to be changed.
func (o OAuth) Filled() OAuth {
	if o.AuthMethod == "" {
		o.AuthMethod = AuthNone
	}
	if len(o.GrantTypes) == 0 {
		o.GrantTypes = defaultGrantTypes
	}
	if len(o.Scopes) == 0 {
		o.Scopes = DefaultScopes
	}
	if o.AccessTokenFormat == "" {
		o.AccessTokenFormat = FormatJWT
	}
	for _, d := range []struct {
		to   *time.Duration
		from time.Duration
	}{{&o.AccessTokenLife, DefaultAccessTokenLife}, {&o.RefreshTokenIdle, DefaultRefreshTokenIdle}, {&o.RefreshTokenLife, DefaultRefreshTokenLife}} {
		if *d.to == 0 {
			*d.to = d.from
		}
	}
	for _, alg := range []*string{&o.AccessTokenAlg, &o.IDTokenAlg, &o.AuthorizationAlg} {
		if *alg == "" {
			*alg = DefaultAlgorithm
		}
	}
	if o.IDTokenEncAlg != "" && o.IDTokenEncEnc == "" {
		o.IDTokenEncEnc = "A128CBC-HS256" // OpenID Connect Registration section 2
	}
	return o
}

// MayUse tells whether a grant type is among those of the settings.
func (o OAuth) MayUse(grantType string) bool {
	return slices.Contains(o.Filled().GrantTypes, grantType)
}

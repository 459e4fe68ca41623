package conformance

import (
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zoidc "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const device = "urn:ietf:params:oauth:grant-type:device_code"

var scopes = []string{"openid", "profile", "email", "offline_access"}

// `coreos/go-oidc` with `x/oauth2`: discovery, PKCE, an ID token of each algorithm verified with nonce and at_hash, userinfo, refresh.
func TestGoOIDC(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		ann := s.person(t, "ann@example.com")
		for _, alg := range []string{"EdDSA", "RS256", "ES256", "PS256"} {
			id, secret := s.client(t, map[string]any{"tokenEndpointAuthMethod": "client_secret_basic", "idTokenSignedResponseAlg": alg})
			ctx := within(t)
			provider, err := oidc.NewProvider(ctx, s.url)
			if err != nil {
				t.Fatal(err)
			}
			config := oauth2.Config{ClientID: id, ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: callback, Scopes: scopes}
			verifier := oauth2.GenerateVerifier()
			back := ann.open(config.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1")))
			if back == nil || back.Query().Get("state") != "state-1" || back.Query().Get("iss") != s.url {
				t.Fatalf("%s: came back as %v", alg, back)
			}
			tokens, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(alg, err)
			}
			raw, _ := tokens.Extra("id_token").(string)
			found, err := provider.Verifier(&oidc.Config{ClientID: id}).Verify(ctx, raw)
			if err != nil || found.Nonce != "nonce-1" || found.Issuer != s.url {
				t.Fatalf("%s: %+v %v", alg, found, err)
			}
			if err := found.VerifyAccessToken(tokens.AccessToken); err != nil {
				t.Errorf("%s: at_hash: %v", alg, err)
			}
			info, err := provider.UserInfo(ctx, config.TokenSource(ctx, tokens))
			if err != nil || info.Email != "ann@example.com" || info.Subject != found.Subject {
				t.Fatalf("%s: userinfo %+v %v", alg, info, err)
			}
			next, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
			if err != nil || next.AccessToken == tokens.AccessToken {
				t.Fatalf("%s: refresh %v", alg, err)
			}
			if _, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier)); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
				t.Errorf("%s: a code twice: %v", alg, err)
			}
		}
	})
}

// `x/oauth2`: the device grant, with PKCE; the person approves on the page.
func TestDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		id, _ := s.client(t, map[string]any{"grantTypes": []string{device, "refresh_token"}})
		ctx := within(t)
		provider, err := oidc.NewProvider(ctx, s.url)
		if err != nil {
			t.Fatal(err)
		}
		config := oauth2.Config{ClientID: id, Endpoint: provider.Endpoint(), Scopes: scopes}
		verifier := oauth2.GenerateVerifier()
		start, err := config.DeviceAuth(ctx, oauth2.S256ChallengeOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		start.Interval = 1
		s.person(t, "ann@example.com").open(start.VerificationURIComplete)
		tokens, err := config.DeviceAccessToken(ctx, start, oauth2.VerifierOption(verifier))
		if err != nil || tokens.RefreshToken == "" {
			t.Fatal(err)
		}
	})
}

// `x/oauth2/clientcredentials`: the secret in the header, in the body, and found out by trying both.
func TestClientCredentials(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		for method, style := range map[string]oauth2.AuthStyle{"client_secret_basic": oauth2.AuthStyleInHeader, "client_secret_post": oauth2.AuthStyleInParams} {
			for _, s2 := range []oauth2.AuthStyle{style, oauth2.AuthStyleAutoDetect} {
				id, secret := s.client(t, map[string]any{"tokenEndpointAuthMethod": method, "grantTypes": []string{"client_credentials"}, "scopes": []string{"read"}})
				config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: s.url + "/oauth/token", Scopes: []string{"read"}, AuthStyle: s2}
				tokens, err := config.Token(within(t))
				if err != nil || tokens.Type() != "Bearer" || tokens.Expiry.IsZero() {
					t.Errorf("%s, style %d: %v", method, s2, err)
				}
			}
		}
	})
}

// `zitadel/oidc` as relying party: the code flow with PKCE, userinfo, refresh, revocation, end of session.
func TestZitadelRelyingParty(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		id, secret := s.client(t, map[string]any{
			"tokenEndpointAuthMethod": "client_secret_post", "idTokenSignedResponseAlg": "RS256", "postLogoutRedirectUrls": []string{"http://localhost:9/bye"},
		})
		ctx := within(t)
		party, err := rp.NewRelyingPartyOIDC(ctx, s.url, id, secret, callback, scopes, rp.WithAuthStyle(oauth2.AuthStyleInParams))
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.GenerateVerifier()
		ann := s.person(t, "ann@example.com")
		back := ann.open(rp.AuthURL("state-1", party, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier))))
		tokens, err := rp.CodeExchange[*zoidc.IDTokenClaims](ctx, back.Query().Get("code"), party, rp.WithCodeVerifier(verifier))
		if err != nil {
			t.Fatal(err)
		}
		info, err := rp.Userinfo[*zoidc.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, party)
		if err != nil || info.Email != "ann@example.com" || !bool(info.EmailVerified) {
			t.Fatalf("%+v %v", info, err)
		}
		next, err := rp.RefreshTokens[*zoidc.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
		if err != nil || next.IDTokenClaims.Subject != info.Subject {
			t.Fatal(err)
		}
		if err := rp.RevokeToken(ctx, party, next.RefreshToken, "refresh_token"); err != nil {
			t.Fatal(err)
		}
		if _, err := rp.RefreshTokens[*zoidc.IDTokenClaims](ctx, party, next.RefreshToken, "", ""); err == nil {
			t.Error("a revoked token is good")
		}
		to, err := rp.EndSession(ctx, party, tokens.IDToken, "http://localhost:9/bye", "state-2", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if to != nil && !strings.HasPrefix(to.String(), "http://localhost:9/bye") && !strings.HasPrefix(to.String(), s.url) {
			t.Error("end of session leads to", to)
		}
	})
}

// `zitadel/oidc` as a device. (Its JWT profile is not exercised: its assertions have no `jti`, which OpenID Connect Core section 9 wants.)
func TestZitadelDevice(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		ctx := within(t)
		id, _ := s.client(t, map[string]any{"grantTypes": []string{device}})
		party, err := rp.NewRelyingPartyOIDC(ctx, s.url, id, "", "", []string{"openid"})
		if err != nil {
			t.Fatal(err)
		}
		start, err := rp.DeviceAuthorization(ctx, []string{"openid"}, party, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.person(t, "ann@example.com").open(start.VerificationURIComplete)
		if _, err := rp.DeviceAccessToken(ctx, start.DeviceCode, 1e9, party); err != nil {
			t.Error(err)
		}
	})
}

package oidc

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/egress"
)

// Whatever a provider answers, reading it neither panics nor yields what may not be used.

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://a.example","authorization_endpoint":"https://a.example/a","token_endpoint":"https://a.example/t","jwks_uri":"https://a.example/k"}`))
	f.Add([]byte(`{"issuer":"https://a.example","authorization_endpoint":"javascript:x","id_token_signing_alg_values_supported":["none"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMetadata(body, "https://a.example")
		if err != nil {
			return
		}
		for _, address := range []string{m.authorization, m.token, m.keys} {
			if egress.CheckURL(address, false) != nil {
				t.Errorf("%q may be fetched", address)
			}
		}
		if len(m.algorithms) == 0 || slices.ContainsFunc(m.algorithms, func(a string) bool { return !slices.Contains(algorithms, a) }) {
			t.Errorf("%v", m.algorithms)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"oct","k":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"RSA","n":"AQ","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.fits("HS256") || k.fits("none") || k.fits("") {
				t.Errorf("%+v fits what it must not", k)
			}
		}
	})
}

func FuzzHeader(f *testing.F) {
	segment := base64.RawURLEncoding.EncodeToString
	f.Add(segment([]byte(`{"alg":"ES256","kid":"a"}`)) + ".e30.AA")
	f.Add(segment([]byte(`{"alg":"none","crit":["x"]}`)) + ".e30.AA")
	f.Add(strings.Repeat(".", 10))
	v := verification{metadata: &metadata{algorithms: []string{"ES256"}}}
	f.Fuzz(func(t *testing.T, raw string) {
		if algorithm, _, err := v.header(raw); err == nil && (algorithm != "ES256" || strings.Count(raw, ".") != 2) {
			t.Errorf("%q passed with %q", raw, algorithm)
		}
	})
}

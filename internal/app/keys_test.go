package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	gojose "github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/jose"
)

// ownKeys gives go-oidc the key set of the server under test.
type ownKeys struct{ p *testServer }

func (k ownKeys) VerifySignature(_ context.Context, jwt string) ([]byte, error) {
	k.p.Helper()
	keys, err := jose.ParseJWKS([]byte(k.p.get("/.well-known/jwks.json", "").text))
	if err != nil {
		return nil, err
	}
	_, claims, err := jose.VerifyForeign(jwt, keys, jose.Expect{Algorithms: jose.Algorithms(), Types: []string{"JWT"}, MaxBytes: jose.MaxSigned})
	return claims, err
}

// TestAlgorithmsOfClients: a client's tokens are signed as it asked for, by keys of their own, and such access tokens
// are as good here as any until their key is withdrawn.
func TestAlgorithmsOfClients(t *testing.T) {
	everywhere(t, func(p *testServer) {
		decrypting, err := jose.GenerateKey(jose.RS256)
		if err != nil {
			p.Fatal(err)
		}
		jwks, err := json.Marshal(map[string]any{"keys": []any{jose.PublicJWK{KeyID: "e", Use: "enc", Key: decrypting.Public()}}})
		if err != nil {
			p.Fatal(err)
		}
		used := map[string]bool{}
		for _, c := range []struct {
			alg       string
			static    bool
			encrypted bool
		}{{"", false, false}, {jose.ES256, false, false}, {jose.PS256, false, true}, {jose.RS256, false, false}, {"", true, false}, {jose.RS256, true, true}} {
			o := application.OAuth{IDTokenAlg: c.alg, AccessTokenAlg: c.alg, StaticKey: c.static}
			if c.encrypted {
				o.JWKS, o.IDTokenEncAlg, o.IDTokenEncEnc = jwks, "RSA-OAEP-256", "A256GCM"
			}
			id, _ := p.application(o)
			out := p.post("/oauth/token", "grant_type", "authorization_code", "client_id", id, "code", p.code(id, "openid email"), "redirect_uri", testBack, "code_verifier", testVerifier)
			if out.status != 200 {
				p.Fatalf("%+v: %d %s", c, out.status, out.text)
			}
			want := c.alg
			if want == "" {
				want = jose.EdDSA
			}
			access, idToken := text(out.body, "access_token"), text(out.body, "id_token")
			if c.encrypted {
				sealed, err := gojose.ParseEncryptedCompact(idToken, []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, []gojose.ContentEncryption{gojose.A256GCM})
				if err != nil {
					p.Fatal(err)
				}
				plain, err := sealed.Decrypt(decrypting)
				if err != nil {
					p.Fatal(err)
				}
				idToken = string(plain)
			}
			verifier := gooidc.NewVerifier("http://localhost:4000", ownKeys{p}, &gooidc.Config{ClientID: id, SupportedSigningAlgs: []string{want}})
			parsed, err := verifier.Verify(p.Context(), idToken)
			if err != nil || parsed.Nonce != "n" || parsed.Subject != string(p.user.ID) {
				p.Fatalf("%+v: %v", c, err)
			}
			if err := parsed.VerifyAccessToken(access); err != nil {
				p.Errorf("%+v: at_hash: %v", c, err)
			}
			api := "/v1/users/" + string(p.user.ID) + "/resources/x/permissions/READ"
			if got := p.get(api, access); got.status != 404 {
				p.Errorf("%+v: the API: %d %s", c, got.status, got.text)
			}
			if got := p.get("/oauth/userinfo", access); got.status != 200 {
				p.Errorf("%+v: userinfo: %d %s", c, got.status, got.text)
			}
			for _, wrong := range []string{idToken, access + "x", access[:len(access)-4]} {
				if got := p.get(api, wrong); got.status != 401 {
					p.Errorf("%+v: another token: %d", c, got.status)
				}
			}
			kid, err := jose.KeyIDOf(access)
			if err != nil || strings.HasPrefix(kid, "s-") != c.static || used[kid] {
				p.Errorf("%+v: kid %s, %v", c, kid, err)
			}
			used[kid] = true
			next, err := p.WithdrawKey(p.Context(), kid)
			if err != nil || next == "" {
				p.Fatal(next, err)
			}
			if got := p.get(api, access); got.status != 401 {
				p.Errorf("%+v: its key is withdrawn and the API takes the token: %d", c, got.status)
			}
			if got := p.get("/oauth/userinfo", access); got.status != 401 {
				p.Errorf("%+v: its key is withdrawn and userinfo takes the token: %d", c, got.status)
			}
			if got := p.get("/.well-known/jwks.json", ""); strings.Contains(got.text, `"`+kid+`"`) || !strings.Contains(got.text, `"`+next+`"`) {
				p.Errorf("%+v: %s is published, or %s is not", c, kid, next)
			}
		}
	})
}

func TestExportedKeyIsThePublishedOne(t *testing.T) {
	everywhere(t, func(p *testServer) {
		for _, alg := range jose.Algorithms() {
			kid, text, err := p.ExportKey(p.Context(), alg)
			if err != nil {
				p.Fatal(err)
			}
			block, rest := pem.Decode(text)
			if block == nil || block.Type != "PUBLIC KEY" || len(rest) != 0 {
				p.Fatalf("%s", text)
			}
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				p.Fatal(err)
			}
			keys, err := jose.ParseJWKS([]byte(p.get("/.well-known/jwks.json", "").text))
			if err != nil || !slices.ContainsFunc(keys, func(k jose.PublicJWK) bool {
				return k.KeyID == kid && k.Algorithm == alg && k.Thumbprint() == (jose.PublicJWK{Key: key}).Thumbprint()
			}) {
				p.Errorf("%s is not published as it is exported: %v", kid, err)
			}
			for _, set := range []string{"/.well-known/openid-configuration/jwks", "/.well-known/openid-configuration/id-token-jwks"} {
				if strings.Contains(p.get(set, "").text, kid) {
					p.Errorf("a static key is in %s", set)
				}
			}
		}
		list, err := p.SigningKeys(p.Context(), false)
		if err != nil || len(list) != 2+len(jose.Algorithms()) || slices.ContainsFunc(list, func(k SigningKey) bool { return k.State != string(keyring.Signing) }) {
			p.Errorf("%+v %v", list, err)
		}
	})
}

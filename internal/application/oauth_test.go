package application_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
)

// RED-06: for a native client only the port of a registered loopback literal may differ, for a web
// client not even that.
func TestLoopbackRedirects(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]/cb", "https://app.example/cb", "com.example.app:/cb"}
	native := application.Application{Active: true, RedirectURLs: registered, OAuth: application.OAuth{Native: true}}
	web := application.Application{Active: true, RedirectURLs: registered}
	both := []string{"http://127.0.0.1/cb", "http://[::1]/cb", "https://app.example/cb", "com.example.app:/cb"}
	for _, u := range both {
		if !native.AllowsOAuthRedirect(u) || !web.AllowsOAuthRedirect(u) {
			t.Error("refused:", u)
		}
	}
	for _, u := range []string{"http://127.0.0.1:1024/cb", "http://127.0.0.1:65535/cb", "http://[::1]:1024/cb", "http://[::1]:65535/cb", "http://127.0.0.1:1/cb"} {
		if !native.AllowsOAuthRedirect(u) {
			t.Error("refused to a native client:", u)
		}
		if web.AllowsOAuthRedirect(u) {
			t.Error("allowed to a web client:", u)
		}
	}
	for _, u := range []string{
		"", "http://localhost:9/cb", "http://localhost/cb", "http://127.0.0.1.evil.example:80/cb", "http://127.0.0.1:80@evil.example/cb", "http://127.1/cb", "http://127.1:80/cb",
		"http://0x7f000001/cb", "http://2130706433/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:80/cb/x", "https://127.0.0.1/cb", "https://127.0.0.1:80/cb",
		"http://127.0.0.1:0/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:+80/cb", "http://127.0.0.1:80/cb?x=1", "http://127.0.0.1:80/cb#", "http://127.0.0.1:80", "http://127.0.0.1:80/",
		"http://127.0.0.1:80/CB", "http://127.0.0.1:80/cb/", "http://127.0.0.1:80/./cb", "http://127.0.0.1:80/%63b", "HTTP://127.0.0.1:80/cb", "http://127.0.0.1:80\\@evil.example/cb",
		"http://127.0.0.1:80:81/cb", "http://127.0.0.1:80 /cb", "http://127.0.0.1:８０/cb", "http://user@127.0.0.1:80/cb", "http://[::1%25lo]:80/cb", "http://[0:0:0:0:0:0:0:1]:80/cb",
		"http://127.0.0.1evil:80/cb", "http://127.0.0.2:80/cb", "https://app.example:8443/cb", "https://app.example/cb?x", "com.example.app:/cb2", "http://127.0.0.1?:80/cb",
	} {
		if native.AllowsOAuthRedirect(u) || web.AllowsOAuthRedirect(u) {
			t.Error("allowed:", u)
		}
	}
	native.Active = false
	if native.AllowsOAuthRedirect(both[0]) {
		t.Error("allowed to a client that is not active")
	}
	origin := application.Application{Active: true, RedirectMode: application.Origin, RedirectURLs: []string{"https://app.example/"}}
	if origin.AllowsOAuthRedirect("https://app.example/elsewhere") {
		t.Error("the mode origin is for the login protocol only")
	}
}

// A registered port is not the one that a native client must come with, either.
func TestLoopbackRedirectsWithARegisteredPort(t *testing.T) {
	a := application.Application{Active: true, RedirectURLs: []string{"http://127.0.0.1:8080/cb?a=1"}, OAuth: application.OAuth{Native: true}}
	for u, want := range map[string]bool{
		"http://127.0.0.1:8080/cb?a=1": true, "http://127.0.0.1:9/cb?a=1": true, "http://127.0.0.1:9/cb": false, "http://127.0.0.1/cb?a=1": false, "http://[::1]:9/cb?a=1": false,
	} {
		if a.AllowsOAuthRedirect(u) != want {
			t.Error(u)
		}
	}
}

// A third party's application is none of the login protocol, where nobody is asked for consent.
func TestAThirdPartyIsNotInTheLoginProtocol(t *testing.T) {
	a := application.Application{Active: true, RedirectURLs: []string{"https://app.example/cb"}}
	if !a.AllowsRedirect("https://app.example/cb") || len(a.Origins()) != 1 {
		t.Fatal("the control")
	}
	a.OAuth.ThirdParty = true
	if a.AllowsRedirect("https://app.example/cb") || len(a.Origins()) != 0 || !a.AllowsOAuthRedirect("https://app.example/cb") {
		t.Fatal("a third party")
	}
}

const (
	edKey  = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	ecKey  = `{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`
	secKey = `{"keys":[{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
)

// What cannot work is refused, with a sentence that says why.
func TestOAuthRules(t *testing.T) {
	type o = application.OAuth
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, good := range map[string]o{
		"nothing":        {},
		"secret":         {AuthMethod: "client_secret_basic", GrantTypes: []string{"client_credentials"}},
		"key":            {AuthMethod: "private_key_jwt", JWKS: raw(edKey)},
		"key address":    {AuthMethod: "private_key_jwt", JWKSURI: "https://c.example/jwks", AuthAlg: "ES256"},
		"certificate":    {AuthMethod: "tls_client_auth", TLSSubject: &application.TLSSubject{DN: "CN=a,O=b"}},
		"self-signed":    {AuthMethod: "self_signed_tls_client_auth", JWKS: raw(ecKey)},
		"workload":       {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:a/b:ref:refs/heads/main"}}},
		"spiffe":         {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "spiffe://example.org", Subject: "spiffe://example.org/a", JWKS: raw(ecKey)}}},
		"encryption":     {JWKS: raw(ecKey), IDTokenEncAlg: "ECDH-ES", IDTokenEncEnc: "A256GCM"},
		"resources":      {Resources: []string{"https://api.example/", "urn:example:api"}},
		"private logout": {PostLogoutRedirectURLs: []string{"com.example.app:/out", "http://localhost:3000/out"}},
		"claims":         {Claims: raw(`{"https://example.com/plan":"gold"}`)},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Repeat("a", 2000)
	for name, bad := range map[string]o{
		"unknown method":              {AuthMethod: "client_secret_jwt"},
		"key method without keys":     {AuthMethod: "private_key_jwt"},
		"two places of keys":          {AuthMethod: "private_key_jwt", JWKS: raw(edKey), JWKSURI: "https://c.example/jwks"},
		"a private key":               {JWKS: raw(secKey)},
		"a symmetric key":             {JWKS: raw(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)},
		"no key":                      {JWKS: raw(`{"keys":[]}`)},
		"no set":                      {JWKS: raw(`[]`)},
		"a member twice":              {JWKS: raw(`{"keys":[],"keys":[]}`)},
		"a short RSA key":             {JWKS: raw(`{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("A", 100) + `B"}]}`)},
		"a point off the curve":       {JWKS: raw(strings.Replace(ecKey, "4Etl", "4Etk", 1))},
		"plain key address":           {JWKSURI: "http://c.example/jwks"},
		"a key address with a name":   {JWKSURI: "https://user@c.example/jwks"},
		"a file":                      {JWKSURI: "file:///etc/passwd"},
		"certificate without subject": {AuthMethod: "tls_client_auth"},
		"subject without certificate": {TLSSubject: &application.TLSSubject{DN: "CN=a"}},
		"two subjects":                {AuthMethod: "tls_client_auth", TLSSubject: &application.TLSSubject{DN: "CN=a", DNS: "b"}},
		"no subject":                  {AuthMethod: "tls_client_auth", TLSSubject: &application.TLSSubject{}},
		"no address":                  {AuthMethod: "tls_client_auth", TLSSubject: &application.TLSSubject{IP: "a"}},
		"no workload":                 {AuthMethod: "workload_identity"},
		"a workload without method":   {Workloads: []application.Workload{{Issuer: "https://i.example", Subject: "s"}}},
		"a subject as a pattern":      {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "https://i.example", Subject: "repo:a/*"}}},
		"a workload without subject":  {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "https://i.example"}}},
		"a plain issuer":              {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "http://i.example", Subject: "s"}}},
		"spiffe without keys":         {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "spiffe://example.org", Subject: "spiffe://example.org/a"}}},
		"spiffe of another domain":    {AuthMethod: "workload_identity", Workloads: []application.Workload{{Issuer: "spiffe://example.org", Subject: "spiffe://example.org.evil/a", JWKS: raw(ecKey)}}},
		"unknown grant":               {GrantTypes: []string{"password"}},
		"a grant twice":               {GrantTypes: []string{"authorization_code", "authorization_code"}},
		"public for itself":           {GrantTypes: []string{"client_credentials"}},
		"public exchange":             {GrantTypes: []string{application.GrantExchange}},
		"refresh of nothing":          {AuthMethod: "client_secret_post", GrantTypes: []string{"client_credentials", "refresh_token"}},
		"a scope with a space":        {Scopes: []string{"a b"}},
		"a scope with a quote":        {Scopes: []string{`a"b`}},
		"a resource with a fragment":  {Resources: []string{"https://api.example/#a"}},
		"a relative resource":         {Resources: []string{"/api"}},
		"the account as a resource":   {Resources: []string{"acc_default"}},
		"two bindings":                {DPoPBound: true, CertificateBound: true},
		"signed without keys":         {RequireSignedRequest: true},
		"a negative age":              {DefaultMaxAge: -1},
		"opaque and signed":           {AccessTokenFormat: "opaque", AccessTokenAlg: "EdDSA"},
		"a format":                    {AccessTokenFormat: "paseto"},
		"a long life":                 {AccessTokenLife: 25 * time.Hour},
		"a short life":                {AccessTokenLife: time.Second},
		"idle beyond life":            {RefreshTokenIdle: 100 * 24 * time.Hour, RefreshTokenLife: 90 * 24 * time.Hour},
		"no algorithm":                {IDTokenAlg: "none"},
		"a symmetric algorithm":       {IDTokenAlg: "HS256"},
		"an auth algorithm":           {AuthAlg: "ES256"},
		"encryption without keys":     {IDTokenEncAlg: "ECDH-ES"},
		"encryption with a bad key":   {JWKS: raw(edKey), IDTokenEncAlg: "ECDH-ES"},
		"RSA1_5":                      {JWKS: raw(ecKey), IDTokenEncAlg: "RSA1_5"},
		"an encryption alone":         {IDTokenEncEnc: "A256GCM"},
		"a script after logout":       {PostLogoutRedirectURLs: []string{"javascript:alert(1)"}},
		"a plain back channel":        {BackchannelLogoutURL: "http://c.example/out"},
		"a front channel script":      {FrontchannelLogoutURL: "javascript:alert(1)"},
		"a session without a URL":     {BackchannelSessionRequired: true},
		"a data logo":                 {LogoURI: "data:image/png;base64,AA"},
		"a long URL":                  {PolicyURI: "https://c.example/" + long},
		"a claim of ours":             {Claims: raw(`{"Sub":"u_1"}`)},
		"a claim of a role":           {Claims: raw(`{"act":{"sub":"x"}}`)},
		"claims as a list":            {Claims: raw(`[]`)},
		"claims twice":                {Claims: raw(`{"a":1,"A":2}`)},
		"large claims":                {Claims: raw(`{"a":"` + strings.Repeat(long, 3) + `"}`)},
		"a first party by itself":     {Registered: "dynamic"},
		"registered otherwise":        {Registered: "x", ThirdParty: true},
	} {
		err := bad.Validate()
		if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), long) || strings.ContainsAny(err.Error(), "\"\\") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientSecrets(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	a, err := f.Create(ctx, admin, application.Application{Name: "Shop", RedirectURLs: []string{"https://shop.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.AddSecret(ctx, admin, a.ID, time.Time{}); !fault.Is(err, fault.Invalid) {
		t.Fatal("a public client got a secret:", err)
	}
	method := func(m application.AuthMethod) {
		t.Helper()
		if _, err := f.Update(ctx, admin, a.ID, func(a application.Application) (application.Application, error) {
			a.OAuth.AuthMethod = m
			return a, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	now := func() application.OAuth {
		got, _ := f.directory.Get("acc_a", a.ID)
		return got.OAuth
	}
	method(application.AuthSecretBasic)
	at := f.clock.Now()
	first, one, err := f.AddSecret(ctx, admin, a.ID, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := f.AddSecret(ctx, admin, a.ID, time.Time{})
	if err != nil || one.Reveal() == two.Reveal() || !strings.HasPrefix(one.Reveal(), "acs_") || len(one.Reveal()) != 53 {
		t.Fatal(err, len(one.Reveal()))
	}
	v := one.Reveal()
	for wrong, s := range map[string]string{"empty": "", "cut": v[:len(v)-1], "longer": v + "A", "another": application.SecretPrefix + strings.Repeat("A", 49), "upper": strings.ToUpper(v)} {
		if now().SecretMatches(s, at) {
			t.Error(wrong)
		}
	}
	if !now().SecretMatches(v, at) || !now().SecretMatches(two.Reveal(), at) || now().SecretMatches(v, at.Add(time.Hour)) || !now().SecretMatches(two.Reveal(), at.Add(time.Hour)) {
		t.Fatal("both live, one ends")
	}
	if err := f.RemoveSecret(ctx, admin, a.ID, first.ID); err != nil || now().SecretMatches(v, at) {
		t.Fatal(err)
	}
	if err := f.RemoveSecret(ctx, admin, a.ID, first.ID); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	for _, bad := range []time.Time{at.Add(-time.Second), at, at.AddDate(6, 0, 0)} {
		if _, _, err := f.AddSecret(ctx, admin, a.ID, bad); !fault.Is(err, fault.Invalid) {
			t.Error(bad, err)
		}
	}
	for range application.MaxSecrets - 1 {
		if _, _, err := f.AddSecret(ctx, admin, a.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := f.AddSecret(ctx, admin, a.ID, time.Time{}); !fault.Is(err, fault.Unprocessable) {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(now()); strings.Contains(string(text), two.Reveal()[4:30]) || strings.Contains(fmt.Sprint(now()), two.Reveal()[4:30]) {
		t.Fatal("a secret is kept")
	}
	method(application.AuthNone)
	method(application.AuthSecretBasic)
	if now().SecretMatches(two.Reveal(), at) || len(now().Secrets) != 0 {
		t.Fatal("a secret outlived its method")
	}
	if _, _, err := f.AddSecret(ctx, admin, "app_none", time.Time{}); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
}

// What lets codes, tokens and sessions be known elsewhere is judged as a new redirect URL is.
func TestOAuthSendsBeyond(t *testing.T) {
	base := application.Application{ID: "app_a", RedirectURLs: []string{"https://a.example/cb"}}
	with := func(change func(*application.OAuth)) application.Application {
		a := base
		change(&a.OAuth)
		return a
	}
	for name, a := range map[string]application.Application{
		"back channel":  with(func(o *application.OAuth) { o.BackchannelLogoutURL = "https://b.example/out" }),
		"front channel": with(func(o *application.OAuth) { o.FrontchannelLogoutURL = "https://b.example/out" }),
		"device":        with(func(o *application.OAuth) { o.GrantTypes = []string{application.GrantDevice} }),
		"assertions":    with(func(o *application.OAuth) { o.GrantTypes = []string{application.GrantJWTBearer} }),
	} {
		if !a.SendsBeyond(base) || a.SendsBeyond(a) {
			t.Error(name)
		}
	}
	third := with(func(o *application.OAuth) { o.ThirdParty = true })
	if !base.SendsBeyond(third) || third.SendsBeyond(base) {
		t.Error("no consent any more")
	}
	if a := with(func(o *application.OAuth) { o.BackchannelLogoutURL = "http://localhost:3000/out" }); a.SendsBeyond(base) {
		t.Error("loopback")
	}
	keys := with(func(o *application.OAuth) { o.AuthMethod, o.JWKSURI = "private_key_jwt", "https://a.example/jwks" })
	moved := with(func(o *application.OAuth) { o.AuthMethod, o.JWKSURI = "private_key_jwt", "https://b.example/jwks" })
	if !keys.ProvesOtherwise(base) || !moved.ProvesOtherwise(keys) || keys.ProvesOtherwise(keys) || base.ProvesOtherwise(keys) {
		t.Error("who may prove to be it")
	}
}

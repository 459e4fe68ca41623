package party_test

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/serviceclient"
)

// OAU-16: only the registered method works, one at a time.
func TestMethods(t *testing.T) {
	r := newRig(t)
	key := newSigner(t, "EdDSA")
	basicSecret, postSecret := r.secretApp("app_basic", application.AuthSecretBasic), r.secretApp("app_post", application.AuthSecretPost)
	r.add("app_pub", application.OAuth{})
	r.add("app_pk", application.OAuth{AuthMethod: application.AuthPrivateKeyJWT, JWKS: []byte(set(t, key))})
	jwt := func(id string) string {
		return key.sign(t, map[string]any{"iss": id, "sub": id, "aud": issuer, "exp": r.clock.Now().Add(time.Minute).Unix(), "jti": rand16()}, "typ", "JWT")
	}
	const invalid, request = oauth.InvalidClient, oauth.InvalidRequest

	r.want(t, "basic", party.Presented{Authorization: basic("app_basic", basicSecret)}, "")
	r.want(t, "basic, lower-case scheme", party.Presented{Authorization: []string{strings.Replace(basic("app_basic", basicSecret)[0], "Basic", "basic", 1)}}, "")
	r.want(t, "basic and its client_id", party.Presented{Authorization: basic("app_basic", basicSecret), Form: form("client_id", "app_basic")}, "")
	r.want(t, "post", party.Presented{Form: form("client_id", "app_post", "client_secret", postSecret)}, "")
	r.want(t, "none", party.Presented{Form: form("client_id", "app_pub")}, "")
	r.want(t, "key", party.Presented{Form: assertion(jwt("app_pk"))}, "")
	r.want(t, "key and client_id", party.Presented{Form: assertion(jwt("app_pk"), "client_id", "app_pk")}, "")
	r.want(t, "percent-encoded", party.Presented{Authorization: basic("app%5Fbasic", strings.ReplaceAll(basicSecret, "_", "%5F"))}, "")

	for what, p := range map[string]party.Presented{
		"basic client by post":            {Form: form("client_id", "app_basic", "client_secret", basicSecret)},
		"basic client by nothing":         {Form: form("client_id", "app_basic")},
		"basic client by key":             {Form: assertion(jwt("app_basic"))},
		"post client by basic":            {Authorization: basic("app_post", postSecret)},
		"post client by nothing":          {Form: form("client_id", "app_post")},
		"post client by key":              {Form: assertion(jwt("app_post"))},
		"key client by post":              {Form: form("client_id", "app_pk", "client_secret", "x")},
		"key client by basic":             {Authorization: basic("app_pk", "x")},
		"key client by nothing":           {Form: form("client_id", "app_pk")},
		"public client with a secret":     {Form: form("client_id", "app_pub", "client_secret", "x")},
		"public client by basic":          {Authorization: basic("app_pub", "")},
		"public client by key":            {Form: assertion(jwt("app_pub"))},
		"another client's secret":         {Form: form("client_id", "app_post", "client_secret", basicSecret)},
		"empty secret":                    {Authorization: basic("app_basic", "")},
		"no user":                         {Authorization: basic("", basicSecret)},
		"no colon":                        {Authorization: []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("app_basic"))}},
		"an open percent sign":            {Authorization: basic("app_basic", "%")},
		"not UTF-8":                       {Authorization: basic("app_basic", "\xff")},
		"encoded not UTF-8":               {Authorization: basic("app_basic", "%ff")},
		"base64url":                       {Authorization: []string{"Basic _-_-"}},
		"base64 with a line break":        {Authorization: []string{basic("app_basic", basicSecret)[0] + "\n"}},
		"Bearer":                          {Authorization: []string{"Bearer " + basicSecret}, Form: form("client_id", "app_basic")},
		"no scheme":                       {Authorization: []string{"Basic"}},
		"unknown client":                  {Form: form("client_id", "app_none", "client_secret", postSecret)},
		"unknown kind of client":          {Form: form("client_id", "none")},
		"nobody":                          {},
		"an assertion of another type":    {Form: form("client_assertion", jwt("app_pk"), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")},
		"an assertion without its type":   {Form: form("client_assertion", jwt("app_pk"))},
		"a type without an assertion":     {Form: form("client_id", "app_pk", "client_assertion_type", party.AssertionType)},
		"a NUL in the id":                 {Form: form("client_id", "app_pub\x00")},
		"an id in other case":             {Form: form("client_id", "APP_PUB")},
		"a long id":                       {Form: form("client_id", "app_"+strings.Repeat("a", 4000))},
		"a document where none are taken": {Form: form("client_id", "https://app.example/client.json")},
	} {
		p.Address = netip.Addr{}
		r.want(t, what, p, invalid)
	}
	for what, p := range map[string]party.Presented{
		"basic and post":         {Authorization: basic("app_basic", basicSecret), Form: form("client_id", "app_basic", "client_secret", basicSecret)},
		"basic and key":          {Authorization: basic("app_basic", basicSecret), Form: assertion(jwt("app_basic"))},
		"post and key":           {Form: assertion(jwt("app_pk"), "client_id", "app_pk", "client_secret", "x")},
		"two headers":            {Authorization: append(basic("app_basic", basicSecret), basic("app_basic", basicSecret)...)},
		"basic for another id":   {Authorization: basic("app_basic", basicSecret), Form: form("client_id", "app_pub")},
		"basic and a wrong post": {Authorization: basic("app_basic", basicSecret), Form: form("client_secret", "x")},
	} {
		r.want(t, what, p, request)
	}
	// Nobody learns which clients there are (I-23).
	_, unknown := r.try(t, party.Presented{Form: form("client_id", "app_none", "client_secret", "x")})
	_, wrong := r.try(t, party.Presented{Form: form("client_id", "app_post", "client_secret", "x")})
	if unknown.(*oauth.Error).Description != wrong.(*oauth.Error).Description {
		t.Error(unknown, wrong)
	}
	// Another account has none of these.
	if _, err := r.Authenticate(t.Context(), "acc_b", party.Presented{Form: form("client_id", "app_pub")}); oauth.CodeOf(err) != invalid {
		t.Error(err)
	}
	// An inactive client is none.
	a := r.apps["app_pub"]
	a.Active = false
	r.apps["app_pub"] = a
	r.want(t, "inactive", party.Presented{Form: form("client_id", "app_pub")}, invalid)
}

// OAU-18: guessing is bounded and told, and the client itself goes on.
func TestGuesses(t *testing.T) {
	r := newRig(t)
	value := r.secretApp("app_conf", application.AuthSecretPost)
	right := party.Presented{Form: form("client_id", "app_conf", "client_secret", value), Address: home}
	attacker := netip.MustParseAddr("203.0.113.9")
	compared := 0
	for i := range 5000 {
		_, err := r.try(t, party.Presented{Form: form("client_id", "app_conf", "client_secret", "acs_"+strings.Repeat("A", 49)), Address: attacker})
		switch {
		case oauth.CodeOf(err) == oauth.InvalidClient:
			compared++
		case !fault.Is(err, fault.Limited):
			t.Fatal(err)
		}
		if i%1000 == 0 {
			r.want(t, "the client itself", right, "")
		}
	}
	if compared > party.PerClientNetwork.Count+1 {
		t.Errorf("%d guesses were compared", compared)
	}
	if _, err := r.try(t, party.Presented{Form: form("client_id", "app_conf", "client_secret", value), Address: attacker}); !fault.Is(err, fault.Limited) {
		t.Error("the network that guesses must wait:", err)
	}
	for i := range 500 {
		from := netip.AddrFrom4([4]byte{203, 0, byte(i / 250), byte(i % 250)})
		r.try(t, party.Presented{Form: form("client_id", "app_conf", "client_secret", "x"), Address: from})
	}
	r.want(t, "the client itself, after guesses from everywhere", right, "")
	told := 0
	for _, e := range r.events {
		if e.Type == party.EventGuessed && e.Target == "app_conf" && e.Account == account {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	r.clock.Advance(2 * time.Minute)
	r.want(t, "later", party.Presented{Form: form("client_id", "app_conf", "client_secret", value), Address: attacker}, "")
	// One network cannot use many of an IPv6 block's addresses.
	for i := range 20 {
		from := netip.MustParseAddr("2001:db8::1")
		b := from.As16()
		b[15] = byte(i)
		r.try(t, party.Presented{Form: form("client_id", "app_conf", "client_secret", "x"), Address: netip.AddrFrom16(b)})
	}
	if _, err := r.try(t, party.Presented{Form: form("client_id", "app_conf", "client_secret", "x"), Address: netip.MustParseAddr("2001:db8::ffff")}); !fault.Is(err, fault.Limited) {
		t.Error(err)
	}
}

// Right secrets never count, so a busy client is not held back.
func TestRightSecretsAreNotCounted(t *testing.T) {
	r := newRig(t)
	value := r.secretApp("app_conf", application.AuthSecretBasic)
	for range 500 {
		r.want(t, "right", party.Presented{Authorization: basic("app_conf", value), Address: home}, "")
	}
}

func TestKindsOfClients(t *testing.T) {
	r := newRig(t)
	r.add("app_ext", application.OAuth{Scopes: []string{"a"}})
	r.add("app_dyn", application.OAuth{ThirdParty: true, Registered: application.RegisteredDynamic, Resources: []string{"https://api.example/"}})
	c, err := r.Client(t.Context(), account, "ext_1")
	if err != nil || c.ID != "ext_1" || c.Application != "app_ext" || !c.Settings.ThirdParty || c.Kind != oauth.Application || !c.MayUse(application.GrantCode) {
		t.Fatal(c, err)
	}
	if c, err = r.Client(t.Context(), account, "app_dyn"); err != nil || len(c.Settings.Resources) != 0 {
		t.Fatal("it was not fitted", c, err)
	}
	for _, id := range []string{"ext_2", "", "sc_none", "app_", "http://app.example/client.json", "javascript:x", "acc_a"} {
		if _, err := r.Client(t.Context(), account, id); oauth.CodeOf(err) != oauth.InvalidClient {
			t.Error(id, err)
		}
	}
}

// A service client proves itself by its access keys, or by a secret that was made with one.
func TestServiceClients(t *testing.T) {
	r := newRig(t)
	key, other := newSigner(t, "EdDSA"), newSigner(t, "EdDSA")
	key.kid = "k1"
	r.keys["sc_1"] = []serviceclient.Key{{KeyID: "k1", PublicKey: publicOf(key)}}
	r.keys["sc_2"] = nil
	now := r.clock.Now()
	own := map[string]any{"iss": "sc_1", "sub": "sc_1", "aud": endpoint, "exp": now.Add(time.Minute).Unix(), "jti": "1"}
	sdk := map[string]any{
		"iss": issuer + "/v1/clients/sc_1", "sub": "sc_1", "client_id": "sc_1", "aud": "acc_a.accounts.authress.io", "scope": "openid",
		"iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
	}
	r.want(t, "own assertion", party.Presented{Form: assertion(key.sign(t, own))}, "")
	r.want(t, "the same again", party.Presented{Form: assertion(key.sign(t, own))}, oauth.InvalidClient)
	r.want(t, "an SDK's token", party.Presented{Form: assertion(key.sign(t, sdk, "typ", "at+jwt"))}, "")
	r.want(t, "an SDK's token again", party.Presented{Form: assertion(key.sign(t, sdk, "typ", "at+jwt"))}, "")
	fixed := with(sdk, "iss", "https://acc_a.api.authress.io/v1/clients/sc_1")
	r.want(t, "an SDK's token of the fixed form", party.Presented{Form: assertion(key.sign(t, fixed, "typ", "at+jwt"))}, "")
	c, err := r.try(t, party.Presented{Form: assertion(key.sign(t, with(own, "jti", "2")))})
	if err != nil || c.Kind != oauth.Service || !c.MayUse(application.GrantClientCredentials) || c.MayUse(application.GrantCode) || c.MayUse(application.GrantRefresh) {
		t.Fatal(c, err)
	}
	unnamed := key
	unnamed.kid = ""
	for what, f := range map[string]url.Values{
		"another key":                 assertion(signer{other.alg, "k1", other.private}.sign(t, with(own, "jti", "3"))),
		"no kid":                      assertion(unnamed.sign(t, with(own, "jti", "3"))),
		"another client":              assertion(key.sign(t, with(own, "jti", "3", "sub", "sc_2", "iss", "sc_2"))),
		"no jti":                      assertion(key.sign(t, with(own, "jti", nil))),
		"nothing":                     form("client_id", "sc_1"),
		"an empty secret":             form("client_id", "sc_1", "client_secret", ""),
		"a secret that is none":       form("client_id", "sc_1", "client_secret", "scs_"+strings.Repeat("A", 49)),
		"an SDK's token for another":  assertion(key.sign(t, with(sdk, "aud", "acc_b.accounts.authress.io"), "typ", "at+jwt")),
		"an SDK's token of another":   assertion(key.sign(t, with(sdk, "iss", issuer+"/v1/clients/sc_2"), "typ", "at+jwt")),
		"an SDK's token from another": assertion(key.sign(t, with(sdk, "iss", "https://evil.example/v1/clients/sc_1"), "typ", "at+jwt")),
		"an SDK's token for two days": assertion(key.sign(t, with(sdk, "exp", now.Add(48*time.Hour).Unix()), "typ", "at+jwt")),
	} {
		r.want(t, what, party.Presented{Form: f}, oauth.InvalidClient)
	}
}

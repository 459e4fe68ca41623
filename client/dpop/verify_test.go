package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

const (
	target = "https://login.example.test/oauth/token"
	access = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func edKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// The examples of RFC 9449: figure 1 with section 4.2, figure 12 with section 7.1, and the
// thumbprint of section 6.1.
func TestExamplesOfTheStandard(t *testing.T) {
	const (
		header = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
		token  = header + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
		api    = header + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
		jkt    = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	)
	got, err := Verify([]string{token}, Expect{Method: "POST", URL: "https://server.example.com/token", Now: time.Unix(1562262616, 0)})
	if err != nil || got.JKT != jkt || got.ID != "-BwC3ESc6acc2lTc" || got.Algorithm != "ES256" {
		t.Errorf("token request: %+v, %v", got, err)
	}
	got, err = Verify([]string{api}, Expect{Method: "GET", URL: "https://resource.example.org/protectedresource", AccessToken: access, Now: time.Unix(1562262618, 0)})
	if err != nil || got.JKT != jkt || got.ID != "e1j3V_bKic8-LAEB" {
		t.Errorf("resource request: %+v, %v", got, err)
	}
	if TokenHash(access) != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Error("ath of section 4.2")
	}
}

// forge signs any header and claims. Members are changed, or taken away by nil.
func forge(t testing.TB, key crypto.Signer, header, claims map[string]any) string {
	t.Helper()
	public, err := strict.NewKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	h := change(map[string]any{"typ": Type, "alg": public.Algorithms[0], "jwk": json.RawMessage(public.JSON())}, header)
	c := change(map[string]any{"jti": "id-1", "htm": "POST", "htu": target, "iat": now.Unix()}, claims)
	return seal(t, key, public.Algorithms[0], h, c)
}

func change(of, by map[string]any) string {
	maps.Copy(of, by)
	for name, value := range of {
		if value == nil {
			delete(of, name)
		}
	}
	b, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func seal(t testing.TB, key crypto.Signer, algorithm, header, claims string) string {
	signed := strict.Encode([]byte(header)) + "." + strict.Encode([]byte(claims))
	if algorithm == strict.RS256 {
		sum := sha256.Sum256([]byte(signed))
		signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + strict.Encode(signature)
	}
	signature, err := sign(key, algorithm, []byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + strict.Encode(signature)
}

func expected() Expect { return Expect{Method: "POST", URL: target, Now: now} }

// The negative list: one fault each (DPO-01).
func TestFaults(t *testing.T) {
	key := edKey("a")
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	good := forge(t, key, nil, nil)
	if _, err := Verify([]string{good}, expected()); err != nil {
		t.Fatal(err)
	}
	head := func(h map[string]any) string { return forge(t, key, h, nil) }
	claim := func(c map[string]any) string { return forge(t, key, nil, c) }
	jwk := func(text string) string { return head(map[string]any{"jwk": json.RawMessage(text)}) }
	x := strict.Encode(key.Public().(ed25519.PublicKey))
	okp := `{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}`
	parts := strings.Split(good, ".")
	small := strict.Encode(append([]byte{0xff}, make([]byte, 126)...)) + "E" // about 1024 bits
	ecGood := forge(t, ec, nil, nil)
	ecHead := ecGood[:strings.LastIndexByte(ecGood, '.')+1]
	cases := map[string][]string{
		"two headers": {good, good}, "comma-joined": {good + ", " + good}, "empty": {""}, "no JWT": {"x"}, "two parts": {parts[0] + "." + parts[1]},
		"four parts": {good + ".x"}, "padding": {good + "="}, "white space": {" " + good}, "line end": {parts[0] + "\n." + parts[1] + "." + parts[2]},
		"spare bits": {good[:len(good)-1] + "_"}, "too long": {claim(map[string]any{"x": strings.Repeat("x", MaxProof)})},
		"JSON serialization": {`{"payload":"` + parts[1] + `"}`}, "detached payload": {parts[0] + ".." + parts[2]},
		"typ missing": {head(map[string]any{"typ": nil})}, "typ JWT": {head(map[string]any{"typ": "JWT"})}, "typ in capitals": {head(map[string]any{"typ": "DPOP+JWT"})}, "typ at+jwt": {head(map[string]any{"typ": "at+jwt"})},
		"alg missing": {head(map[string]any{"alg": nil})}, "alg none": {head(map[string]any{"alg": "none"})}, "alg noNe": {head(map[string]any{"alg": "noNe"})}, "alg none, unsigned": {strict.Encode([]byte(`{"typ":"dpop+jwt","alg":"none","jwk":`+okp+`}`)) + "." + parts[1] + "."},
		"alg HS256": {head(map[string]any{"alg": "HS256"})}, "alg Ed25519 of another key": {forge(t, ec, map[string]any{"alg": "Ed25519"}, nil)}, "alg ES384": {head(map[string]any{"alg": "ES384"})}, "alg of another key": {head(map[string]any{"alg": "ES256"})}, "alg a list": {head(map[string]any{"alg": []string{"EdDSA"}})}, "alg null": {head(map[string]any{"alg": json.RawMessage("null")})},
		"jwk missing": {head(map[string]any{"jwk": nil})}, "jwk a string": {head(map[string]any{"jwk": "x"})}, "jwk private": {jwk(`{"kty":"OKP","crv":"Ed25519","x":"` + x + `","d":"` + x + `"}`)},
		"jwk oct": {jwk(`{"kty":"oct","k":"` + x + `"}`)}, "jwk oct without k": {jwk(`{"kty":"oct"}`)}, "jwk of another curve": {jwk(`{"kty":"OKP","crv":"Ed448","x":"` + x + `"}`)},
		"jwk P-384": {jwk(`{"kty":"EC","crv":"P-384","x":"` + strict.Encode(p384.X.Bytes()) + `","y":"` + strict.Encode(p384.Y.Bytes()) + `"}`)}, "jwk off the curve": {jwk(`{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`)},
		"jwk RSA-1024": {jwk(`{"kty":"RSA","e":"AQAB","n":"` + small + `"}`)}, "jwk RSA with a leading zero": {jwk(`{"kty":"RSA","e":"AQAB","n":"` + strict.Encode(append([]byte{0}, rs.N.Bytes()...)) + `"}`)}, "jwk RSA with an even exponent": {jwk(`{"kty":"RSA","e":"Ag","n":"` + strict.Encode(rs.N.Bytes()) + `"}`)},
		"jwk twice": {seal(t, key, "EdDSA", `{"typ":"dpop+jwt","alg":"EdDSA","jwk":`+okp+`,"jwk":`+okp+`}`, `{"jti":"i","htm":"POST","htu":"`+target+`","iat":1}`)}, "member of jwk twice": {jwk(`{"kty":"OKP","kty":"OKP","crv":"Ed25519","x":"` + x + `"}`)},
		"crit": {head(map[string]any{"crit": []string{"exp"}})}, "b64": {head(map[string]any{"b64": false})}, "jku": {head(map[string]any{"jku": "https://evil.test"})}, "x5c": {head(map[string]any{"x5c": []string{}})}, "kid a number": {head(map[string]any{"kid": 1})},
		"bad signature": {good[:len(good)-10] + "AAAAAAAAAA"}, "signature of another": {parts[0] + "." + strings.Split(claim(map[string]any{"jti": "id-2"}), ".")[1] + "." + parts[2]}, "no signature": {parts[0] + "." + parts[1] + "."},
		"ES256 of zeros": {ecHead + strict.Encode(make([]byte, 64))}, "ES256 in DER": {ecHead + strict.Encode(der(t, ec, ecHead))}, "ES256 of 65 bytes": {ecHead + strict.Encode(make([]byte, 65))}, "signed by another key": {seal(t, edKey("b"), "EdDSA", `{"typ":"dpop+jwt","alg":"EdDSA","jwk":`+okp+`}`, change(map[string]any{"jti": "i", "htm": "POST", "htu": target, "iat": now.Unix()}, nil))},
		"jti missing": {claim(map[string]any{"jti": nil})}, "jti empty": {claim(map[string]any{"jti": ""})}, "jti of 300 bytes": {claim(map[string]any{"jti": strings.Repeat("x", 300)})}, "jti a number": {claim(map[string]any{"jti": 1})}, "JTI besides": {claim(map[string]any{"JTI": "x"})},
		"htm missing": {claim(map[string]any{"htm": nil})}, "htm other": {claim(map[string]any{"htm": "GET"})}, "htm lower-case": {claim(map[string]any{"htm": "post"})},
		"htu missing": {claim(map[string]any{"htu": nil})}, "iat missing": {claim(map[string]any{"iat": nil})}, "iat an hour ago": {claim(map[string]any{"iat": now.Unix() - 3600})}, "iat 61 s ago": {claim(map[string]any{"iat": now.Unix() - 61})}, "iat 11 s ahead": {claim(map[string]any{"iat": now.Unix() + 11})}, "iat in an hour": {claim(map[string]any{"iat": now.Unix() + 3600})},
		"iat a string": {claim(map[string]any{"iat": "1"})}, "iat negative": {claim(map[string]any{"iat": -1})}, "iat a fraction": {claim(map[string]any{"iat": 1.5})}, "iat 1e400": {claim(map[string]any{"iat": json.RawMessage("1e400")})}, "iat 2^63": {claim(map[string]any{"iat": json.RawMessage("9223372036854775808")})},
		"nonce empty": {claim(map[string]any{"nonce": ""})}, "ath a number": {claim(map[string]any{"ath": 1})}, "claims no object": {seal(t, key, "EdDSA", `{"typ":"dpop+jwt","alg":"EdDSA","jwk":`+okp+`}`, `[]`)}, "claims nested 10^4 deep": {seal(t, key, "EdDSA", `{"typ":"dpop+jwt","alg":"EdDSA","jwk":`+okp+`}`, `{"a":`+strings.Repeat("[", 2000)+`}`)},
	}
	for name, header := range cases {
		if got, err := Verify(header, expected()); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := Verify(nil, expected()); !errors.Is(err, ErrMissing) {
		t.Errorf("no header: %v", err)
	}
}

func der(t *testing.T, key *ecdsa.PrivateKey, head string) []byte {
	sum := sha256.Sum256([]byte(strings.TrimSuffix(head, ".")))
	out, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGood(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, made := range map[string]string{
		"extra claims": forge(t, edKey("a"), nil, map[string]any{"exp": 1, "aud": "x", "cnf": nil, "extra": []int{1}}),
		"kid":          forge(t, edKey("a"), map[string]any{"kid": "k"}, nil),
		"Ed25519":      forge(t, edKey("a"), map[string]any{"alg": "Ed25519"}, nil),
		"P-256":        forge(t, ec, nil, nil), "RS256": forge(t, rs, nil, nil),
		"PS256":     seal(t, rs, "PS256", strings.Replace(headerOf(t, rs), "RS256", "PS256", 1), change(map[string]any{"jti": "i", "htm": "POST", "htu": target, "iat": now.Unix()}, nil)),
		"iat -60 s": forge(t, edKey("a"), nil, map[string]any{"iat": now.Unix() - 60}), "iat +10 s": forge(t, edKey("a"), nil, map[string]any{"iat": now.Unix() + 10}),
	} {
		if got, err := Verify([]string{made}, expected()); err != nil || len(got.JKT) != 43 || !got.Until.After(now) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func headerOf(t *testing.T, key crypto.Signer) string {
	b, err := strict.Segment(strings.Split(forge(t, key, nil, nil), ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAccessTokenAndNonce(t *testing.T) {
	with := func(c map[string]any) error {
		e := expected()
		e.AccessToken = access
		e.Nonce = func(nonce string) bool { return nonce == "n-1" }
		_, err := Verify([]string{forge(t, edKey("a"), nil, c)}, e)
		return err
	}
	hash := TokenHash(access)
	for name, c := range map[string]struct {
		claims map[string]any
		want   error
	}{
		"good":                 {map[string]any{"ath": hash, "nonce": "n-1"}, nil},
		"ath missing":          {map[string]any{"nonce": "n-1"}, ErrProof},
		"ath wrong":            {map[string]any{"ath": "x", "nonce": "n-1"}, ErrProof},
		"ath of another token": {map[string]any{"ath": TokenHash(access + "x"), "nonce": "n-1"}, ErrProof},
		"ath in hexadecimal":   {map[string]any{"ath": strings.Repeat("a", 64), "nonce": "n-1"}, ErrProof},
		"nonce missing":        {map[string]any{"ath": hash}, ErrNonce},
		"nonce stale":          {map[string]any{"ath": hash, "nonce": "n-0"}, ErrNonce},
		"nonce stale and bad":  {map[string]any{"ath": "x", "nonce": "n-0"}, ErrProof},
		"two nonces":           {map[string]any{"ath": hash, "nonce": []string{"n-1", "n-1"}}, ErrProof},
	} {
		if err := with(c.claims); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSameURL(t *testing.T) {
	const request = "https://login.example.test/oauth/a%2Fb~c/%C3%A4"
	for _, same := range []string{
		request, "HTTPS://LOGIN.example.TEST/oauth/a%2Fb~c/%C3%A4", "https://login.example.test:443/oauth/a%2Fb~c/%C3%A4", "https://login.example.test:/oauth/a%2Fb~c/%C3%A4",
		"https://login.example.test/o%61uth/a%2fb%7Ec/%c3%a4", request + "?a=b", request + "#x", request + "?a=/../#?",
	} {
		if !SameURL(same, request) || !SameURL(request+"?q=1", same) {
			t.Errorf("%s is another", same)
		}
	}
	for _, other := range []string{
		"", "x", "/oauth/a%2Fb~c/%C3%A4", "http://login.example.test/oauth/a%2Fb~c/%C3%A4", "https://other.example.test/oauth/a%2Fb~c/%C3%A4", "https://login.example.test:444/oauth/a%2Fb~c/%C3%A4",
		"https://login.example.test./oauth/a%2Fb~c/%C3%A4", "https://login.example.test/oauth/a/b~c/%C3%A4", request + "/", "https://login.example.test/Oauth/a%2Fb~c/%C3%A4", "https://login.example.test/x/../oauth/a%2Fb~c/%C3%A4",
		"https://login.example.test//oauth/a%2Fb~c/%C3%A4", "https://login.example.test@evil.test/oauth/a%2Fb~c/%C3%A4", "https://evil.test\\@login.example.test/oauth/a%2Fb~c/%C3%A4", "https://login.example.test/oauth/a%2Fb~c/%C3%A4%",
		"https://login.example.test/oauth/a%2Fb~c/ä", "https://login.example.test/oauth/a%252Fb~c/%C3%A4", " " + request, "https:/login.example.test/oauth/a%2Fb~c/%C3%A4", "ftp://login.example.test/oauth/a%2Fb~c/%C3%A4", "https://\u212Aogin.example.test/",
	} {
		if SameURL(other, request) {
			t.Errorf("%s is the same", other)
		}
	}
	for a, b := range map[string]string{"https://x.test": "https://x.test/", "http://x.test:80/a": "http://X.test/a", "https://[::1]:443/": "https://[::1]", "http://[::1]:8080/a": "http://[::1]:8080/a"} {
		if !SameURL(a, b) {
			t.Errorf("%s and %s differ", a, b)
		}
	}
}

// What Proof makes, Verify takes; nothing else of the request may change.
func TestProofRoundTrip(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	for _, key := range []crypto.Signer{edKey("a"), ec, rs} {
		made, err := Proof(key, "GET", "https://API.example.test:443/v1/users?limit=1", access, "n")
		if err != nil {
			t.Fatal(err)
		}
		jkt, err := Thumbprint(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		got, err := Verify([]string{made}, Expect{Method: "GET", URL: "https://api.example.test/v1/users", AccessToken: access, Now: time.Now(), Nonce: func(n string) bool { return n == "n" }})
		if err != nil || got.JKT != jkt {
			t.Errorf("%T: %+v, %v", key, got, err)
		}
	}
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for _, bad := range []func() (string, error){
		func() (string, error) { return Proof(nil, "GET", target, "", "") },
		func() (string, error) { return Proof(p384, "GET", target, "", "") },
		func() (string, error) { return Proof(edKey("a"), "", target, "", "") },
		func() (string, error) { return Proof(edKey("a"), "GET", "/relative", "", "") },
	} {
		if made, err := bad(); err == nil {
			t.Errorf("made %s", made)
		}
	}
	if !slices.Contains(Algorithms(), "EdDSA") || slices.Contains(Algorithms(), "none") {
		t.Error(Algorithms())
	}
}

// FuzzProof: whatever comes, nothing panics, and what passes has one spelling and one key.
func FuzzProof(f *testing.F) {
	good := forge(f, edKey("a"), nil, nil)
	f.Add(good)
	f.Add(good + "=")
	f.Add(forge(f, edKey("a"), map[string]any{"alg": "none"}, nil))
	f.Add(forge(f, edKey("a"), nil, map[string]any{"iat": "1"}))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse(text)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Fatal(err)
			}
			return
		}
		if len(text) > MaxProof || len(p.jkt) != 43 || p.id == "" || p.issued.IsZero() {
			t.Fatal("accepted what is not whole")
		}
		for _, part := range strings.Split(text, ".") {
			if b, err := strict.Segment(part); err != nil || strict.Encode(b) != part {
				t.Fatal("accepted a second spelling")
			}
		}
	})
}

// FuzzURL: two URLs are the same in both directions, and one spelling of each is a fixed point.
func FuzzURL(f *testing.F) {
	f.Add("https://x.test/a%2fb", "https://X.test:443/a%2Fb")
	f.Fuzz(func(t *testing.T, a, b string) {
		if SameURL(a, b) != SameURL(b, a) {
			t.Fatal("not symmetric")
		}
		if one, ok := canonical(a); ok {
			if again, ok := canonical(one); !ok || again != one {
				t.Fatalf("%q becomes %q becomes %q", a, one, again)
			}
		}
	})
}

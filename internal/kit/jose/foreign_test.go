package jose

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
)

// keysOf makes one key for each of Algorithms, once.
var keysOf = sync.OnceValue(func() map[string]crypto.Signer {
	out := map[string]crypto.Signer{}
	for _, alg := range Algorithms() {
		key, err := GenerateKey(alg)
		if err != nil {
			panic(err)
		}
		out[alg] = key
	}
	return out
})

func publicJWK(alg, kid string) PublicJWK {
	return PublicJWK{KeyID: kid, Use: "sig", Algorithm: alg, Key: keysOf()[alg].Public()}
}

const goodPayload = `{"iss":"i","sub":"s","aud":"a","exp":1900000000,"iat":1800000000}`

// craft signs any header and payload with a key, by the algorithm given.
func craft(t testing.TB, alg, header, payload string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	sig, err := rawSignature(alg, keysOf()[alg], signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(sig)
}

func header(alg string) string { return fmt.Sprintf(`{"alg":%q,"kid":"k","typ":"x+jwt"}`, alg) }

var expectAny = Expect{Algorithms: ForeignAlgorithms(), Types: []string{"x+jwt"}}

func TestForeignRoundTrip(t *testing.T) {
	for _, alg := range Algorithms() {
		keys := []PublicJWK{publicJWK(alg, "k")}
		compact, err := SignAs(alg, keysOf()[alg], "k", "x+jwt", json.RawMessage(goodPayload))
		if err != nil {
			t.Fatal(alg, err)
		}
		h, claims, err := VerifyForeign(compact, keys, expectAny)
		if err != nil || string(claims) != goodPayload || h.Algorithm != alg || h.KeyID != "k" || h.Type != "x+jwt" {
			t.Fatalf("%s: %+v %s %v", alg, h, claims, err)
		}
		parsed, err := gojose.ParseSignedCompact(compact, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)})
		if err != nil {
			t.Fatal(alg, err)
		}
		if got, err := parsed.Verify(keysOf()[alg].Public()); err != nil || string(got) != goodPayload {
			t.Errorf("%s: the oracle says %s, %v", alg, got, err)
		}
		for _, other := range Algorithms() { // JWT-02 and RFC 8725 section 2.1: the key decides
			if other == alg {
				continue
			}
			if _, _, err := VerifyForeign(compact, []PublicJWK{publicJWK(other, "k")}, expectAny); err == nil {
				t.Errorf("a token of %s passes with a key of %s", alg, other)
			}
			relabelled := craft(t, alg, header(other), goodPayload)
			if _, _, err := VerifyForeign(relabelled, keys, expectAny); err == nil {
				t.Errorf("a token of %s passes as %s", alg, other)
			}
		}
		if _, _, err := VerifyForeign(compact, keys, Expect{}); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("without a list of algorithms: %v", err)
		}
		if _, _, err := VerifyForeign(compact, keys, Expect{Algorithms: ForeignAlgorithms(), Types: []string{"y"}}); !errors.Is(err, ErrType) {
			t.Errorf("another type: %v", err)
		}
	}
}

// TestForeignRefuses is JWT-01, 02, 05, 11, 12 and 13 at this reader.
func TestForeignRefuses(t *testing.T) {
	good := craft(t, ES256, header(ES256), goodPayload)
	keys := []PublicJWK{publicJWK(ES256, "k"), publicJWK(RS256, "k2"), publicJWK(EdDSA, "k3")}
	if _, _, err := VerifyForeign(good, keys, expectAny); err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good, ".")
	bad := map[string]string{
		"empty": "", "dots": "..", "many dots": strings.Repeat(".", 100000), "two segments": parts[0] + "." + parts[1],
		"four segments": good + ".x", "no signature": parts[0] + "." + parts[1] + ".", "five segments": good + ".x.x",
		"padding": good + "=", "line end": good + "\n", "space": " " + good, "standard base64": strings.Replace(good, "_", "/", 1) + "+",
		"JSON": `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"long": craft(t, ES256, header(ES256), `{"x":"`+strings.Repeat("x", 9000)+`"}`),
		"deep": craft(t, ES256, header(ES256), `{"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`),
	}
	for _, alg := range []string{"none", "None", "nOnE", "", "none ", "HS256", "HS512", "EDDSA", "es256", "Ed25519", "Ed448", "ES256K", "RSA1_5", "PBES2-HS256+A128KW", "dir"} {
		bad["alg "+alg] = craft(t, ES256, header(alg), goodPayload)
		bad["alg "+alg+" unsigned"] = b64([]byte(header(alg))) + "." + parts[1] + "."
	}
	for name, h := range map[string]string{
		"no alg": `{"kid":"k","typ":"x+jwt"}`, "null alg": `{"alg":null,"kid":"k","typ":"x+jwt"}`, "list alg": `{"alg":["ES256"],"kid":"k","typ":"x+jwt"}`,
		"crit": `{"alg":"ES256","kid":"k","typ":"x+jwt","crit":["exp"]}`, "empty crit": `{"alg":"ES256","kid":"k","typ":"x+jwt","crit":[]}`,
		"b64": `{"alg":"ES256","kid":"k","typ":"x+jwt","b64":false}`, "jku": `{"alg":"ES256","kid":"k","typ":"x+jwt","jku":"https://x.example"}`,
		"x5c": `{"alg":"ES256","kid":"k","typ":"x+jwt","x5c":["MII"]}`, "jwk": `{"alg":"ES256","kid":"k","typ":"x+jwt","jwk":` + ec9449 + `}`,
		"zip": `{"alg":"ES256","kid":"k","typ":"x+jwt","zip":"DEF"}`, "p2c": `{"alg":"ES256","kid":"k","typ":"x+jwt","p2c":2147483647}`,
		"twice": `{"alg":"ES256","alg":"ES256","kid":"k","typ":"x+jwt"}`, "case": `{"alg":"ES256","Alg":"ES256","kid":"k","typ":"x+jwt"}`,
		"array": `["ES256"]`, "no typ": `{"alg":"ES256","kid":"k"}`, "trailing": header(ES256) + "{}", "other kid": `{"alg":"ES256","kid":"k9","typ":"x+jwt"}`,
		"long kid": `{"alg":"ES256","kid":"` + strings.Repeat("k", 600) + `","typ":"x+jwt"}`, "empty kid": `{"alg":"ES256","kid":"","typ":"x+jwt"}`,
		"long header": `{"alg":"ES256","kid":"k","typ":"` + strings.Repeat("x", 6000) + `"}`, "typ of a number": `{"alg":"ES256","kid":"k","typ":1}`,
	} {
		bad["header: "+name] = craft(t, ES256, h, goodPayload)
	}
	for name, p := range map[string]string{
		"twice": `{"sub":"a","sub":"b"}`, "case": `{"sub":"a","SUB":"b"}`, "array": `[]`, "text": `"x"`, "null": `null`, "empty": ``, "trailing": `{} {}`,
		"lone surrogate": `{"sub":"\ud800"}`, "no UTF-8": "{\"sub\":\"\xff\"}", "nested twice": `{"a":{"b":1,"b":2}}`,
	} {
		bad["payload: "+name] = craft(t, ES256, header(ES256), p)
	}
	for name, secretKey := range map[string][]byte{"jwk": []byte(ec9449), "empty": {}, "NUL": {0}, "null": []byte("null")} {
		for _, alg := range []string{"HS256", ES256} {
			signed := b64([]byte(header(alg))) + "." + parts[1]
			m := hmac.New(sha256.New, secretKey)
			m.Write([]byte(signed))
			bad["HMAC "+alg+" "+name] = signed + "." + b64(m.Sum(nil))
		}
	}
	sig, _ := decode(parts[2])
	for name, s := range map[string][]byte{
		"truncated": sig[:63], "longer": append(sig[:64:64], 0), "zeros": make([]byte, 64), "half": sig[:32], "swapped": append(append([]byte{}, sig[32:]...), sig[:32]...),
	} {
		bad["signature: "+name] = parts[0] + "." + parts[1] + "." + b64(s)
	}
	for name, token := range bad {
		if _, _, err := VerifyForeign(token, keys, expectAny); err == nil {
			t.Errorf("%s is accepted", name)
		}
		if _, _, err := VerifyEmbedded(token, expectAny); err == nil {
			t.Errorf("%s is accepted as a proof", name)
		}
	}
	withTrail := []byte(parts[2])
	withTrail[len(withTrail)-1]++ // bits behind the end, or another signature
	if _, _, err := VerifyForeign(parts[0]+"."+parts[1]+"."+string(withTrail), keys, expectAny); err == nil {
		t.Error("a signature that is not canonical is accepted")
	}
	if _, _, err := VerifyForeign(craft(t, ES256, `{"alg":"ES256","kid":"k","typ":"x+jwt","x5t":"y"}`, goodPayload), keys,
		Expect{Algorithms: []string{ES256}, Ignore: []string{"x5t", "crit"}}); err != nil {
		t.Error("a member that means nothing is refused:", err)
	}
	if _, _, err := VerifyForeign(bad["header: crit"], keys, Expect{Algorithms: []string{ES256}, Ignore: []string{"crit"}}); err == nil {
		t.Error("crit can be ignored")
	}
}

func TestKeyIDOf(t *testing.T) {
	if kid, err := KeyIDOf(craft(t, RS256, header(RS256), goodPayload)); err != nil || kid != "k" {
		t.Error(kid, err)
	}
	for _, bad := range []string{"", ".", "x.", "e30", strings.Repeat("x", 9000) + ".", craft(t, ES256, header("HS256"), goodPayload), craft(t, ES256, `{"alg":"ES256","kid":1}`, goodPayload)} {
		if kid, err := KeyIDOf(bad); err == nil {
			t.Errorf("%.40s: %q", bad, kid)
		}
	}
}

func TestForeignWithoutKid(t *testing.T) {
	token := craft(t, ES256, `{"alg":"ES256"}`, goodPayload)
	var keys []PublicJWK
	for range maxTries - 1 {
		keys = append(keys, PublicJWK{Key: must(ParseJWK([]byte(ec9449))).Key})
	}
	x := Expect{Algorithms: []string{ES256}}
	if _, _, err := VerifyForeign(token, append(keys, publicJWK(ES256, "")), x); err != nil {
		t.Error(err)
	}
	if _, _, err := VerifyForeign(token, append(keys, keys[0], publicJWK(ES256, "")), x); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("as many keys as one likes are tried: %v", err)
	}
	encrypting := publicJWK(ES256, "k")
	encrypting.Use = "enc"
	if _, _, err := VerifyForeign(token, []PublicJWK{encrypting}, x); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key for encryption verifies: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestVerifyEmbedded(t *testing.T) {
	jwk := func(alg string) string { return string(must(json.Marshal(PublicJWK{Key: keysOf()[alg].Public()}))) }
	proof := func(alg, extra, key string) string {
		return craft(t, alg, fmt.Sprintf(`{"typ":"dpop+jwt","alg":%q,%s"jwk":%s}`, alg, extra, key), goodPayload)
	}
	x := Expect{Algorithms: ForeignAlgorithms(), Types: []string{TypeProof}}
	for _, alg := range Algorithms() {
		h, _, err := VerifyEmbedded(proof(alg, "", jwk(alg)), x)
		if err != nil || h.Key.Thumbprint() != (PublicJWK{Key: keysOf()[alg].Public()}).Thumbprint() {
			t.Errorf("%s: %v", alg, err)
		}
	}
	private := strings.Replace(jwk(EdDSA), "{", `{"d":"AAAA",`, 1)
	for name, token := range map[string]string{
		"kid beside jwk": proof(EdDSA, `"kid":"k",`, jwk(EdDSA)), "private key": proof(EdDSA, "", private), "another key": proof(EdDSA, "", ed8037),
		"key of another kind": proof(EdDSA, "", jwk(ES256)), "symmetric key": proof(EdDSA, "", `{"kty":"oct","k":"AAAA"}`),
		"alg of the key": proof(ES256, "", strings.Replace(jwk(ES256), "{", `{"alg":"ES384",`, 1)),
		"no key":         craft(t, EdDSA, `{"typ":"dpop+jwt","alg":"EdDSA"}`, goodPayload), "text": proof(EdDSA, "", `"x"`),
	} {
		if _, _, err := VerifyEmbedded(token, x); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // weak on purpose
	if err != nil {
		t.Fatal(err)
	}
	weak := string(PublicJWK{Key: &small.PublicKey}.members())
	for name, text := range map[string]string{
		"private": `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`,
		"null d":  `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":""}]}`,
		"oct":     `{"keys":[` + ec9449 + `,{"kty":"oct","k":"AAAA"}]}`, "RSA of 1024 bits": `{"keys":[` + weak + `]}`,
		"empty": `{"keys":[]}`, "no keys": `{}`, "array": `[]`, "only unknown kinds": `{"keys":[{"kty":"AKP","alg":"ML-DSA-44","pub":"x"}]}`,
		"too many": `{"keys":[` + strings.Repeat(ec9449+",", MaxKeys) + ec9449 + `]}`, "too long": `{"keys":[` + ec9449 + `]` + strings.Repeat(" ", MaxKeySet) + `}`,
		"off the curve": `{"keys":[` + strings.Replace(ec9449, "l8tF", "l8tG", 1) + `]}`, "short coordinate": `{"keys":[` + strings.Replace(ec9449, "l8tF", "", 1) + `]}`,
		"padding": `{"keys":[` + strings.Replace(ec9449, `BFs"`, `BFs="`, 1) + `]}`, "member twice": `{"keys":[` + strings.Replace(ec9449, "{", `{"kty":"EC",`, 1) + `]}`,
		"even exponent": `{"keys":[` + strings.Replace(rsa7638, "AQAB", "AQAC", 1) + `]}`, "exponent 1": `{"keys":[` + strings.Replace(rsa7638, "AQAB", "AQ", 1) + `]}`,
		"leading zero": `{"keys":[` + strings.Replace(rsa7638, "AQAB", "AAEAAQ", 1) + `]}`, "use": `{"keys":[` + strings.Replace(ec9449, "{", `{"use":"tls",`, 1) + `]}`,
		"key_ops": `{"keys":[` + strings.Replace(ec9449, "{", `{"key_ops":["sign"],`, 1) + `]}`, "use and key_ops": `{"keys":[` + strings.Replace(ec9449, "{", `{"use":"sig","key_ops":["deriveKey"],`, 1) + `]}`,
	} {
		if keys, err := ParseJWKS([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	keys, err := ParseJWKS([]byte(`{"keys":[{"kty":"AKP","alg":"ML-DSA-44","pub":"x"},` + ec9449 + `,` + rsa7638 + `],"other":1}`))
	if err != nil || len(keys) != 2 || keys[1].Algorithm != RS256 {
		t.Errorf("%+v, %v", keys, err)
	}
}

func TestRegistered(t *testing.T) {
	for _, bad := range []string{
		`{"exp":"1900000000"}`, `{"exp":-1}`, `{"exp":0}`, `{"exp":1e400}`, `{"exp":null}`, `{"exp":[1]}`, `{"exp":9e18}`, `{"iat":true}`, `{"aud":""}`, `{"aud":[]}`, `{"aud":[""]}`,
		`{"aud":[null]}`, `{"aud":[1]}`, `{"aud":1}`, `{"aud":{}}`, `{"sub":1}`, `{"sub":""}`, `{"iss":null}`, `{"Iss":"x"}`, `{"jti":"` + strings.Repeat("x", 3000) + `"}`,
		`{"aud":[` + strings.Repeat(`"x",`, 40) + `"x"]}`, `[]`, `x`,
	} {
		if r, err := ReadRegistered([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, r)
		}
	}
	r, err := ReadRegistered([]byte(`{"iss":"i","sub":"s","aud":["a","b"],"exp":100.5,"iat":50,"nbf":60,"jti":"j"}`))
	if err != nil || !r.HasAudience("b") || r.HasAudience("") || r.TokenID != "j" {
		t.Fatal(r, err)
	}
	for at, want := range map[int64]error{49: ErrNotYetValid, 50: nil, 100: nil, 110: nil, 111: ErrExpired} { // JWT-17
		if err := r.ValidAt(time.Unix(at, 0), 10*time.Second); !errors.Is(err, want) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

// FuzzForeign: nothing panics, and what is accepted the oracle accepts with the same payload.
func FuzzForeign(f *testing.F) {
	f.Add([]byte(header(EdDSA)), []byte(goodPayload))
	f.Add([]byte(`{"alg":"EdDSA"}`), []byte(`{}`))
	f.Add([]byte(`{"typ":"x+jwt","alg":"EdDSA","jwk":`+ed8037+`}`), []byte(`{"a":[1e5,{"b":"\ud83d\ude00"}]}`))
	key := keysOf()[EdDSA]
	f.Fuzz(func(t *testing.T, h, payload []byte) {
		b64 := base64.RawURLEncoding.EncodeToString
		signed := b64(h) + "." + b64(payload)
		sig, err := rawSignature(EdDSA, key, signed)
		if err != nil {
			t.Fatal(err)
		}
		compact := signed + "." + b64(sig)
		_, _, _ = VerifyEmbedded(compact, Expect{Algorithms: ForeignAlgorithms()})
		_, claims, err := VerifyForeign(compact, []PublicJWK{{Key: key.Public()}, {KeyID: "k", Key: key.Public()}}, Expect{Algorithms: ForeignAlgorithms()})
		if err != nil {
			return
		}
		parsed, err := gojose.ParseSignedCompact(compact, []gojose.SignatureAlgorithm{gojose.EdDSA})
		if err != nil {
			t.Fatalf("accepted what the oracle refuses: %v", err)
		}
		if got, err := parsed.Verify(key.Public()); err != nil || string(got) != string(claims) {
			t.Fatalf("the oracle says %q, %v", got, err)
		}
	})
}

// FuzzParseJWKS: nothing panics; what is accepted is public, and reads back as the same key.
func FuzzParseJWKS(f *testing.F) {
	for _, key := range []string{rsa7638, ed8037, ec9449, `{"kty":"oct","k":"AAAA"}`} {
		f.Add([]byte(`{"keys":[` + key + `]}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseJWKS(data)
		if err != nil {
			return
		}
		for _, k := range keys {
			again, err := ParseJWK(must(json.Marshal(k)))
			if err != nil || again.Thumbprint() != k.Thumbprint() {
				t.Fatalf("%+v: %v", k, err)
			}
		}
	})
}

// FuzzReadersAgree: whatever the reader of our own profile accepts, the reader of foreign tokens accepts, with the same meaning.
func FuzzReadersAgree(f *testing.F) {
	for _, h := range []string{header(EdDSA), `{"typ":"at+jwt","alg":"EdDSA","kid":"\u006b"}`, ` {"alg" : "EdDSA","kid":"k","typ":"a/b"} `} {
		for _, p := range []string{goodPayload, `{"iss":"i","sub":"\ud83d\ude00","aud":["a","b"],"exp":1900000000,"x":[1e5,-0.5,{"y":null}]}`, `{"aud":"a","iss":"i","sub":"s","exp":1,"scope":""}`} {
			f.Add([]byte(h), []byte(p))
		}
	}
	key, _ := keysOf()[EdDSA].(ed25519.PrivateKey)
	f.Fuzz(func(t *testing.T, h, payload []byte) {
		b64 := base64.RawURLEncoding.EncodeToString
		signed := b64(h) + "." + b64(payload)
		compact := signed + "." + b64(ed25519.Sign(key, []byte(signed)))
		parsed, err := Parse(compact)
		if err != nil {
			return
		}
		want, err := parsed.Claims(publicOf(key))
		if err != nil {
			return
		}
		got, claims, err := VerifyForeign(compact, []PublicJWK{{KeyID: parsed.KeyID(), Algorithm: EdDSA, Key: key.Public()}}, Expect{Algorithms: []string{EdDSA}})
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		r, err := ReadRegistered(claims)
		if err != nil || got.KeyID != parsed.KeyID() || got.Type != parsed.Type() || r.Issuer != want.Issuer || r.Subject != want.Subject ||
			!slices.Equal(r.Audience, want.Audience) || !r.Expires.Equal(want.ExpiresAt) || !r.Issued.Equal(want.IssuedAt) || r.TokenID != want.TokenID {
			t.Fatalf("%+v, %v; not %+v", r, err, want)
		}
	})
}

package verify

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

type attack struct {
	name, token string
	want        error
}

// run checks that the honest token passes before and after, and that no forged one does.
func run(t *testing.T, attacks []attack) {
	t.Helper()
	v := honestVerifier(t)
	honest := func() {
		if c, err := v.Verify(context.Background(), honestToken()); err != nil || c.Subject != "u_1" {
			t.Fatalf("the honest token fails: %v", err)
		}
	}
	honest()
	for _, a := range attacks {
		if _, err := v.Verify(context.Background(), a.token); !errors.Is(err, a.want) {
			t.Errorf("%s: got %v, want %v", a.name, err, a.want)
		}
	}
	honest()
}

func TestJWT01None(t *testing.T) {
	var attacks []attack
	_, signature := cutLast(honestToken())
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `"noNE"`, `""`, `"none "`, `null`, `["none"]`, `0`, `{}`} {
		head := b64(`{"alg":`+alg+`,"kid":"key_1","typ":"at+jwt"}`) + "." + b64(honestClaims(nil))
		for name, token := range map[string]string{
			"empty": head + ".", "old": head + "." + signature, "missing": head, "random": head + "." + b64(strings.Repeat("r", 64)),
		} {
			want := ErrAlgorithm
			if !strings.HasPrefix(alg, `"`) || name == "missing" {
				want = ErrMalformed
			}
			attacks = append(attacks, attack{alg + " with signature " + name, token, want})
		}
	}
	attacks = append(attacks, attack{"alg missing", forge(`{"kid":"key_1","typ":"at+jwt"}`, honestClaims(nil)), ErrAlgorithm})
	run(t, attacks)
}

func TestJWT02PublicKeyAsSecret(t *testing.T) {
	x := publicOf(keyFor(honestID))
	jwk := `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"key_1","x":"` + b64(string(x)) + `"}`
	der := "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" + string(x)
	pem := "-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString([]byte(der)) + "\n-----END PUBLIC KEY-----"
	secrets := []string{jwk, string(x), b64(string(x)), der, pem, pem + "\n", "", "\x00", "null", "undefined", "app_default", "secret"}
	var attacks []attack
	for alg, h := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New} {
		for i, secret := range secrets {
			signed := b64(`{"alg":"`+alg+`","kid":"key_1","typ":"at+jwt"}`) + "." + b64(honestClaims(nil))
			mac := hmac.New(h, []byte(secret))
			mac.Write([]byte(signed))
			attacks = append(attacks, attack{fmt.Sprint(alg, " secret ", i), signed + "." + b64(string(mac.Sum(nil))), ErrAlgorithm})
		}
	}
	run(t, attacks)
}

func TestJWT05Header(t *testing.T) {
	var attacks []attack
	for _, extra := range []string{
		`"crit":["exp"]`, `"crit":["http://x"],"http://x":1`, `"crit":[]`, `"crit":"b64"`, `"crit":["alg"]`, `"crit":["b64","b64"],"b64":true`,
		`"b64":false`, `"b64":false,"crit":["b64"]`, `"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}`, `"jku":"https://evil.test/jwks"`, `"x5u":"https://evil.test"`,
		`"x5c":["AA"]`, `"cty":"JWT"`, `"zip":"DEF"`, `"iss":"https://login.example.test"`, `"alg":"EdDSA"`, `"ALG":"none"`, `"Kid":"key_2"`, `"\u0061lg":"EdDSA"`, `"":""`,
	} {
		attacks = append(attacks, attack{extra, forge(`{"alg":"EdDSA","kid":"key_1","typ":"at+jwt",`+extra+`}`, honestClaims(nil)), ErrMalformed})
	}
	for _, header := range []string{
		`{"alg":"EdDSA","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":"","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":"a b","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":1,"typ":"at+jwt"}`,
		`{"alg":"EdDSA","kid":"key_1"}`, `{"alg":"EdDSA","kid":"key_1","typ":""}`, `{"alg":"EdDSA","kid":"key_1","typ":"at+jwt"}{}`, `[]`, `"x"`, ``, `null`,
		`{"alg":"EdDSA","kid":"` + strings.Repeat("k", 129) + `","typ":"at+jwt"}`, "\ufeff" + honestHeader, `{"alg":"EdDSA","kid":"key_1\u0000","typ":"at+jwt"}`,
	} {
		attacks = append(attacks, attack{header, forge(header, honestClaims(nil)), ErrMalformed})
	}
	for _, typ := range []string{"JWT", "at+JWT", "AT+JWT", "application/at+jwt", "id+jwt", "logout+jwt", "dpop+jwt", "at+jwt "} {
		attacks = append(attacks, attack{"typ " + typ, forge(`{"alg":"EdDSA","kid":"key_1","typ":"`+typ+`"}`, honestClaims(nil)), ErrType})
	}
	for _, kid := range []string{"key_2", "KEY_1", "../key_1", "key_1%00", "key_1'--"} {
		attacks = append(attacks, attack{"kid " + kid, forge(`{"alg":"EdDSA","kid":"`+kid+`","typ":"at+jwt"}`, honestClaims(nil)), ErrUnknownKey})
	}
	run(t, attacks)
}

func TestJWT07Claims(t *testing.T) {
	raw := func(old, text string) string {
		return forge(honestHeader, strings.Replace(honestClaims(nil), old, text, 1))
	}
	exp := fmt.Sprintf(`"exp":%d`, now.Unix()+3600)
	var attacks []attack
	for _, value := range []string{
		`"1900000000"`, `1e400`, `1e10`, `-1`, `0`, `null`, `[1900000000]`, `9223372036854775808`, `18446744073709551617`, `1900000000.5`, `true`, `{}`, `253402300800`, `01900000000`, `+1900000000`, `0x7fffffff`, `NaN`, `Infinity`, `19_00000000`,
	} {
		attacks = append(attacks, attack{"exp " + value, raw(exp, `"exp":`+value), ErrMalformed})
	}
	many := make([]string, 10000)
	for i := range many {
		many[i] = fmt.Sprint("a", i)
	}
	long, _ := json.Marshal(many)
	for _, value := range []string{`null`, `""`, `[]`, `[""]`, `[null]`, `[1]`, `1`, `{}`, `[["acc_default"]]`, string(long)} {
		attacks = append(attacks, attack{"aud " + value[:min(len(value), 20)], raw(`"aud":["acc_default"]`, `"aud":`+value), ErrMalformed})
	}
	for _, value := range []any{"acc_default2", "acc", "xacc_default", "ACC_DEFAULT", "acc_default ", []string{"x"}, []string{"acc_default,x"}} {
		attacks = append(attacks, attack{fmt.Sprint("aud ", value), forge(honestHeader, honestClaims(map[string]any{"aud": value})), ErrAudience})
	}
	for _, value := range []any{issuer + "/", "https://LOGIN.example.test", "http://login.example.test", issuer + ":443", "login.example.test", issuer + "#", issuer + "\x00", issuer + ".evil.test"} {
		attacks = append(attacks, attack{fmt.Sprint("iss ", value), forge(honestHeader, honestClaims(map[string]any{"iss": value})), ErrIssuer})
	}
	for claim, values := range map[string][]any{
		"sub":   {1, "", nil, []string{"u_1"}, strings.Repeat("u", 10_000)},
		"iss":   {1, "", nil, []string{issuer}},
		"nbf":   {"1", -1, 1.5},
		"iat":   {"1", -1, 1.5},
		"exp":   {nil},
		"aud":   {nil},
		"jti":   {1, ""},
		"scope": {1, []string{"a"}},
		"sid":   {1, ""},
	} {
		for _, value := range values {
			attacks = append(attacks, attack{fmt.Sprintf("%s %.20v", claim, value), forge(honestHeader, honestClaims(map[string]any{claim: value})), ErrMalformed})
		}
	}
	for _, text := range []string{
		`"sub":"u_2","sub":"u_1"`, `"SUB":"u_2","sub":"u_1"`, `"\u0073ub":"u_2","sub":"u_1"`, `"ſub":"u_2","sub":"u_1"`, `"sub":"u_1","x":{"a":1,"A":2}`,
		`"sub":"u_1","x":[{"a":1,"a":2}]`, `"sub":"\ud800"`, `"sub":"u_1\udc00"`, "\"sub\":\"u_1\xff\"", "\"sub\":\"u\n1\"", `"sub":"u_1",`, `"sub":'u_1'`, `"sub":"u_1"/**/`,
	} {
		attacks = append(attacks, attack{text, raw(`"sub":"u_1"`, text), ErrMalformed})
	}
	run(t, attacks)
}

func TestJWT09Signature(t *testing.T) {
	signed, signature := cutLast(honestToken())
	sig, _ := base64.RawURLEncoding.DecodeString(signature)
	change := func(f func(s []byte) []byte) string { return signed + "." + b64(string(f(slices.Clone(sig)))) }
	// S + L is the same number modulo the group's order and must not be a second signature.
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	malleable := change(func(s []byte) []byte {
		slices.Reverse(s[32:])
		sum := new(big.Int).Add(new(big.Int).SetBytes(s[32:]), order)
		sum.FillBytes(s[32:])
		slices.Reverse(s[32:])
		return s
	})
	otherKey := b64(string(ed25519.Sign(keyFor("other"), []byte(signed))))
	run(t, []attack{
		{"S plus L", malleable, ErrSignature},
		{"one bit", change(func(s []byte) []byte { s[10] ^= 1; return s }), ErrSignature},
		{"all zero", change(func(s []byte) []byte { clear(s); return s }), ErrSignature},
		{"identity R, zero S", change(func(s []byte) []byte { clear(s); s[0] = 1; return s }), ErrSignature},
		{"another key", signed + "." + otherKey, ErrSignature},
		{"63 bytes", change(func(s []byte) []byte { return s[:63] }), ErrMalformed},
		{"65 bytes", change(func(s []byte) []byte { return append(s, 0) }), ErrMalformed},
		{"other claims", b64(honestHeader) + "." + b64(honestClaims(map[string]any{"sub": "u_2"})) + "." + signature, ErrSignature},
		{"other type", b64(`{"alg":"EdDSA","kid":"key_1","typ":"JWT"}`) + signed[strings.Index(signed, "."):] + "." + signature, ErrType},
	})
}

func TestJWT11Serialization(t *testing.T) {
	honest := honestToken()
	parts := strings.Split(honest, ".")
	head, body, sig := parts[0], parts[1], parts[2]
	flat := fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, head, body, sig)
	attacks := []attack{
		{"flattened", flat, ErrMalformed},
		{"general", fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, body, head, sig), ErrMalformed},
		{"two segments", head + "." + body, ErrMalformed},
		{"four segments", honest + "." + sig, ErrMalformed},
		{"five segments, an encrypted one", head + ".." + body + "." + sig + "." + sig, ErrMalformed},
		{"dots", strings.Repeat(".", 100_000), ErrMalformed},
		{"few dots", strings.Repeat(".", 100), ErrMalformed},
		{"empty", "", ErrMalformed},
		{"detached", head + ".." + sig, ErrSignature},
		{"nested", forge(honestHeader, honest), ErrMalformed},
		{"padded", head + "." + body + "." + sig + "==", ErrMalformed},
		{"trailing line end", honest + "\n", ErrMalformed},
		{"line end inside", head[:4] + "\n" + head[4:] + "." + body + "." + sig, ErrMalformed},
		{"carriage return inside the signature", head + "." + body + "." + sig[:9] + "\r" + sig[9:], ErrMalformed},
		{"leading space", " " + honest, ErrMalformed},
		{"the scheme", "Bearer " + honest, ErrMalformed},
		{"NUL", honest + "\x00", ErrMalformed},
		{"standard alphabet", head + "." + body + "." + strings.NewReplacer("-", "+", "_", "/").Replace(strings.Repeat("-", 86)), ErrMalformed},
		{"full width dot", head + "．" + body + "." + sig, ErrMalformed},
	}
	// The last character of 64 bytes carries two bits; the four others must be zero.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, sig[85])
	for i := 1; i < 16; i++ {
		attacks = append(attacks, attack{fmt.Sprint("spare bits ", i), head + "." + body + "." + sig[:85] + string(alphabet[last|i]), ErrMalformed})
	}
	run(t, attacks)
}

func TestJWT12Encryption(t *testing.T) {
	var attacks []attack
	for _, header := range []string{
		`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAAAAAAAAA"}`, `{"alg":"dir","enc":"A128GCM","zip":"DEF"}`, `{"alg":"RSA1_5","enc":"A128GCM"}`,
		`{"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`,
	} {
		attacks = append(attacks,
			attack{"five parts " + header, b64(header) + ".AAAA.AAAA.AAAA.AAAA", ErrMalformed},
			attack{"three parts " + header, b64(header) + ".AAAA." + b64(strings.Repeat("s", 64)), ErrMalformed})
	}
	began := time.Now()
	run(t, attacks)
	if took := time.Since(began); took > 30*time.Second { // the count of PBES2 would take an hour
		t.Errorf("it took %v", took)
	}
}

func TestJWT13Size(t *testing.T) {
	deep := func(open, end string, n int) string {
		return strings.Replace(honestClaims(nil), `"sub"`, `"x":`+strings.Repeat(open, n)+`1`+strings.Repeat(end, n)+`,"sub"`, 1)
	}
	var wide strings.Builder
	for i := range 200 {
		fmt.Fprintf(&wide, `"m%d":1,`, i)
	}
	attacks := []attack{
		{"header of 2 KiB", forge(`{"alg":"EdDSA","kid":"`+strings.Repeat("k", 2048)+`","typ":"at+jwt"}`, honestClaims(nil)), ErrMalformed},
		{"header of 10 MiB", strings.Repeat("A", 10<<20) + "." + b64(honestClaims(nil)) + ".AAAA", ErrMalformed},
		{"claims of 1 MiB", forge(honestHeader, honestClaims(map[string]any{"x": strings.Repeat("x", 1<<20)})), ErrMalformed},
		{"arrays 100,000 deep", forge(honestHeader, deep("[", "]", 100_000)), ErrMalformed},
		{"arrays 17 deep", forge(honestHeader, deep("[", "]", 17)), ErrMalformed},
		{"objects 17 deep", forge(honestHeader, deep(`{"a":`, "}", 17)), ErrMalformed},
		{"200 members", forge(honestHeader, strings.Replace(honestClaims(nil), "{", "{"+wide.String(), 1)), ErrMalformed},
		{"2,000 elements", forge(honestHeader, honestClaims(map[string]any{"x": make([]int, 2000)})), ErrMalformed},
	}
	run(t, attacks)
}

func TestJWT17Time(t *testing.T) {
	v := honestVerifier(t)
	at := func(claim string, offset int64) error {
		_, err := v.Verify(context.Background(), forge(honestHeader, honestClaims(map[string]any{claim: now.Unix() + offset})))
		return err
	}
	leeway := int64(Leeway / time.Second)
	for _, c := range []struct {
		claim  string
		offset int64
		want   error
	}{
		{"exp", 1, nil}, {"exp", 0, nil}, {"exp", -leeway + 1, nil}, {"exp", -leeway, ErrExpired}, {"exp", -60, ErrExpired},
		{"iat", 5, nil}, {"iat", leeway, nil}, {"iat", leeway + 1, ErrNotYetValid}, {"iat", 59, ErrNotYetValid}, {"iat", 61, ErrNotYetValid},
		{"nbf", 5, nil}, {"nbf", leeway, nil}, {"nbf", leeway + 1, ErrNotYetValid}, {"nbf", 61, ErrNotYetValid},
	} {
		if err := at(c.claim, c.offset); !errors.Is(err, c.want) {
			t.Errorf("%s %+d s: got %v, want %v", c.claim, c.offset, err, c.want)
		}
	}
	if Leeway > 10*time.Second {
		t.Error("the leeway is longer than 10 s")
	}
}

func TestJWT20AlgorithmNames(t *testing.T) {
	var attacks []attack
	for _, alg := range []string{"Ed25519", "EDDSA", "eddsa", "EdDsa", "Ed448", "ES256", "RS256", "RS512", "PS256", "EdDSA ", "EdDSA\\u0000"} {
		attacks = append(attacks, attack{alg, forge(`{"alg":"`+alg+`","kid":"key_1","typ":"at+jwt"}`, honestClaims(nil)), ErrAlgorithm})
	}
	run(t, attacks)
}

func cutLast(token string) (before, after string) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:]
}

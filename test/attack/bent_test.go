package attack

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

func soon(seconds int64) int64 { return time.Now().Unix() + seconds }

func mustDecode(part string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(part)
	return b
}

// forgeRaw signs header and claims as they are written.
func forgeRaw(key ed25519.PrivateKey, header, claims string) string {
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	return text + "." + encode(ed25519.Sign(key, []byte(text)))
}

// bentJWTs are the ways to bend a genuine JWT that no verifier may take: JWT-01, JWT-02, JWT-05, JWT-09,
// JWT-11 and JWT-12. With a key of one's own the bent header is signed again; without, the old signature stays.
func bentJWTs(key ed25519.PrivateKey, header map[string]any, good string) map[string]string {
	parts := strings.Split(good, ".")
	payload := string(mustDecode(parts[1]))
	sign := func(h map[string]any) string {
		text, _ := json.Marshal(h)
		if key == nil {
			return encode(text) + "." + parts[1] + "." + parts[2]
		}
		return forgeRaw(key, string(text), payload)
	}
	mac := func(secret []byte) string {
		h, _ := json.Marshal(changed(header, "alg", "HS256"))
		text := encode(h) + "." + parts[1]
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(text))
		return text + "." + encode(m.Sum(nil))
	}
	out := map[string]string{
		"no third part": parts[0] + "." + parts[1], "an empty signature": parts[0] + "." + parts[1] + ".", "a random signature": parts[0] + "." + parts[1] + "." + encode(make([]byte, 64)), "a longer signature": good + "AA",
		"four parts": good + ".", "six parts": good + "...", "dots": strings.Repeat(".", 5000), "padding": good + "==", "a space": parts[0] + "." + parts[1] + " ." + parts[2], "a line": parts[0] + "\n." + parts[1] + "." + parts[2],
		"JSON": `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, "general JSON": `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"detached": parts[0] + ".." + parts[2], "empty HMAC key": mac(nil), "NUL HMAC key": mac([]byte{0}), "another payload": parts[0] + "." + encode([]byte(strings.Replace(payload, `"`, ` "`, 1))) + "." + parts[2],
		"PBES2": encode([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAAAAAAAAA"}`)) + ".AAAA.AAAA.AAAA.AAAA", "zip": encode([]byte(`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`)) + "..AAAA.AAAA.AAAA",
	}
	if key != nil {
		x := key.Public().(ed25519.PublicKey)
		out["public key as HMAC secret"], out["its text as HMAC secret"], out["its JWK as HMAC secret"] = mac(x), mac([]byte(encode(x))), mac([]byte(publicJWK(key)))
	}
	last := parts[2][len(parts[2])-1]
	for c := byte('A'); c <= 'Z'; c++ { // other trailing bits of the same bytes
		if got, err := base64.RawURLEncoding.DecodeString(parts[2][:len(parts[2])-1] + string(c)); c != last && err == nil && encode(got) == parts[2] {
			out["non-canonical bits "+string(c)] = parts[2]
			out["non-canonical bits "+string(c)] = parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-1] + string(c)
		}
	}
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "", nil, "none ", []string{"none"}, "EDDSA", "eddsa", "Ed448", "HS512", "RS256", 1} {
		name, _ := json.Marshal(alg)
		out["alg "+string(name)] = sign(changed(header, "alg", alg))
		h, _ := json.Marshal(changed(header, "alg", alg))
		out["alg "+string(name)+" unsigned"] = encode(h) + "." + parts[1] + "."
	}
	for name, more := range map[string][]any{
		"crit of nothing": {"crit", []string{}}, "crit exp": {"crit", []string{"exp"}}, "crit there": {"crit", []string{"http://x"}, "http://x", 1}, "crit text": {"crit", "b64"}, "crit alg": {"crit", []string{"alg"}}, "crit twice": {"crit", []string{"x", "x"}, "x", 1},
		"b64": {"b64", false}, "b64 and crit": {"b64", false, "crit", []string{"b64"}},
	} {
		out[name] = sign(changed(header, more...))
	}
	return out
}

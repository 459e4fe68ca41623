package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func TestSignAsRefuses(t *testing.T) {
	keys := keysOf()
	for name, err := range map[string]error{
		"another algorithm": second(SignAs(RS256, keys[ES256], "k", "JWT", map[string]string{})),
		"RS384":             second(SignAs(RS384, keys[RS256], "k", "JWT", map[string]string{})),
		"none":              second(SignAs("none", keys[RS256], "k", "JWT", map[string]string{})),
		"no key":            second(SignAs(EdDSA, nil, "k", "JWT", map[string]string{})),
		"no kid":            second(SignAs(EdDSA, keys[EdDSA], "", "JWT", map[string]string{})),
		"typ with a space":  second(SignAs(EdDSA, keys[EdDSA], "k", "J WT", map[string]string{})),
		"twice":             second(SignAs(EdDSA, keys[EdDSA], "k", "JWT", json.RawMessage(`{"sub":"a","sub":"b"}`))),
		"two cases":         second(SignAs(EdDSA, keys[EdDSA], "k", "JWT", json.RawMessage(`{"sub":"a","SUB":"b"}`))),
		"no object":         second(SignAs(EdDSA, keys[EdDSA], "k", "JWT", []string{"x"})),
		"null":              second(SignAs(EdDSA, keys[EdDSA], "k", "JWT", nil)),
		"too long":          second(SignAs(EdDSA, keys[EdDSA], "k", "JWT", map[string]string{"x": strings.Repeat("x", MaxSigned)})),
	} {
		if err == nil {
			t.Errorf("%s is signed", name)
		}
	}
	if got, err := SignAs(EdDSA, keys[EdDSA], "k", TypeAccess, json.RawMessage(goodPayload)); err != nil {
		t.Error(err)
	} else if token, err := Parse(got); err != nil || token.KeyID() != "k" { // one profile, two writers
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestHalfHash has the example of OpenID Connect Core appendix A.4 (RS256), and the rule for EdDSA.
func TestHalfHash(t *testing.T) {
	if got := HalfHash(RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Error(got)
	}
	if got := HalfHash(EdDSA, "x"); len(got) != 43 || HalfHash("none", "x") != "" || HalfHash(ES256, "x") != HalfHash(PS256, "x") {
		t.Error(got)
	}
}

// TestEncrypt checks that the owner of the key, with another library, reads what was encrypted to it.
func TestEncrypt(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	privates := map[string][]any{"RSA": {keysOf()[RS256]}, "EC": {keysOf()[ES256], p384}}
	for _, alg := range EncryptionAlgorithms() {
		kind := "EC"
		if strings.HasPrefix(alg, "RSA") {
			kind = "RSA"
		}
		for _, method := range append(EncryptionMethods(), "") {
			for _, private := range privates[kind] {
				public := PublicJWK{KeyID: "e", Use: "enc", Key: private.(crypto.Signer).Public()}
				out, err := Encrypt("a.b.c", Encryption{Algorithm: alg, Method: method, Key: public})
				if err != nil {
					t.Fatal(alg, method, err)
				}
				if method == "" {
					method = DefaultEncryptionMethod
				}
				parsed, err := gojose.ParseEncryptedCompact(out, []gojose.KeyAlgorithm{gojose.KeyAlgorithm(alg)}, []gojose.ContentEncryption{gojose.ContentEncryption(method)})
				if err != nil {
					t.Fatal(alg, method, err)
				}
				plain, err := parsed.Decrypt(private)
				if err != nil || string(plain) != "a.b.c" || parsed.Header.KeyID != "e" || parsed.Header.ExtraHeaders["cty"] != "JWT" {
					t.Errorf("%s %s: %q %v %+v", alg, method, plain, err, parsed.Header)
				}
			}
		}
	}
	rsaKey, ecKey := PublicJWK{Key: keysOf()[RS256].Public()}, PublicJWK{Key: keysOf()[ES256].Public()}
	signing := rsaKey
	signing.Use = "sig"
	for name, x := range map[string]Encryption{
		"RSA1_5": {Algorithm: "RSA1_5", Method: "A256GCM", Key: rsaKey}, "RSA-OAEP": {Algorithm: "RSA-OAEP", Method: "A256GCM", Key: rsaKey},
		"dir": {Algorithm: "dir", Method: "A256GCM", Key: rsaKey}, "method": {Algorithm: "RSA-OAEP-256", Method: "A192GCM", Key: rsaKey},
		"EC with an RSA key": {Algorithm: "ECDH-ES", Method: "A256GCM", Key: rsaKey}, "RSA with an EC key": {Algorithm: "RSA-OAEP-256", Method: "A256GCM", Key: ecKey},
		"a key for signatures": {Algorithm: "RSA-OAEP-256", Key: signing}, "an Ed25519 key": {Algorithm: "ECDH-ES", Key: publicJWK(EdDSA, "")},
	} {
		if _, err := Encrypt("a.b.c", x); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if k, ok := EncryptionKey([]PublicJWK{signing, rsaKey, ecKey}, "RSA-OAEP-256"); !ok || k.Use == "sig" {
		t.Error("the wrong key is chosen")
	}
}

func BenchmarkSignAs(b *testing.B) {
	for _, alg := range Algorithms() {
		key := keysOf()[alg]
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := SignAs(alg, key, "k", TypeAccess, json.RawMessage(goodPayload)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyForeign(b *testing.B) {
	for _, alg := range Algorithms() {
		token, keys := craft(b, alg, header(alg), goodPayload), []PublicJWK{publicJWK(alg, "k")}
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := VerifyForeign(token, keys, expectAny); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

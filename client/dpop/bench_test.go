package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
)

// BenchmarkVerify is what a proof costs who checks it.
func BenchmarkVerify(b *testing.B) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, key := range map[string]crypto.Signer{"EdDSA": edKey("a"), "ES256": ec, "RS256": rs} {
		proof := []string{forge(b, key, nil, map[string]any{"ath": TokenHash(access)})}
		e := expected()
		e.AccessToken = access
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(proof, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package strict

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// TestWycheproof runs vectors of C2SP/wycheproof (Apache-2.0); the file names its source.
func TestWycheproof(t *testing.T) {
	data, err := os.ReadFile("../../../internal/kit/jose/testdata/wycheproof.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Primitives []struct {
			File, Alg string
			Groups    []struct {
				SPKI  string
				Tests []struct {
					ID                int
					Comment, Msg, Sig string
					Valid             bool
				}
			}
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	count := 0
	for _, file := range vectors.Primitives {
		for _, g := range file.Groups {
			public, err := x509.ParsePKIXPublicKey(unhex(g.SPKI))
			if err != nil {
				t.Fatal(err)
			}
			key, err := NewKey(public)
			if err != nil {
				continue // P-384 is not read here
			}
			for _, c := range g.Tests {
				if got := key.Verify(file.Alg, unhex(c.Msg), unhex(c.Sig)); got != c.Valid {
					t.Errorf("%s %d (%s): %v", file.File, c.ID, c.Comment, got)
				}
				count++
			}
		}
	}
	if count < 300 {
		t.Errorf("only %d vectors", count)
	}
}

package jose

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// wycheproof is testdata/wycheproof.json: vectors of C2SP/wycheproof (Apache-2.0), whose source the file names.
type wycheproof struct {
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
	JWS []struct {
		Key   json.RawMessage
		Tests []tokenVector
	}
	Sets []struct {
		Comment string
		Keys    json.RawMessage
		Tests   []tokenVector
	}
}

type tokenVector struct {
	ID      int
	Comment string
	JWS     any
	Valid   bool
}

func vectors(t *testing.T) (w wycheproof) {
	data, err := os.ReadFile("testdata/wycheproof.json")
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWycheproofPrimitives is JWT-09: edge cases of Ed25519, ECDSA, RSA PKCS #1 and PSS.
func TestWycheproofPrimitives(t *testing.T) {
	count := 0
	for _, file := range vectors(t).Primitives {
		for _, g := range file.Groups {
			der, err := hex.DecodeString(g.SPKI)
			if err != nil {
				t.Fatal(err)
			}
			key, err := x509.ParsePKIXPublicKey(der)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Tests {
				msg, err1 := hex.DecodeString(c.Msg)
				sig, err2 := hex.DecodeString(c.Sig)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				if got := verifySignature(file.Alg, key, string(msg), sig); got != c.Valid {
					t.Errorf("%s %d (%s): %v", file.File, c.ID, c.Comment, got)
				}
				count++
			}
		}
	}
	if count < 400 {
		t.Errorf("only %d vectors", count)
	}
}

// TestWycheproofTokens runs the vectors of whole tokens. Most payloads are no JSON object, so what is valid there is
// compared at the signature; what is invalid must be refused as it comes.
func TestWycheproofTokens(t *testing.T) {
	w, good, bad := vectors(t), 0, 0
	for _, g := range w.JWS {
		key, keyErr := ParseJWK(g.Key)
		if key.KeyID == "bilbo.baggins@hobbiton.example" { // RFC 7520 figures 13, 20, 27: keys with an alg that the tokens have not, or "ES521"
			key.Algorithm = ""
		}
		for _, c := range g.Tests {
			token, ok := c.JWS.(string)
			if !ok { // the JSON serialization
				text, err := json.Marshal(c.JWS)
				if err != nil {
					t.Fatal(err)
				}
				token = string(text)
			}
			x := Expect{Algorithms: append(ForeignAlgorithms(), ES512), MaxBytes: maxForeignLimit}
			_, _, err := VerifyForeign(token, []PublicJWK{key}, x)
			if !c.Valid || keyErr != nil {
				if err == nil {
					t.Errorf("JWS %d (%s) is accepted", c.ID, c.Comment)
				}
				bad++
				continue
			}
			parts := strings.Split(token, ".")
			var header struct{ Alg string }
			raw, _ := decode(parts[0])
			if err := json.Unmarshal(raw, &header); err != nil {
				t.Fatal(err)
			}
			sig, _ := decode(parts[2])
			if !key.fits(header.Alg) || !verifySignature(header.Alg, key.Key, parts[0]+"."+parts[1], sig) {
				t.Errorf("JWS %d (%s) does not verify", c.ID, c.Comment)
			}
			good++
		}
	}
	if good < 25 || bad < 150 {
		t.Errorf("only %d good and %d bad vectors", good, bad)
	}
	for _, g := range w.Sets {
		keys, err := ParseJWKS(g.Keys)
		for _, c := range g.Tests {
			token, _ := c.JWS.(string)
			if err == nil {
				_, _, err = VerifyForeign(token, keys, Expect{Algorithms: ForeignAlgorithms()})
			}
			switch {
			case strings.Contains(c.Comment, "Roca"): // a weak key weakens its owner only; the primes are not looked at
			case err == nil && !c.Valid:
				t.Errorf("set %s %d (%s) is accepted", g.Comment, c.ID, c.Comment)
			case err != nil && c.Valid && !strings.Contains(string(g.Keys), `"oct"`) && !strings.Contains(err.Error(), "the claims"):
				t.Errorf("set %s %d (%s): %v", g.Comment, c.ID, c.Comment, err)
			}
		}
	}
}

const (
	rsa7638 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	ed8037  = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	ec9449  = `{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`
	ec7515  = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rsa7515 = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`
	claims7 = `eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ`
)

// TestThumbprints has the examples of RFC 7638 section 3.1, RFC 8037 appendix A.3 and RFC 9449 section 6.1.
func TestThumbprints(t *testing.T) {
	for jwk, want := range map[string]string{
		rsa7638: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		ed8037:  "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		ec9449:  "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
	} {
		k, err := ParseJWK([]byte(jwk))
		if err != nil || k.Thumbprint() != want {
			t.Errorf("%s: %s, %v", want, k.Thumbprint(), err)
		}
		text, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseJWK(text)
		if err != nil || again.Thumbprint() != want || again.KeyID != k.KeyID || again.Algorithm != k.Algorithm {
			t.Errorf("%s read back: %v", text, err)
		}
	}
}

// TestTokensOfStandards has the tokens of RFC 7515 appendices A.2 and A.3, and RFC 9449 section 4.1.
func TestTokensOfStandards(t *testing.T) {
	for name, v := range map[string]struct{ key, alg, compact string }{
		"RFC 7515 A.2": {rsa7515, RS256, "eyJhbGciOiJSUzI1NiJ9." + claims7 + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
		"RFC 7515 A.3": {ec7515, ES256, "eyJhbGciOiJFUzI1NiJ9." + claims7 + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	} {
		key, err := ParseJWK([]byte(v.key))
		if err != nil {
			t.Fatal(err)
		}
		_, claims, err := VerifyForeign(v.compact, []PublicJWK{key}, Expect{Algorithms: []string{v.alg}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r, err := ReadRegistered(claims); err != nil || r.Issuer != "joe" || r.Expires.Unix() != 1300819380 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	header, _, err := VerifyEmbedded(proof, Expect{Algorithms: []string{ES256}, Types: []string{TypeProof}})
	if err != nil || header.Key.Thumbprint() != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("RFC 9449: %v, %s", err, header.Key.Thumbprint())
	}
}

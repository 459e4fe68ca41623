package verify

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of RFC 8032 section 7.1, and the JWS of RFC 8037 appendix A.4.
func TestStandardVectors(t *testing.T) {
	const a4 = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	a4Signature, err := base64.RawURLEncoding.DecodeString("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ name, key, message, signature string }{
		{"RFC 8032 test 1", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"RFC 8032 test 2", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"RFC 8032 test 3", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
		{"RFC 8037 A.4", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", hex.EncodeToString([]byte(a4)), hex.EncodeToString(a4Signature)},
	} {
		token := &Token{signed: string(unhex(t, v.message)), signature: unhex(t, v.signature)}
		if err := token.VerifySignature(unhex(t, v.key)); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		token.signed += "x"
		if err := token.VerifySignature(unhex(t, v.key)); err == nil {
			t.Errorf("%s: another message passes", v.name)
		}
	}
}

// TestWycheproof runs the JWS vectors of C2SP/wycheproof (Apache-2.0), whose source the file names. None is
// in our profile, so none may pass the parser, whatever it is elsewhere.
func TestWycheproof(t *testing.T) {
	data, err := os.ReadFile("../../internal/kit/jose/testdata/wycheproof.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		JWS []struct {
			Tests []struct {
				ID  int
				JWS any
			}
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, g := range vectors.JWS {
		for _, c := range g.Tests {
			text, ok := c.JWS.(string)
			if !ok { // the JSON serialization
				object, err := json.Marshal(c.JWS)
				if err != nil {
					t.Fatal(err)
				}
				text = string(object)
			}
			if _, err := Parse(text); err == nil {
				t.Errorf("JWS %d is accepted", c.ID)
			}
			count++
		}
	}
	if count < 200 {
		t.Errorf("only %d vectors", count)
	}
}

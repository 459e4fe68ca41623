package crypt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func keys(t *testing.T, b byte) *Keys {
	t.Helper()
	k, err := NewKeys(bytes.Repeat([]byte{b}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What was sealed for one place and purpose opens nowhere else (CRY-03, I-26).
func TestPlacesAndPurposesAreApart(t *testing.T) {
	k := keys(t, 1)
	sealed := k.Seal("signing", []byte("private"), "acc", "key", "1")
	if bytes.Contains(sealed, []byte("private")) || bytes.Equal(sealed, k.Seal("signing", []byte("private"), "acc", "key", "1")) {
		t.Error("not sealed, or sealed twice alike")
	}
	if plain, err := k.Open("signing", sealed, "acc", "key", "1"); err != nil || string(plain) != "private" {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another purpose":    func() ([]byte, error) { return k.Open("mail", sealed, "acc", "key", "1") },
		"another account":    func() ([]byte, error) { return k.Open("signing", sealed, "acd", "key", "1") },
		"shifted boundaries": func() ([]byte, error) { return k.Open("signing", sealed, "acck", "ey", "1") },
		"fewer parts":        func() ([]byte, error) { return k.Open("signing", sealed, "acc", "key") },
		"another master key": func() ([]byte, error) { return keys(t, 2).Open("signing", sealed, "acc", "key", "1") },
		"one bit changed": func() ([]byte, error) {
			other := bytes.Clone(sealed)
			other[len(other)-1] ^= 1
			return k.Open("signing", other, "acc", "key", "1")
		},
		"cut short": func() ([]byte, error) { return k.Open("signing", sealed[:5], "acc", "key", "1") },
		"empty":     func() ([]byte, error) { return k.Open("signing", nil, "acc", "key", "1") },
	} {
		if _, err := open(); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if bytes.Equal(k.MAC("code", "a", "bc"), k.MAC("code", "ab", "c")) || bytes.Equal(k.MAC("code", "a"), k.MAC("cursor", "a")) {
		t.Error("MACs of different things are equal")
	}
}

// The derivation must never change: what is in a database is sealed with it.
func TestDerivationIsFixed(t *testing.T) {
	if got := hex.EncodeToString(keys(t, 7).Derive("example")); got != fixed {
		t.Error(got)
	}
}

// fixed was computed apart from this code, by RFC 5869.
const fixed = "f7cda2f165401095b54815314bbf27776b68615782762992b59816d5befa14bf"

func TestParseMaster(t *testing.T) {
	for text, ok := range map[string]bool{
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=": true, " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n": true, "_-ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8": true,
		"": false, "AAEC": false, "hunter2": false, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8fHw==": false,
	} {
		if _, err := ParseMaster(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := NewKeys(make([]byte, 16)); err == nil {
		t.Error("a short key")
	}
}

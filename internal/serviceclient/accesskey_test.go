package serviceclient

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
)

func TestAccessKeyIsWhatTheSDKsRead(t *testing.T) {
	k := newAccessKey("acc_default", "sc_abc")
	parts := strings.Split(k.Text().Reveal(), ".")
	if len(parts) != 4 || parts[0] != "sc_abc" || parts[1] != string(k.KeyID) || parts[2] != "acc_default" {
		t.Fatal("parts")
	}
	der, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	if !parsed.(ed25519.PrivateKey).Equal(k.private) {
		t.Fatal("another key")
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), fmt.Sprint(struct{ K AccessKey }{k}), fmt.Sprint(k.Text())} {
		if strings.Contains(text, parts[3][24:40]) || !strings.Contains(text, secret.Mask) {
			t.Fatal("a printed access key shows itself")
		}
	}
}

func TestPublicKeys(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(der)
	got, err := ParsePublicKey(text)
	if err != nil || !got.Equal(public) || FormatPublicKey(got) != text {
		t.Fatal(err)
	}
	bad := map[string]string{
		"empty": "", "raw key": base64.StdEncoding.EncodeToString(public), "X25519": strings.Replace(text, "MCowBQYDK2Vw", "MCowBQYDK2Vu", 1), "line break": text[:20] + "\n" + text[20:],
		"no padding": strings.TrimRight(text, "="), "PEM": "-----BEGIN PUBLIC KEY-----\n" + text, "two": text + text,
	}
	for i, y := range smallOrder {
		for _, sign := range []byte{0, 0x80} {
			y[31] |= sign
			bad[fmt.Sprintf("small order %d %x", i, sign)] = FormatPublicKey(y[:])
		}
	}
	for name, text := range bad {
		if _, err := ParsePublicKey(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPublicKey(f *testing.F) {
	f.Add(FormatPublicKey(newAccessKey("acc_default", "sc_abc").Public()))
	f.Add("MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParsePublicKey(text)
		if err == nil && FormatPublicKey(k) != text {
			t.Fatalf("%q has another spelling", text)
		}
	})
}

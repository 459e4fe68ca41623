package totp

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/secret"
)

// RFC 4226 Appendix D.
func TestHOTPVectors(t *testing.T) {
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := Code([]byte("12345678901234567890"), int64(i), 6); got != want {
			t.Errorf("counter %d: %s; want %s", i, got, want)
		}
	}
}

// RFC 6238 Appendix B, SHA-1.
func TestTOTPVectors(t *testing.T) {
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := Code([]byte("12345678901234567890"), StepAt(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: %s; want %s", at, got, want)
		}
	}
}

func TestURI(t *testing.T) {
	seed := []byte("12345678901234567890")
	text := uri(seed, "Ac me: & Söhne?", "ann+x@x.example").Reveal()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Ac me  & Söhne?:ann+x@x.example" || u.Fragment != "" {
		t.Errorf("%q", text)
	}
	q := u.Query()
	if q.Get("issuer") != "Ac me  & Söhne?" || q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("algorithm") != "SHA1" || q.Get("digits") != "6" || q.Get("period") != "30" || len(q) != 5 {
		t.Errorf("%v", q)
	}
	if strings.Contains(text, "+") {
		t.Error("apps read a plus sign in different ways")
	}
}

// CMP-09: what the browser SDK makes is taken if it could have been made at random.
func TestSeedsThatAreBrought(t *testing.T) {
	good := base32Text.EncodeToString([]byte("\x01\xf3\x8a\x11\xd0\x7f\x99\x42\xc3\xee\x5a\x10\x77\xbc\x39\xe6\x0d\x91\x28\xaf"))
	for range 2000 {
		text := base32Text.EncodeToString(secret.Bytes(MinSeed))
		if _, err := readSeed(secret.New(text)); err != nil {
			t.Fatal("a random seed of the least length is refused")
		}
	}
	for _, text := range []string{good, strings.ToLower(good), good[:4] + " " + good[4:], good + "====", base32Text.EncodeToString(secret.Bytes(MaxSeed))} {
		if _, err := readSeed(secret.New(text)); err != nil {
			t.Errorf("%q is refused", text)
		}
	}
	bytes := func(b string) string { return base32Text.EncodeToString([]byte(b)) }
	for name, text := range map[string]string{
		"nothing": "", "one bit": "A", "79 bits": strings.Repeat("K5", 8)[:15], "the example of every manual": "JBSWY3DPEHPK3PXP",
		"127 bits": good[:25], "all zero": strings.Repeat("A", 32), "one bit in many zeros": strings.Repeat("A", 31) + "B",
		"all ones": bytes(strings.Repeat("\xff", 20)), "a word again and again": bytes("passwordpasswordpassword"),
		"a sentence": bytes("correcthorsebattery"), "two words": bytes("administratorpassword"[:20]), "the alphabet": bytes("abcdefghijklmnopqrst"),
		"digits": bytes("12345678901234567890"), "long digits": bytes("31415926535897932384"), "base32 in order": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
		"the example twice": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "counting bytes": bytes("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13"),
		"no base32": "0189" + good[4:], "10 KB": strings.Repeat(good, 320), "65 bytes": base32Text.EncodeToString(secret.Bytes(MaxSeed + 1)),
		"bits that are left over": good[:31] + "Z" + "B", "a line end": good[:8] + "\n" + good[8:], "a zero byte": good + "\x00", "hexadecimal": "0123456789abcdef0123456789abcdef01234567",
	} {
		if _, err := readSeed(secret.New(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestQR(t *testing.T) {
	svg, err := QR(uri(secret.Bytes(SeedSize), strings.Repeat("Ä", MaxName), strings.Repeat("a", MaxName)))
	if err != nil || !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") || strings.Contains(svg, "style") || strings.Contains(svg, "otpauth") {
		t.Fatal(svg, err)
	}
	if len(svg) > 64<<10 {
		t.Error(len(svg))
	}
}

package redeem

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzVerifier(f *testing.F) {
	f.Add(strings.Repeat("a", 43))
	f.Add("undefined")
	f.Fuzz(func(t *testing.T, v string) {
		if validVerifier(v) && (len(v) < 43 || len(v) > 256 || url.QueryEscape(v) != v) {
			t.Fatalf("took %q", v)
		}
	})
}

package address

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzRedirect holds that our answer is the only one in the URL, and that it stays where the
// application's rule has sent it.
func FuzzRedirect(f *testing.F) {
	for _, seed := range []string{
		"https://app.example/", "https://app.example/?", "https://app.example/?a=1&", "https://app.example/?a=1?b=2", "https://app.example?x",
		"https://app.example/?code=1", "https://app.example/?%63ode=1", "https://app.example/?CODE=1", "https://app.example/?a;code=1",
		"https://app.example/#x", "https://app.example\\@evil.example/", "com.example.app:/cb", "https://app.example/?a=%", "https://app.example/%3F",
	} {
		f.Add(seed)
	}
	anything := func(string) bool { return true }
	f.Fuzz(func(t *testing.T, raw string) {
		if CheckRedirect(anything, raw) != nil {
			return
		}
		got := WithQuery(raw, url.Values{"code": {"c&=#?"}, "nonce": {"n"}, "iss": {"https://login.example"}})
		if !strings.HasPrefix(got, raw) {
			t.Fatalf("%q became %q", raw, got)
		}
		before, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		after, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q cannot be read: %v", got, err)
		}
		if before.Scheme != after.Scheme || before.Host != after.Host || before.Path != after.Path || after.Fragment != "" {
			t.Fatalf("%q leads elsewhere than %q", got, raw)
		}
		q, err := url.ParseQuery(after.RawQuery)
		if err != nil || len(q["code"]) != 1 || len(q["nonce"]) != 1 || len(q["iss"]) != 1 || q.Get("code") != "c&=#?" {
			t.Fatalf("%q is read as %v, %v", got, q, err)
		}
	})
}

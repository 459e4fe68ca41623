package archtest

import (
	"regexp"
	"strings"
	"testing"
)

// rawCookie reads a cookie past kit/web, and looseCookie the session's without what may bind it.
var (
	rawCookie   = regexp.MustCompile(`\.(CookiesNamed|Cookies)\(|\br\.Cookie\(|Header(\.Get\(|\[)"Cookie"`)
	looseCookie = regexp.MustCompile(`web\.Cookie\(r, session\.`)
)

// TestCookiesAreReadByOneFunction: a bound session's cookie counts together with those that bind it, on every surface.
func TestCookiesAreReadByOneFunction(t *testing.T) {
	readers := 0
	for _, f := range files(t) {
		if f.pkg.test() || !strings.HasPrefix(f.pkg.path(), "internal/surface") && !strings.HasPrefix(f.pkg.path(), "internal/app") {
			continue
		}
		readers += strings.Count(f.text, "web.JoinedCookie(r, session.CookieName(")
		for _, wrong := range []*regexp.Regexp{rawCookie, looseCookie} {
			if found := wrong.FindString(f.text); found != "" {
				t.Errorf("%s has %s: cookies are read by web.Cookie, the session's by web.JoinedCookie", f.name, found)
			}
		}
	}
	if readers < 4 {
		t.Errorf("%d surfaces read the session's cookie; is this test looking for the right thing?", readers)
	}
}

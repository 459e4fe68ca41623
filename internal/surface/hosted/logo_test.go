package hosted

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// otherHosts stands for the other hosts: what each URL answers.
type otherHosts struct {
	answers map[string]string // body by URL
	kind    string
	asked   atomic.Int32
}

func (o *otherHosts) Do(r *http.Request) (*http.Response, error) {
	o.asked.Add(1)
	body, ok := o.answers[r.URL.String()]
	if !ok {
		return nil, errors.New("refused")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {o.kind}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

const png = "\x89PNG\r\n\x1a\n and so on"

func TestLogosComeFromHere(t *testing.T) {
	for name, tc := range map[string]struct{ url, body, said, want string }{
		"png":                  {"https://cdn.test/a.png", png, "text/html", "image/png"},
		"svg":                  {"https://cdn.test/a.svg", `<?xml version="1.0"?><svg xmlns="x"><script>alert(1)</script></svg>`, "image/svg+xml; charset=utf-8", "image/svg+xml"},
		"page":                 {"https://cdn.test/a", "<html><script>", "image/png", ""},
		"svg that is a page":   {"https://cdn.test/a", "<svg", "text/html", ""},
		"too large":            {"https://cdn.test/a", png + strings.Repeat("x", 32<<10), "image/png", ""},
		"not there":            {"https://cdn.test/b", "", "", ""},
		"not https":            {"http://cdn.test/a", png, "image/png", ""},
		"another host by path": {"//cdn.test/a", png, "image/png", ""},
	} {
		o := &otherHosts{answers: map[string]string{tc.url: tc.body}, kind: tc.said}
		if tc.body == "" {
			o.answers = nil
		}
		h := handlerWith(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: "Harbour", Logo: tc.url}, acme.issuer}, false, o)
		shown := get(t, h, "/login?state=choose-1").body
		if strings.Contains(shown, "cdn.test") {
			t.Errorf("%s: the page asks another host", name)
		}
		if shown := strings.Contains(shown, `<img src="/assets/logo?v=`); shown != (tc.want != "") {
			t.Errorf("%s: shown: %v", name, shown)
		}
		a := get(t, h, "/assets/logo?v=1")
		if tc.want == "" {
			if a.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", name, a.StatusCode)
			}
			continue
		}
		csp := a.Header.Get("Content-Security-Policy")
		if a.Header.Get("Content-Type") != tc.want || a.body != tc.body || !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: %v", name, a.Header)
		}
		get(t, h, "/login?state=choose-1")
		if n := o.asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

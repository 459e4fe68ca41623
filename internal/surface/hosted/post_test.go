package hosted

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/surface/hosted/ask"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

func askPages(t *testing.T) (*ask.Surface, error) {
	kit, err := page.New(page.Deps{Accounts: acme, Clock: clock.NewSystem()})
	if err != nil {
		t.Fatal(err)
	}
	return ask.New(ask.Deps{Kit: kit})
}

// The page that posts an answer to a client leads there and nowhere else, whatever the answer holds.
func TestPostForm(t *testing.T) {
	s, err := askPages(t)
	if err != nil {
		t.Fatal(err)
	}
	for action, target := range map[string]string{
		"https://app.example.test/cb?a=1&b=%22": "https://app.example.test", "http://127.0.0.1:3000/cb": "http://127.0.0.1:3000", "http://[::1]:3000/cb": "http:",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "https://login.example.test/oauth/authorize", nil)
		if err := s.PostForm(w, r, action, url.Values{"state": {`"><script>alert(1)</script>`}, "code": {"c"}}); err != nil {
			t.Fatal(err)
		}
		policy := w.Header().Get("Content-Security-Policy")
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(policy, "form-action "+target+";") || strings.Contains(policy, "'self' https:") || strings.Contains(policy, "unsafe") ||
			strings.Contains(body, "<script>alert") || !strings.Contains(body, `name="code" value="c"`) || !strings.Contains(body, "data-answer") || !strings.Contains(body, "<button>") ||
			w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %d %s\n%s", action, w.Code, policy, body)
		}
	}
	for _, action := range []string{"javascript:alert(1)", "com.example:/cb", "//evil.example", "https://a;b.example/", "https://*/", ""} {
		w := httptest.NewRecorder()
		if err := s.PostForm(w, httptest.NewRequest("GET", "https://login.example.test/", nil), action, url.Values{}); err == nil {
			t.Errorf("%q: %s", action, w.Header().Get("Content-Security-Policy"))
		}
	}
}

func TestOAuthError(t *testing.T) {
	s, err := askPages(t)
	if err != nil {
		t.Fatal(err)
	}
	for code, status := range map[oauth.Code]int{oauth.InvalidRequest: 400, oauth.InvalidClient: 400, oauth.ServerError: 500, oauth.TemporarilyUnavailable: 503} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "https://login.example.test/oauth/authorize?redirect_uri=https://evil.example/&ui_locales=de", nil)
		if err := s.OAuthError(w, r, oauth.Fail(code, "What is wrong <b>.")); err != nil {
			t.Fatal(err)
		}
		if body := w.Body.String(); w.Code != status || !strings.Contains(body, string(code)+": What is wrong &lt;b&gt;.") || strings.Contains(body, "evil.example") || !strings.Contains(body, `lang="de"`) {
			t.Errorf("%s: %d\n%s", code, w.Code, body)
		}
	}
	// Whoever goes back, or has two windows, did nothing wrong, and reads their own language only.
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "https://login.example.test/oauth/resume?request=areq_1&ui_locales=de", nil)
	if err := s.OAuthError(w, r, authorize.ErrGone); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); w.Code != 400 || !strings.Contains(body, "Diese Anmeldung ist vorbei") || strings.Contains(body, "invalid_request") {
		t.Errorf("%d\n%s", w.Code, body)
	}
}

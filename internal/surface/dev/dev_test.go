package dev

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type world struct{ mails []Mail }

func (w *world) List(context.Context, ident.AccountID) ([]Mail, error)  { return w.mails, nil }
func (w *world) ByHost(string) (ident.AccountID, bool)                  { return "acc_default", true }
func (w *world) OriginAllowed(ident.AccountID, string) bool             { return false }
func (w *world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }
func (w *world) Verify(context.Context, ident.AccountID, string) (actor.Actor, error) {
	return actor.Actor{}, fault.New(fault.Unauthenticated, "", "no")
}

func handler(t testing.TB, w *world, issuer string) http.Handler {
	t.Helper()
	clk := clock.NewFake(start)
	s, err := New(Deps{Mailbox: w, Issuer: func(ident.AccountID) string { return issuer }, Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.NewRouter(web.Deps{Accounts: w, Tokens: w, Origins: w, Limiter: w, Clock: clk, Log: slog.New(slog.DiscardHandler)}, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:50000"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var letters = []Mail{
	{ID: "mail_2", To: "ada@example.com", Subject: "482913 is your Admit code", Text: "Type this code:\n\n    482913\n\nhttp://evil.test/login/link?token=a\nhttp://localhost:8080/login/link?token=b\n", SentAt: start.Add(-5 * time.Second)},
	{ID: "mail_1", To: "grace@example.com", Subject: "<script>alert(1)</script>", Text: "<b>no code</b>", SentAt: start.Add(-5 * time.Minute)},
}

func TestMailbox(t *testing.T) {
	w := &world{mails: letters}
	h := handler(t, w, "http://localhost:8080")
	body := get(h, "/dev/mailbox").Body.String()
	for _, want := range []string{
		`data-newest="mail_2"`, `<output id="code-0">482913</output>`, `href="/login/link?token=b"`, "ada@example.com", "just now", "5 minutes ago",
		"&lt;script&gt;alert(1)", "<title>2 mails",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the mailbox lacks %s", want)
		}
	}
	if strings.Contains(body, `href="http`) || strings.Contains(body, "<b>no") || strings.Index(body, "ada@") > strings.LastIndex(body, "482913") {
		t.Error(body)
	}
	if got := get(h, "/dev/mailbox/newest").Body.String(); got != "mail_2" {
		t.Error(got)
	}
	w.mails = nil
	if body := get(h, "/dev/mailbox").Body.String(); !strings.Contains(body, "No mail yet") {
		t.Error(body)
	}
}

func TestPagesAreProtected(t *testing.T) {
	h := handler(t, &world{mails: letters}, "http://localhost:8080")
	inline := regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|<[a-z][^<>]*\s(?:on[a-z]+|style)\s*=|(?:src|href)="(?:https?:)?//`)
	for _, path := range []string{"/try", "/dev/mailbox"} {
		w := get(h, path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Security-Policy") != policy || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if m := inline.FindString(w.Body.String()); m != "" {
			t.Errorf("%s: %q", path, m)
		}
		if !strings.Contains(w.Body.String(), `<html lang="en">`) || strings.Count(w.Body.String(), "<h1") != 1 {
			t.Errorf("%s is not well made", path)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

func TestOnlyThisMachine(t *testing.T) {
	h := handler(t, &world{mails: letters}, "http://localhost:8080")
	for name, how := range map[string]func(*http.Request){
		"another machine":     func(r *http.Request) { r.RemoteAddr = "203.0.113.7:50000" },
		"behind a proxy":      func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.7") },
		"another host's name": func(r *http.Request) { r.Host = "rebind.evil.test:8080" },
	} {
		for _, path := range []string{"/try", "/dev/mailbox", "/dev/mailbox/newest"} {
			if w := get(h, path, how); w.Code == http.StatusOK {
				t.Errorf("%s is shown to %s", path, name)
			}
		}
	}
}

func TestTryHasOneName(t *testing.T) {
	h := handler(t, &world{}, "http://localhost:8080")
	w := get(h, "/try", func(r *http.Request) { r.Host = "127.0.0.1:8080" })
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "http://localhost:8080/try" {
		t.Error(w.Code, w.Header())
	}
}

func TestAssets(t *testing.T) {
	h := handler(t, &world{}, "http://localhost:8080")
	for path, status := range map[string]int{
		"/dev/assets/try.js": 200, "/dev/assets/dev.css": 200, "/dev/assets/nothing.js": 404, "/dev/assets/..%2Fdev.go": 400, "/dev/assets/%2e%2e": 400,
	} {
		if w := get(h, path); w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
	}
}

func TestTheAddressAloneLeadsToTry(t *testing.T) {
	h := handler(t, &world{}, "http://localhost:8080")
	if r := get(h, "/"); r.Code != 303 || r.Header().Get("Location") != "/try" {
		t.Errorf("%d %s", r.Code, r.Header().Get("Location"))
	}
	if r := get(h, "/other"); r.Code != 404 {
		t.Errorf("every path leads there: %d", r.Code)
	}
}

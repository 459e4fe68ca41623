package letter

import (
	"html"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type accounts struct{ brand page.Brand }

func (a accounts) Brand(ident.AccountID) page.Brand { return a.brand }
func (accounts) Issuer(ident.AccountID) string      { return "https://login.example.test" }

func writer(t *testing.T, b page.Brand) *Writer {
	t.Helper()
	kit, err := page.New(page.Deps{Accounts: accounts{b}, Clock: clock.NewSystem()})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(kit)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	events = []string{
		"passkey.registered", "passkey.removed", "totp.registered", "totp.removed", "recovery.codes.created", "recovery.code.used", "password.set",
		"password.removed", "identity.linked", "identity.unlinked", "session.theft", "login.newDevice", "recovery.requested", "recovery.cancelled",
		"recovery.done", "user.deletion", "user.address.changed",
	}
	moments = map[string]string{
		"en": "22 Nov 2026, 07:30 UTC", "de": "22.11.2026, 07:30 UTC", "es": "22/11/2026, 07:30 UTC", "fr": "22/11/2026, 07:30 UTC", "ja": "2026年11月22日 07:30 UTC",
	}
	devices = map[string]string{
		"en": "Firefox on Linux", "de": "Firefox unter Linux", "es": "Firefox en Linux", "fr": "Firefox sur Linux", "ja": "Linux の Firefox",
	}
	at = time.Date(2026, 11, 22, 8, 30, 0, 0, time.FixedZone("", 3600))
)

func TestNotices(t *testing.T) {
	w := writer(t, page.Brand{Name: "Harbour", Accent: "#facc15"})
	for _, l := range catalogue.Languages() {
		for _, e := range events {
			m, err := w.Notice(Notice{Account: "acc", Locale: l.Tag, Event: e, At: at, Device: "Firefox on Linux", Address: "192.0.2.7"})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(m.Subject, "notice.") || !strings.Contains(m.Subject, "Harbour") {
				t.Errorf("%s %s: %q", l.Tag, e, m.Subject)
			}
			for _, body := range []string{m.Text, html.UnescapeString(m.HTML)} {
				for _, want := range []string{moments[l.Tag], devices[l.Tag], "192.\u20600.", "https://login.example.test/settings/security"} {
					if !strings.Contains(body, want) {
						t.Errorf("%s %s: %q is missing in %s", l.Tag, e, want, body)
					}
				}
				if strings.Contains(body, "notice.") || strings.Contains(body, "<no value>") || strings.Contains(body, "<img") {
					t.Errorf("%s %s: %s", l.Tag, e, body)
				}
			}
			if !strings.Contains(m.HTML, `<html lang="`+l.Tag+`">`) {
				t.Errorf("%s %s: %s", l.Tag, e, m.HTML)
			}
		}
	}
}

func TestNoticeOfAnAdministratorTellsNoAddress(t *testing.T) {
	w := writer(t, page.Brand{})
	m, err := w.Notice(Notice{Event: "passkey.removed", At: at, Device: "Chrome on Windows", Address: "192.0.2.7", Administrator: true})
	if err != nil || strings.Contains(m.Text, "Chrome") || strings.Contains(m.Text, "192.") || !strings.Contains(m.Text, "An administrator did this.") {
		t.Error(err, m.Text)
	}
}

func TestNoticeOfARecoveryCanStopIt(t *testing.T) {
	w := writer(t, page.Brand{Name: "Harbour"})
	m, err := w.Notice(Notice{Event: "recovery.requested", At: at, ReadyAt: at.Add(24 * time.Hour), Stop: "https://login.example.test/login/recovery?token=rec_1.abc"})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{m.Text, html.UnescapeString(m.HTML)} {
		if !strings.Contains(body, "23 Nov 2026, 07:30 UTC") || !strings.Contains(body, "/login/recovery?token=rec_1.abc") || !strings.Contains(body, "Stop the recovery") || strings.Contains(body, "/settings") {
			t.Error(body)
		}
	}
	m, err = w.Notice(Notice{Event: "user.deletion", At: at, Gone: true})
	if err != nil || strings.Contains(m.Text, "http") || strings.Contains(m.HTML, "href") {
		t.Error(err, m.Text)
	}
}

// Names that people choose, and what a browser says of itself, are text in a mail, nothing else (REC-12).
func TestHostileNamesInNotices(t *testing.T) {
	for _, name := range []string{
		`<a href=//evil.example>Click</a>`, "http://evil.example/login", "evil.example", "x@evil.example", "Acme\r\nBcc: all@example.com", `{{.Link}}${7*7}`,
		"\u202Eevil\u202C", strings.Repeat("long ", 2000), `<style>*{position:fixed}</style>`,
	} {
		m, err := writer(t, page.Brand{Name: name}).Notice(Notice{Event: "passkey.registered", At: at, Device: name, Address: name})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(m.Subject, unicode.IsControl) || len(m.Subject) > 400 || len(m.HTML) > 8000 {
			t.Errorf("%q: subject %q", name, m.Subject)
		}
		for _, body := range []string{m.Subject, m.Text, m.HTML} {
			for _, bad := range []string{"evil.example", "http://evil", "<a href=//", "<style>", "\u202e", "\nBcc"} {
				if body != m.HTML && bad == "<style>" {
					continue
				}
				if strings.Contains(body, bad) {
					t.Errorf("%q puts %q into the mail: %s", name, bad, body)
				}
			}
		}
	}
}

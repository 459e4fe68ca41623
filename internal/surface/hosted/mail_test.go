package hosted

import (
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

func TestCodeMail(t *testing.T) {
	for _, l := range catalogue.Languages() {
		f := &fakeLogin{}
		h := handler(t, f, acme, false)
		post(t, h, "/login/email", url.Values{"state": {"choose-1"}, "email": {"ada@example.com"}, "ui_locales": {l.Tag}})
		m := f.mail
		if !strings.Contains(m.Subject, "482913") || !strings.Contains(m.Subject, "Harbour") {
			t.Errorf("%s: subject %q", l.Tag, m.Subject)
		}
		for _, body := range []string{m.Text, html.UnescapeString(m.HTML)} {
			for _, want := range []string{"482913", "http://localhost:8080/login/link?token=abc", "10"} {
				if !strings.Contains(body, want) {
					t.Errorf("%s: %q is missing in %s", l.Tag, want, body)
				}
			}
		}
		if !strings.Contains(m.HTML, `<html lang="`+l.Tag+`">`) || strings.Contains(m.HTML, "http-equiv") || strings.Contains(m.HTML, "<img") {
			t.Errorf("%s: %s", l.Tag, m.HTML)
		}
	}
}

// A code that adds an address to an account says so, in every language: whoever is asked to read it to somebody must know (LNK).
func TestCodeMailOfAChange(t *testing.T) {
	all, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range catalogue.Languages() {
		f := &fakeLogin{}
		h := handler(t, f, acme, false)
		mail := func(state string) string {
			post(t, h, "/login/email", url.Values{"state": {state}, "email": {"ada@example.com"}, "ui_locales": {l.Tag}})
			return f.mail.Text + html.UnescapeString(f.mail.HTML)
		}
		texts := all.Choose(l.Tag, "", "")
		of := map[string]string{"choose-1": mail("choose-1"), "replace-1": mail("replace-1")}
		for _, part := range []string{"intro", "button", "ignore"} {
			signIn, change := texts.Text("mail.code."+part, "Account", "Harbour"), texts.Text("mail.link."+part, "Account", "Harbour")
			if signIn == change || !strings.Contains(of["choose-1"], signIn) || strings.Contains(of["choose-1"], change) {
				t.Errorf("%s: a sign-in: %s", l.Tag, part)
			}
			if !strings.Contains(of["replace-1"], change) || strings.Contains(of["replace-1"], signIn) {
				t.Errorf("%s: a change: %s", l.Tag, part)
			}
		}
	}
}

// Names that people choose are text in a mail, nothing else (REC-12).
func TestHostileNamesInMails(t *testing.T) {
	for _, name := range []string{
		`<a href=//evil.example>Click</a>`, "http://evil.example/login", "evil.example", "x@evil.example", "Acme\r\nBcc: all@example.com", `{{.Code}}{{call .X}}${7*7}`,
		"\u202Eevil\u202C", strings.Repeat("long ", 2000), `<style>*{position:fixed}</style>`, "\u200b\u2060",
	} {
		f := &fakeLogin{}
		h := handler(t, f, fakeAccounts{page.Brand{Name: name}, acme.issuer}, false)
		post(t, h, "/login/email", url.Values{"state": {"choose-1"}, "email": {"ada@example.com"}})
		m := f.mail
		if strings.ContainsFunc(m.Subject, unicode.IsControl) || len(m.Subject) > 400 {
			t.Errorf("%q: subject %q", name, m.Subject)
		}
		if strings.Contains(m.HTML, "<style>") || strings.Contains(m.HTML, "<a href=/") {
			t.Errorf("%q is mark-up in the mail", name)
		}
		for _, body := range []string{m.Subject, m.Text, m.HTML} {
			for _, bad := range []string{"evil.example", "http://evil", "<a href=//", "\u202e", "\nBcc"} {
				if strings.Contains(body, bad) {
					t.Errorf("%q puts %q into the mail: %s", name, bad, body)
				}
			}
		}
	}
}

func FuzzPlainName(f *testing.F) {
	f.Add("Acme.io \u202e\r\n")
	f.Fuzz(func(t *testing.T, name string) {
		got := page.PlainName(name)
		if strings.ContainsFunc(got, func(c rune) bool { return unicode.IsControl(c) || c == '\u202e' }) || len([]rune(got)) > 3*60 {
			t.Fatalf("%q becomes %q", name, got)
		}
	})
}

package hosted

import (
	"bytes"
	"embed"
	"strings"
	"unicode"

	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

//go:embed mail
var mailFiles embed.FS

// codeMailPage is what the mail's template sees.
type codeMailPage struct {
	catalogue.Texts
	Account, Code, Link string
	Minutes             int
	Accent, OnAccent    string
}

// ComposeCode writes the mail with the code, in the language of texts. Names come from
// people and are made harmless first: no line breaks, no text that a mail program turns
// into a link.
func (s *Surface) ComposeCode(texts catalogue.Texts, f login.MailFacts) (login.MailContent, error) {
	b := s.deps.Accounts.Brand(f.Account)
	accent, ok := parseColour(b.Accent)
	if !ok {
		accent, _ = parseColour(defaultAccent)
	}
	light := newPalette(accent, lightSurface)
	p := codeMailPage{
		Texts: texts, Account: plainName(b.Name), Code: f.Code, Link: f.Link, Minutes: minutes(f.Life),
		Accent: "#" + light.fill.hex(), OnAccent: "#" + light.onFill.hex(),
	}
	if p.Account == "" {
		p.Account = "Admit"
	}
	var html bytes.Buffer
	if err := s.codeMail.Execute(&html, p); err != nil {
		return login.MailContent{}, err
	}
	return login.MailContent{
		Subject: texts.Text("mail.code.subject", "Code", f.Code, "Account", p.Account),
		Text:    p.text(),
		HTML:    html.String(),
	}, nil
}

// text is the mail for readers without HTML.
func (p codeMailPage) text() string {
	parts := []string{
		p.Text("mail.code.intro", "Account", p.Account), "    " + p.Code, p.Count("mail.code.expiry", p.Minutes),
	}
	if p.Link != "" {
		parts = append(parts, p.Text("mail.code.link")+"\n"+p.Link)
	}
	return strings.Join(append(parts, p.Text("mail.code.ignore")), "\n\n") + "\n"
}

const maxMailName = 60 // characters of a name in a mail

// plainName makes a name fit for a mail: one line, no invisible or direction-changing
// characters, not too long, and nothing that mail programs turn into a link.
func plainName(name string) string {
	var b strings.Builder
	n := 0
	space := false
	for _, c := range name {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			space = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(c) { // direction overrides, zero-width characters
			continue
		}
		if n++; n > maxMailName {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(c)
		if c == '.' || c == ':' || c == '@' || c == '/' {
			b.WriteRune('\u2060') // word joiner: seen by programs, not by people
		}
	}
	return b.String()
}

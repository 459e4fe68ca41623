package letter

import (
	"strings"

	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// codePage is what the mail's template sees.
type codePage struct {
	catalogue.Texts
	Account, Code, Link string
	Minutes             int
	Accent, OnAccent    string
	linking             bool
}

// Say is a sentence of the mail. Whoever reads a code to somebody else must know that it gives their address away.
func (p codePage) Say(name string) string {
	if p.linking {
		return p.Text("mail.link."+name, "Account", p.Account)
	}
	return p.Text("mail.code."+name, "Account", p.Account)
}

// Code writes the mail with the code, in the language of texts. Names come from
// people and are made harmless first: no line breaks, no text that a mail program turns
// into a link.
func (w *Writer) Code(texts catalogue.Texts, f mailed.Facts) (mailed.Content, error) {
	accent, onAccent := w.kit.MailColours(f.Account)
	p := codePage{
		Texts: texts, Account: w.kit.MailName(f.Account), Code: f.Code, Link: f.Link, Minutes: page.Minutes(f.Life),
		Accent: accent, OnAccent: onAccent, linking: f.Linking,
	}
	html, err := w.html("code.html", p)
	return mailed.Content{
		Subject: texts.Text("mail.code.subject", "Code", f.Code, "Account", p.Account),
		Text:    p.text(),
		HTML:    html,
	}, err
}

// text is the mail for readers without HTML.
func (p codePage) text() string {
	parts := []string{
		p.Say("intro"), "    " + p.Code, p.Count("mail.code.expiry", p.Minutes),
	}
	if p.Link != "" {
		parts = append(parts, p.Text("mail.code.link")+"\n"+p.Link)
	}
	return strings.Join(append(parts, p.Say("ignore")), "\n\n") + "\n"
}

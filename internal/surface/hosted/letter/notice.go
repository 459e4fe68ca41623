package letter

import (
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Notice is what a person is told.
type Notice struct {
	Account ident.AccountID
	Locale  string // of the person; empty for the account's
	Event   string // whose texts they are: notice.<Event>.heading and .lead
	At      time.Time
	// Device and Address are of the browser in which it was done, when the person did it.
	Device, Address string
	Places          *place.Book // tells where the address is; or nil
	Administrator   bool        // somebody else did it
	ReadyAt         time.Time   // of a recovery that waits
	Stop            string      // absolute address of the page that stops it
	Undo            string      // absolute address of the page that takes a change back
	Gone            bool        // the account is gone: there is nothing to look at
}

// fact is a line of the mail's table.
type fact struct{ Label, Value string }

// noticePage is what the template sees.
type noticePage struct {
	catalogue.Texts
	Account          string
	Heading, Lead    string
	Facts            []fact
	By, Question     string
	Button, Link     string
	Accent, OnAccent string
}

// Notice writes the mail.
func (w *Writer) Notice(n Notice) (mailed.Content, error) {
	texts, account := w.kit.Texts(n.Account, n.Locale), w.kit.MailName(n.Account)
	p := noticePage{
		Texts: texts, Account: account, Heading: texts.Text("notice." + n.Event + ".heading"),
		Lead:   texts.Text("notice."+n.Event+".lead", "Account", account, "Time", texts.Moment(n.ReadyAt)),
		Button: texts.Text("notice.button"), Link: w.kit.Issuer(n.Account) + "/settings/security",
	}
	p.Accent, p.OnAccent = w.kit.MailColours(n.Account)
	p.Facts = []fact{{texts.Text("notice.when"), texts.Moment(n.At)}}
	if n.Administrator {
		p.By = texts.Text("notice.by")
	} else {
		where := page.Where(texts, n.Places.Of(n.Address, texts.Language.Tag))
		for _, f := range []fact{
			{texts.Text("notice.device"), page.PlainName(page.Device(texts, n.Device))}, {texts.Text("notice.address"), page.PlainName(n.Address)},
			{texts.Text("notice.place"), page.PlainName(where)},
		} {
			if f.Value != "" {
				p.Facts = append(p.Facts, f)
			}
		}
	}
	switch {
	case n.Stop != "":
		p.Button, p.Link = texts.Text("notice.stop"), n.Stop
	case n.Undo != "":
		p.Button, p.Link = texts.Text("undo.submit"), n.Undo
	case n.Gone:
		p.Button, p.Link = "", ""
	default:
		p.Question = texts.Text("notice.you")
	}
	html, err := w.html("notice.html", p)
	return mailed.Content{Subject: texts.Text("notice.subject", "What", p.Heading, "Account", account), Text: p.text(), HTML: html}, err
}

// text is the mail for readers without HTML.
func (p noticePage) text() string {
	var table strings.Builder
	for _, f := range p.Facts {
		table.WriteString(f.Label + ": " + f.Value + "\n")
	}
	parts := []string{p.Heading, p.Lead, strings.TrimSuffix(table.String(), "\n")}
	if p.By != "" {
		parts = append(parts, p.By)
	}
	if p.Link != "" {
		parts = append(parts, strings.TrimPrefix(p.Question+"\n"+p.Button+":\n"+p.Link, "\n"))
	}
	return strings.Join(append(parts, p.Text("notice.why")), "\n\n") + "\n"
}

package person

import (
	"context"

	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/login/link/linkdb"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/surface/hosted/letter"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

func (f *Features) buildLinks(d LoginDeps) *link.Service {
	return link.New(link.Deps{
		DB: f.d.DB, Store: linkdb.Store{}, Users: f.d.Users, Sessions: f.d.Sessions, Evidence: sessiondb.Evidence{},
		Connections: d.Connections, Outbox: f.d.Outbox, Held: f.Held, Compose: f.composeMove(), Issuer: f.d.Accounts.Issuer,
	})
}

// composeMove writes the two notices of an address that was changed.
func (f *Features) composeMove() link.Compose {
	var letters *letter.Writer
	kit, err := page.New(page.Deps{Accounts: Looks{f.d.Accounts}, Clock: f.d.Clock})
	if err == nil {
		letters, err = letter.New(kit)
	}
	return func(n link.Notice) (mail.Message, error) {
		if err != nil { // the templates are broken
			return mail.Message{}, err
		}
		m := letter.Notice{Account: n.Account, Locale: n.User.Locale, Event: "identity.address.new", At: f.d.Clock.Now(), Device: n.Device, Address: n.Address}
		if n.Old {
			m.Event, m.Undo, m.ReadyAt = "identity.address.old", n.Link, n.Until
		}
		c, err := letters.Notice(m)
		return mail.Message{Subject: c.Subject, Text: c.Text, HTML: c.HTML}, err
	}
}

// forgetMoves deletes changes of addresses that cannot be undone any more.
func (f *Features) forgetMoves(ctx context.Context) error {
	for {
		n, err := f.Links.Purge(ctx, factorBatch)
		if err != nil || n < factorBatch {
			return err
		}
	}
}

package bridge

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/surface/dev"
)

// ClientOptions tells access what a client was given besides records.
type ClientOptions struct{ Directory *serviceclient.Directory }

func (c ClientOptions) MayReadPermissions(account ident.AccountID, id ident.ServiceClientID) bool {
	o, ok := c.Directory.Options(account, id)
	return ok && o.GrantUserPermissionsAccess
}

// HandoverClients tells which service clients may say who a person is.
type HandoverClients struct{ *serviceclient.Directory }

func (h HandoverClients) MaySignInAnyone(account ident.AccountID, id ident.ServiceClientID) bool {
	o, ok := h.Options(account, id)
	return ok && o.GrantTokenGeneration
}

// Mailbox shows the mails of development mode.
type Mailbox struct {
	DB     tx.Runner
	Outbox *mail.Outbox
}

func (m Mailbox) List(ctx context.Context, account ident.AccountID) ([]dev.Mail, error) {
	var out []dev.Mail
	err := m.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		kept, err := m.Outbox.List(ctx, t, account, 50)
		for _, k := range kept {
			out = append(out, dev.Mail{ID: k.ID, To: string(k.To), Subject: k.Subject, Text: k.Text, SentAt: k.CreatedAt})
		}
		return err
	})
	return out, err
}

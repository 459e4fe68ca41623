package link

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

const (
	// UndoLife is how long who reads the old mailbox can take a change of address back. For so long
	// nobody else signs in with the old address.
	UndoLife = 72 * time.Hour

	undoPurpose = "link/undo"
	// PathUndo is our page behind the link in the mail to the old address.
	PathUndo = "/login/address"
)

// EventAddressRestored tells that a change of address was taken back; the target is the person, detail
// "since" when it was made (RFC 3339): what was registered from then on goes.
const EventAddressRestored = "identity.address.restored"

// Change is one change of the address with which a person signs in.
type Change struct {
	Account  ident.AccountID
	ID       string
	User     ident.UserID
	From, To string
	Undo     []byte // hash of the link's token
	At       time.Time
	Until    time.Time
}

// Store keeps changes of addresses until they cannot be undone any more.
type Store interface {
	Insert(ctx context.Context, t tx.Tx, c Change) error
	// Look returns the change that a link undoes, or a fault of kind NotFound.
	Look(ctx context.Context, t tx.Tx, account ident.AccountID, undo []byte) (Change, error)
	// Take is Look, and the link works no more.
	Take(ctx context.Context, t tx.Tx, account ident.AccountID, undo []byte) (Change, error)
	// Reserved returns who can still take the address back, or "".
	Reserved(ctx context.Context, t tx.Tx, account ident.AccountID, address string) (ident.UserID, error)
	// Void makes the links of every change of a person dead that was made after a time, and gives their addresses free.
	Void(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, after time.Time) error
	// Purge deletes up to limit changes that are over. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, limit int) (int64, error)
}

// Notice is what the mails about a change may say.
type Notice struct {
	Account  ident.AccountID
	User     user.User
	Old      bool   // it goes to the old address
	From, To string // To is masked in the mail to the old address
	Link     string // absolute; in the mail to the old address
	Until    time.Time
	// of the browser in which it was done
	Device, Address string
}

// Compose writes one of the two mails.
type Compose func(Notice) (mail.Message, error)

func mailbox(address string) user.Identity {
	return user.Identity{Connection: emailcode.Connection, Issuer: emailcode.Issuer, Subject: address}
}

// Readdress puts an address that was just proved in the place of another one, in the caller's unit of work.
// Both mailboxes are told; the old one gets a link that takes it back. user.ErrTaken when the address is
// another person's, which only who reads that mailbox gets to know.
func (s *Service) Readdress(ctx context.Context, t tx.Tx, by actor.Actor, found session.Session, from, to string) error {
	if from == to {
		return nil
	}
	if err := s.d.Users.Readdress(ctx, t, by, found.User, mailbox(from), mailbox(to)); err != nil {
		return err
	}
	token := secret.Random("")
	c := Change{
		Account: by.Account, ID: ident.New("adr_"), User: found.User, From: from, To: to,
		Undo: undoHash(token), At: t.Now(), Until: t.Now().Add(UndoLife),
	}
	if err := s.d.Store.Insert(ctx, t, c); err != nil {
		return err
	}
	if err := s.forget(ctx, t, by, found.User, mailbox(from)); err != nil {
		return err
	}
	return s.tell(ctx, t, by, c, s.d.Issuer(by.Account)+PathUndo+"?token="+token.Reveal())
}

// tell writes to both mailboxes.
func (s *Service) tell(ctx context.Context, t tx.Tx, by actor.Actor, c Change, link string) error {
	u, err := s.d.Users.Hold(ctx, t, c.Account, c.User)
	if err != nil {
		return err
	}
	for _, n := range []Notice{
		{Account: c.Account, User: u, Old: true, From: c.From, To: masked(c.To), Link: link, Until: c.Until},
		{Account: c.Account, User: u, From: masked(c.From), To: c.To},
	} {
		n.Device, n.Address = session.Device(by.Agent), by.Address
		m, err := s.d.Compose(n)
		if err != nil {
			return err
		}
		if m.To = mail.Address(n.To); n.Old {
			m.To = mail.Address(n.From)
		}
		m.Expires = c.Until
		if _, err := s.d.Outbox.Put(ctx, t, c.Account, m); err != nil {
			return err
		}
	}
	return nil
}

// masked is as much of an address as whoever reads the other mailbox needs to recognise it.
func masked(address string) string {
	for i := range address {
		if i > 0 {
			for j := i; j < len(address); j++ {
				if address[j] == '@' {
					return address[:i] + "***" + address[j:]
				}
			}
			break
		}
	}
	return "***"
}

// Reserved returns whose address it was a short while ago, while they can take it back, or "". Nobody else
// signs in with it meanwhile: it would become another person's, and could not go back.
func (s *Service) Reserved(ctx context.Context, t tx.Tx, account ident.AccountID, address string) (ident.UserID, error) {
	return s.d.Store.Reserved(ctx, t, account, address)
}

// ErrUndoDead says that a link takes nothing back (any more).
var ErrUndoDead = fault.New(fault.NotFound, fault.CodeNotFound, "This link was used already, or it is too old.")

// LookUndo returns the change that a link would take back. It changes nothing.
func (s *Service) LookUndo(ctx context.Context, account ident.AccountID, token secret.Text) (c Change, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		c, err = s.d.Store.Look(ctx, t, account, undoHash(token))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = ErrUndoDead
	}
	return c, err
}

// Undo takes a change of address back: the old address is the person's again, the new one is not, every
// session and token of the person ends, and so do the links of later changes.
func (s *Service) Undo(ctx context.Context, by actor.Actor, token secret.Text) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		c, err := s.d.Store.Take(ctx, t, by.Account, undoHash(token))
		if fault.Is(err, fault.NotFound) {
			return ErrUndoDead
		}
		if err != nil {
			return err
		}
		u, err := s.d.Users.Hold(ctx, t, c.Account, c.User)
		if fault.Is(err, fault.NotFound) {
			return ErrUndoDead
		}
		if err != nil {
			return err
		}
		who := by
		who.Kind, who.ID = actor.User, string(c.User) // the link says who it is
		if err := s.restore(ctx, t, who, u, c); err != nil {
			return err
		}
		if err := s.d.Store.Void(ctx, t, c.Account, c.User, c.At); err != nil {
			return err
		}
		if err := s.d.Sessions.EndUser(ctx, t, who, c.User); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(who, EventAddressRestored, string(c.User), "since", c.At.Format(time.RFC3339Nano)))
	})
	return fault.Wrap("link.Undo", err)
}

// restore gives the old address back and drops what was linked since: whoever changed the address may have
// changed it again, and added other ways in.
func (s *Service) restore(ctx context.Context, t tx.Tx, by actor.Actor, u user.User, c Change) error {
	old, back := mailbox(c.From), false
	for _, i := range u.Identities {
		switch {
		case i.Same(old):
			back = true
		case i.CreatedAt.Before(c.At):
		case i.Connection == emailcode.Connection && !back:
			if err := s.d.Users.Readdress(ctx, t, by, u.ID, i, old); err != nil {
				return err
			}
			back = true
		default:
			if err := s.d.Users.Drop(ctx, t, by, u.ID, i); err != nil {
				return err
			}
		}
	}
	if back {
		return nil
	}
	_, err := s.d.Users.Link(ctx, t, by, u.ID, old)
	return err
}

// Purge deletes what cannot be undone any more.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, limit)
		return err
	})
	return n, err
}

func undoHash(token secret.Text) []byte { return secret.Hash(undoPurpose, token.Reveal()) }

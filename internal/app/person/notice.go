package person

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/letter"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

// told are the events of which the person is told by mail, at once: somebody who is not them may be doing this.
var told = []string{
	passkey.EventRegistered, passkey.EventRemoved, totp.EventRegistered, totp.EventRemoved, recovery.EventCreated, recovery.EventUsed,
	password.EventSet, password.EventRemoved, user.EventIdentityLinked, user.EventIdentityUnlinked, session.EventTheft, EventNewDevice,
	regain.EventRequested, regain.EventCancelled, regain.EventDone, user.EventDeletion, user.EventAddress,
}

// EventNewDevice tells that a person signed in with a browser unlike those in which they are signed in; the
// target is the person, detail "session" the session.
const EventNewDevice = "login.newDevice"

// A person is told at most so much: whoever makes noise in their name cannot fill their mailbox.
const (
	maxNotices  = 20
	noticesPer  = time.Hour
	noticeLife  = 3 * 24 * time.Hour // of one that cannot be delivered
	pathStopped = "/login/recovery?token="
)

// notices writes to people what happened to their account.
type notices struct {
	d       Deps
	regain  *regain.Service
	places  *place.Book
	letters *letter.Writer
	broken  error // the templates
}

func (f *Features) subscribeNotices(bus *tx.Bus) {
	n := &notices{d: f.d, regain: f.Regain, places: f.Places}
	var kit *page.Kit
	if kit, n.broken = page.New(page.Deps{Accounts: Looks{f.d.Accounts}, Clock: f.d.Clock}); n.broken == nil {
		n.letters, n.broken = letter.New(kit)
	}
	bus.Subscribe("login.finished", n.newDevice)
	for _, kind := range told {
		bus.Subscribe(kind, n.tell)
	}
}

// newDevice finds sign-ins in a browser that is not like any in which the person is signed in. Who is signed
// in nowhere else has nothing to compare with, and is not troubled.
func (n *notices) newDevice(ctx context.Context, t tx.Tx, e event.Event) error {
	fresh, err := n.d.Sessions.ByID(ctx, t, e.Account, ident.SessionID(e.Detail["session"]))
	if errors.Is(err, session.ErrNone) {
		return nil
	}
	if err != nil || fresh.Root != fresh.ID || fresh.Device == "" || t.Now().Sub(fresh.CreatedAt) > time.Minute { // it goes on from one that was there
		return err
	}
	all, err := n.d.Sessions.List(ctx, t, session.ListQuery{Account: e.Account, User: fresh.User})
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(all, func(s session.Session) bool { return s.Root == fresh.Root || s.Device == "" })
	if len(others) == 0 || slices.ContainsFunc(others, func(s session.Session) bool { return s.Device == fresh.Device }) {
		return nil
	}
	return t.Emit(ctx, event.New(e.Actor, EventNewDevice, string(fresh.User), "session", string(fresh.ID)))
}

// Looks tells the pages and mails how an account looks.
type Looks struct{ Accounts *account.Directory }

// Brand is how an account looks.
func (l Looks) Brand(id ident.AccountID) page.Brand {
	found, _ := l.Accounts.Get(id)
	return page.Brand{Name: found.Name, Logo: found.LogoURL, Accent: found.AccentColor, Locale: found.Settings.Locale}
}

// Issuer is the account's absolute base URL without a trailing slash.
func (l Looks) Issuer(id ident.AccountID) string { return l.Accounts.Issuer(id) }

// tell puts the mail into the outbox, in the unit of work in which the thing happens. Nobody is told at an
// address that nobody has proved.
func (n *notices) tell(ctx context.Context, t tx.Tx, e event.Event) error {
	if n.broken != nil {
		return n.broken
	}
	who := ident.UserID(e.Target)
	if e.Type == session.EventTheft {
		who = ident.UserID(e.Detail["user"])
	}
	if who == "" || e.Detail["device"] == "all" { // all apps at once: the recovery tells of them
		return nil
	}
	u, err := n.d.Users.Find(ctx, t, e.Account, who)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	to, ok := mail.ParseAddress(u.Email)
	if err != nil || !u.EmailVerified || !ok {
		return err
	}
	if sent, err := n.d.Outbox.Notices(ctx, t, e.Account, to, t.Now().Add(-noticesPer)); err != nil || sent >= maxNotices && e.Type != regain.EventRequested {
		return err
	}
	m, err := n.letters.Notice(n.noticeOf(t, e, u))
	if err != nil {
		return err
	}
	_, err = n.d.Outbox.Put(ctx, t, e.Account, mail.Message{
		To: to, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Expires: t.Now().Add(noticeLife), Notice: true,
	})
	if fault.Is(err, fault.Unavailable) { // too many wait: signing in and out must go on
		n.d.Log.WarnContext(ctx, "a notice could not be put into the outbox", "event", e.Type, "account", e.Account, "error", err)
		return nil
	}
	return err
}

func (n *notices) noticeOf(t tx.Tx, e event.Event, u user.User) letter.Notice {
	m := letter.Notice{
		Account: e.Account, Locale: u.Locale, Event: e.Type, At: t.Now(), Device: session.Device(e.Actor.Agent), Address: e.Actor.Address,
		Administrator: byAnother(e.Actor, u.ID), Gone: e.Type == user.EventDeletion, Places: n.places,
	}
	if e.Type == regain.EventRequested {
		m.ReadyAt, _ = time.Parse(time.RFC3339, e.Detail["readyAt"])
		m.Stop = n.d.Accounts.Issuer(e.Account) + pathStopped + n.regain.Link(e.Account, u.ID, e.Detail["recovery"]).Reveal()
	}
	return m
}

// byAnother tells whether somebody else did it: whose browser it was is not the person's business.
func byAnother(a actor.Actor, who ident.UserID) bool {
	switch a.Kind {
	case actor.Anonymous, actor.System:
		return false
	case actor.User:
		return a.ID != string(who)
	}
	return true
}

// Stops are the verbs of the link by which a mail lets its reader stop a recovery.
type Stops struct{ f *Features }

// Stops makes them.
func (f *Features) Stops() Stops { return Stops{f} }

// Waits finds out whether the link stops anything. A fault of kind NotFound when it does not.
func (s Stops) Waits(ctx context.Context, account ident.AccountID, link secret.Text) error {
	return s.f.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		_, err := s.f.Regain.Linked(ctx, t, account, link)
		return err
	})
}

// Stop ends the recovery of the link. A fault of kind NotFound when there is none.
func (s Stops) Stop(ctx context.Context, by actor.Actor, link secret.Text) error {
	return s.f.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		return s.f.Regain.CancelLinked(ctx, t, by, link)
	})
}

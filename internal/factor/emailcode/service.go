package emailcode

import (
	"context"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	codePurpose = "emailcode/code"
	linkPurpose = "emailcode/link"
	sendName    = "emailcode/send"
	wrongName   = "emailcode/wrong"
	mailboxName = "emailcode/mailbox"
)

// Service makes and checks codes inside the caller's unit of work.
type Service struct {
	Store  Store
	Keys   *crypt.Keys
	Outbox *mail.Outbox
	limits ratelimit.Store
}

// Request asks for a mail with a code.
type Request struct {
	Account ident.AccountID
	Login   ident.LoginID
	Browser []byte
	Address mail.Address
	// Compose writes the mail.
	Compose func(code string, link secret.Text) (mail.Message, error)
}

// Sent says what Send did.
type Sent struct {
	Code    Code
	Limited bool          // nothing was sent: too many mails to this address
	Retry   time.Duration // with Limited
}

// Send puts a mail with a new code into the outbox. Asked again for the same address within
// ResendAfter it sends nothing and leaves the code alone.
func (s *Service) Send(ctx context.Context, t tx.Tx, r Request) (Sent, error) {
	now := t.Now()
	old, err := s.Store.Get(ctx, t, r.Account, r.Login)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Sent{}, err
	}
	if err == nil && old.Address == r.Address && old.Live(now) && secret.Equal(old.Browser, r.Browser) && now.Before(old.CreatedAt.Add(ResendAfter)) {
		return Sent{Code: old}, nil
	}
	retry, err := s.mayMail(ctx, t, r.Account, r.Address)
	if err != nil {
		return Sent{}, err
	}
	if retry > 0 {
		return Sent{Limited: true, Retry: retry}, nil
	}
	digits, link := secret.Digits(Digits), secret.Random("")
	c := Code{Account: r.Account, Login: r.Login, Address: r.Address, Browser: r.Browser, CreatedAt: now, ExpiresAt: now.Add(Life)}
	if err := s.Store.Put(ctx, t, c, Proofs{Code: s.mac(c, digits), Link: linkHash(link)}); err != nil {
		return Sent{}, err
	}
	m, err := r.Compose(digits, link)
	if err != nil {
		return Sent{}, err
	}
	m.To, m.Expires = r.Address, c.ExpiresAt
	_, err = s.Outbox.Put(ctx, t, r.Account, m)
	return Sent{Code: c}, err
}

// mayMail counts a mail to the address, or tells how long to wait. The limiter alone would allow
// a burst and the refill of the same hour, so the mails themselves are counted as well; its row
// makes units of work for one address wait for one another.
func (s *Service) mayMail(ctx context.Context, t tx.Tx, account ident.AccountID, to mail.Address) (time.Duration, error) {
	retry, err := s.mayMailAddress(ctx, t, account, to)
	mailbox, tagged := mailboxOf(to)
	if err != nil || retry > 0 || !tagged {
		return retry, err
	}
	ok, retry, err := s.limits.Take(ctx, t, account, mailboxName, mailbox, MailboxLimit)
	if err != nil || ok {
		return 0, err
	}
	return retry, s.limits.Return(ctx, t, account, sendName, string(to), SendLimit)
}

// mailboxOf takes off what stands behind a plus sign in the local part.
func mailboxOf(a mail.Address) (mailbox string, tagged bool) {
	local, domain, _ := strings.Cut(string(a), "@")
	base, _, tagged := strings.Cut(local, "+")
	return base + "@" + domain, tagged
}

func (s *Service) mayMailAddress(ctx context.Context, t tx.Tx, account ident.AccountID, to mail.Address) (time.Duration, error) {
	ok, retry, err := s.limits.Take(ctx, t, account, sendName, string(to), SendLimit)
	if err != nil || !ok {
		return retry, err
	}
	n, oldest, err := s.Outbox.Recent(ctx, t, account, to, t.Now().Add(-SendLimit.Per))
	if err != nil || n < SendLimit.Count {
		return 0, err
	}
	if err := s.limits.Return(ctx, t, account, sendName, string(to), SendLimit); err != nil {
		return 0, err
	}
	return max(oldest.Add(SendLimit.Per).Sub(t.Now()), time.Second), nil
}

// Enter compares what a person typed. The attempt is counted before it is compared, so the
// caller must commit whatever the outcome.
func (s *Service) Enter(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID, browser []byte, typed string) (Check, error) {
	c, p, err := s.Store.Count(ctx, t, account, login, browser)
	if fault.Is(err, fault.NotFound) {
		return s.dead(ctx, t, account, login)
	}
	if err != nil {
		return Check{}, err
	}
	ok, retry, err := s.limits.Take(ctx, t, account, wrongName, string(c.Address), WrongLimit)
	if err != nil {
		return Check{}, err
	}
	if !ok {
		return Check{Outcome: Paused, Left: c.Left(), Retry: retry}, nil
	}
	digits, plain := clean(typed)
	if !plain || !secret.Equal(p.Code, s.mac(c, digits)) {
		if c.Left() == 0 {
			return Check{Outcome: Spent}, nil
		}
		return Check{Outcome: Wrong, Left: c.Left()}, nil
	}
	return s.consume(ctx, t, c, p, true)
}

// dead tells why a code takes no attempt any more.
func (s *Service) dead(ctx context.Context, t tx.Tx, account ident.AccountID, login ident.LoginID) (Check, error) {
	c, err := s.Store.Get(ctx, t, account, login)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Check{}, err
	}
	if err == nil && c.UsedAt.IsZero() && c.Left() == 0 && t.Now().Before(c.ExpiresAt) {
		return Check{Outcome: Spent}, nil
	}
	return Check{Outcome: Gone}, nil
}

// Look tells what Follow would do. It changes nothing.
func (s *Service) Look(ctx context.Context, t tx.Tx, account ident.AccountID, browser []byte, link secret.Text) (Check, error) {
	c, check, err := s.look(ctx, t, account, browser, link)
	check.Address, check.Login = c.Address, c.Login
	return check, err
}

func (s *Service) look(ctx context.Context, t tx.Tx, account ident.AccountID, browser []byte, link secret.Text) (Code, Check, error) {
	c, err := s.Store.ByLink(ctx, t, account, linkHash(link))
	switch {
	case fault.Is(err, fault.NotFound):
		return Code{}, Check{Outcome: Gone}, nil
	case err != nil:
		return Code{}, Check{}, err
	case !c.Live(t.Now()):
		return c, Check{Outcome: Gone}, nil
	case len(browser) == 0 || !secret.Equal(c.Browser, browser):
		return Code{}, Check{Outcome: Elsewhere}, nil
	}
	return c, Check{Outcome: Right}, nil
}

// Follow takes the link's token in place of the code.
func (s *Service) Follow(ctx context.Context, t tx.Tx, account ident.AccountID, browser []byte, link secret.Text) (Check, error) {
	c, check, err := s.look(ctx, t, account, browser, link)
	if err != nil || check.Outcome != Right {
		check.Login = c.Login
		return check, err
	}
	return s.consume(ctx, t, c, Proofs{Link: linkHash(link)}, false)
}

// consume uses the code up; refund gives back the attempt that was counted as wrong beforehand.
func (s *Service) consume(ctx context.Context, t tx.Tx, c Code, p Proofs, refund bool) (Check, error) {
	err := s.Store.Consume(ctx, t, c, p)
	if fault.Is(err, fault.NotFound) {
		return Check{Outcome: Gone, Login: c.Login}, nil
	}
	if err != nil {
		return Check{}, err
	}
	if refund {
		if err := s.limits.Return(ctx, t, c.Account, wrongName, string(c.Address), WrongLimit); err != nil {
			return Check{}, err
		}
	}
	return Check{Outcome: Right, Address: c.Address, Login: c.Login}, nil
}

func (s *Service) mac(c Code, digits string) []byte {
	return s.Keys.MAC(codePurpose, string(c.Account), string(c.Login), string(c.Address), digits)
}

func linkHash(link secret.Text) []byte { return secret.Hash(linkPurpose, link.Reveal()) }

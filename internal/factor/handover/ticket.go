package handover

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

const (
	ticketPurpose = "handover/ticket"
	maxTicket     = 32 << 10 // bytes; a statement has at most 8 KiB
)

// Ticket is a statement that was opened and waits to be confirmed. It is kept nowhere: the
// page carries it, sealed for the browser that opened it, so that opening changes nothing
// (I-24) and a person need not confirm within a minute.
type Ticket struct {
	Login  ident.LoginID
	Code   secret.Text
	Issuer string
	Opened time.Time
}

type storedTicket struct {
	Login  ident.LoginID `json:"login"`
	Code   string        `json:"code"`
	Issuer string        `json:"iss"`
	Opened int64         `json:"opened"` // microseconds since 1970
}

// Seal makes a ticket that only this browser of this account can use.
func (s *Service) Seal(account ident.AccountID, browser []byte, t Ticket) (secret.Text, error) {
	plain, err := json.Marshal(storedTicket{t.Login, t.Code.Reveal(), t.Issuer, t.Opened.UnixMicro()})
	if err != nil {
		return secret.Text{}, err
	}
	sealed := s.Keys.Seal(ticketPurpose, plain, string(account), string(browser))
	return secret.New(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// Open reads a ticket of this browser that is not older than ConfirmLife. The error is
// ErrRefused.
func (s *Service) Open(account ident.AccountID, browser []byte, ticket secret.Text, now time.Time) (Ticket, error) {
	// Go's decoder skips line ends; a ticket has one spelling.
	if len(browser) == 0 || len(ticket.Reveal()) > maxTicket || strings.ContainsAny(ticket.Reveal(), "\r\n") {
		return Ticket{}, refused("no ticket of this browser")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(ticket.Reveal())
	if err != nil {
		return Ticket{}, refused("the ticket: %w", err)
	}
	plain, err := s.Keys.Open(ticketPurpose, sealed, string(account), string(browser))
	if err != nil {
		return Ticket{}, refused("the ticket: %w", err)
	}
	var kept storedTicket
	if err := json.Unmarshal(plain, &kept); err != nil {
		return Ticket{}, refused("the ticket: %w", err)
	}
	t := Ticket{Login: kept.Login, Code: secret.New(kept.Code), Issuer: kept.Issuer, Opened: time.UnixMicro(kept.Opened).UTC()}
	if !now.Before(t.Opened.Add(ConfirmLife)) {
		return Ticket{}, refused("the ticket was confirmed too late")
	}
	return t, nil
}

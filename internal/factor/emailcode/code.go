package emailcode

import (
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/ratelimit"
)

// The rules of a code.
const (
	Digits      = 6
	Life        = 10 * time.Minute
	Attempts    = 5
	ResendAfter = 30 * time.Second // a second click on "send" within it sends nothing
	// Connection, Issuer and Method name the proof: the person's key is (account, Connection,
	// Issuer, address), and Method is the `amr` value.
	Connection ident.ConnectionID = "con_email"
	Issuer     string             = "urn:admit:email"
	Method     string             = "email"
)

// The limits per address, over all logins and browsers of an account. SendLimit holds for every
// hour there is, so that guessing one address from everywhere at once has at most 25 chances
// in a million per hour; WrongLimit holds on the average and is there for the hours after.
var (
	SendLimit  = ratelimit.Rule{Count: 5, Per: time.Hour}
	WrongLimit = ratelimit.Rule{Count: 20, Per: time.Hour}
	// MailboxLimit is for all addresses together that differ only behind a plus sign: most
	// servers put them into one mailbox, which nobody may flood by counting up.
	MailboxLimit = ratelimit.Rule{Count: 20, Per: time.Hour}
)

// Code is a code that was sent, without the code.
type Code struct {
	Account   ident.AccountID
	Login     ident.LoginID
	Address   mail.Address
	Browser   []byte // hash of the browser's binding
	Attempts  int    // spent
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero while it can be used
}

// Live tells whether the code can still be entered.
func (c Code) Live(now time.Time) bool {
	return c.UsedAt.IsZero() && c.Attempts < Attempts && now.Before(c.ExpiresAt)
}

// Left is the number of attempts that remain.
func (c Code) Left() int { return max(0, Attempts-c.Attempts) }

// Outcome is what came of a code that was entered or a link that was followed.
type Outcome uint8

// The outcomes.
const (
	Right     Outcome = iota + 1 // consumed; Check.Address is proved
	Wrong                        // Check.Left attempts remain
	Spent                        // no attempt remains
	Gone                         // used, replaced, expired or never there
	Paused                       // too many wrong codes for this address; Check.Retry
	Elsewhere                    // a link that was opened in another browser
)

// Check is an outcome and what belongs to it.
type Check struct {
	Outcome Outcome
	Address mail.Address
	Login   ident.LoginID
	Left    int
	Retry   time.Duration
}

// clean reads the digits a person typed.
func clean(typed string) (string, bool) { return factor.Digits(typed, Digits) }

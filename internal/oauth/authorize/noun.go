package authorize

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/user"
)

// Visit is the browser in front of the authorization endpoint, as the login box sees it.
type Visit = login.Visit

// Consents knows what people have allowed third-party clients.
type Consents interface {
	// Needed tells whether the person must be asked before the client gets what a holds.
	Needed(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, c oauth.Client, a oauth.Authorization) (bool, error)
	// Allow remembers that the person, who is a.User, allowed the client what a holds.
	Allow(ctx context.Context, t tx.Tx, v Visit, c oauth.Client, a oauth.Authorization) error
}

// Pending is what the consent page shows: who asks whom for what.
type Pending struct {
	Client    oauth.Client
	User      user.User
	Scopes    []string
	Resources []string
	Details   json.RawMessage // RFC 9396, or empty
	// Confirm says that the page asks nothing but whether to go on to a client that cannot prove itself.
	Confirm bool
	// ReturnURL is the client's registered address, for what the page says about where it leads.
	ReturnURL string
}

// Outcome is what the browser is answered. Exactly one of Location, Form and Problem is set.
type Outcome struct {
	Location string // answer 303
	Form     *Form  // a page that posts itself to the client (OAuth 2.0 Form Post Response Mode)
	Problem  *oauth.Error
	// NewBrowser is a fresh value for the browser cookie, or empty.
	NewBrowser secret.Text
	// Session takes the place of the session cookie that came (session.CookieName), or is empty.
	Session        secret.Text
	SessionExpires time.Time
}

// Form is an answer by POST.
type Form struct {
	Action string
	Values url.Values
}

// Request is an authorization request on its way through login and consent.
type Request struct {
	Account   ident.AccountID
	ID        string
	Client    string
	Params    url.Values // in effect: of the query, the request object or the pushed request
	Pushed    bool
	Signed    bool
	Extension bool          // it came to the address of extensions
	Browser   []byte        // hash of the browser cookie
	Login     ident.LoginID // the login that it waits for, or empty
	User      ident.UserID  // who is asked for consent, or empty
	Decision  Decision
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Decision is what the person said on the consent page.
type Decision string

// The decisions.
const (
	Undecided Decision = ""
	Allowed   Decision = "allowed"
	Denied    Decision = "denied"
)

// Pushed is a pushed authorization request. Hash, Account and Client are bindings of its use.
type Pushed struct {
	Account   ident.AccountID
	Hash      []byte
	Client    string
	Params    url.Values
	Signed    bool
	ExpiresAt time.Time
}

// Store keeps requests. Methods that look for one thing return a fault of kind NotFound when there
// is none that is open: this browser's, not used up and not expired.
type Store interface {
	Insert(ctx context.Context, t tx.Tx, r Request) error
	Get(ctx context.Context, t tx.Tx, account ident.AccountID, id string, browser []byte) (Request, error)
	// Await notes the login that an open request waits for, or the person who is asked for consent.
	Await(ctx context.Context, t tx.Tx, r Request) error
	// Decide notes the decision of the person who was asked.
	Decide(ctx context.Context, t tx.Tx, r Request) error
	// Take uses an open request up.
	Take(ctx context.Context, t tx.Tx, account ident.AccountID, id string, browser []byte) error
	InsertPushed(ctx context.Context, t tx.Tx, p Pushed) error
	// TakePushed uses a pushed request of a client up.
	TakePushed(ctx context.Context, t tx.Tx, account ident.AccountID, client string, hash []byte) (Pushed, error)
	// Purge deletes up to limit rows of each kind that expired before. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}

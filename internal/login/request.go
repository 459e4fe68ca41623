package login

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/session"
)

// Request is the stored login. What it was started with never changes; whom it is about is
// frozen by the first proof, and evidence is appended (I-8).
type Request struct {
	Account          ident.AccountID
	ID               ident.LoginID
	Application      ident.ApplicationID
	RedirectURL      string
	Challenge        string // PKCE S256, 43 characters
	Connection       ident.ConnectionID
	Tenant           ident.TenantID // that the person must belong to, or empty
	Invite           string         // key of the invite that led here, or empty
	Hint             string         // an e-mail address to fill in
	Properties       map[string]string
	Audiences        []string
	Scopes           []string
	ResponseLocation string
	FlowType         string
	MultiAccount     bool
	Return           string       // of an errand: path and query of ours to end at, or empty
	Party            string       // of an errand: what to call the party when it is no application
	Fresh            bool         // of an errand: only a proof that is younger than the request answers it
	Twin             bool         // the browser was sent to the loopback twin of the public URL
	Link             ident.UserID // the person who links what is proved to their account, or empty
	Replaces         string       // of a link: the person's address whose place the new one takes, or empty
	ACR              string       // that the session must fulfil at the end, after wishMark if it is only wished, or empty
	Other            bool         // the person said that it is not whose session the browser has
	Picked           ident.UserID // whose session of the browser the person chose, or empty
	Setup            []byte       // hash of the setup link's token, or empty
	Browser          []byte       // hash of the browser cookie, or empty while nobody has shown it
	Problem          Problem
	CreatedAt        time.Time
	ExpiresAt        time.Time
	DoneAt           time.Time
	// Subject is who proved to be somebody, and Evidence by what; both empty before. Half-proved, the
	// request is no session: only a second step goes on from it.
	Subject  ident.UserID
	Evidence []session.Evidence
	User     ident.UserID
	Session  ident.SessionID
}

// bound tells whether a browser has it.
func (r Request) bound() bool { return len(r.Browser) > 0 }

// BoundTo tells whether this browser has it.
func (r Request) BoundTo(browser []byte) bool {
	return r.bound() && len(browser) > 0 && secret.Equal(r.Browser, browser)
}

// wishMark begins the ACR of a request whose page would rather have it, and takes less.
const wishMark = "?"

// WishedACR is what a request keeps of a class that is only wished.
func WishedACR(acr string) string {
	if acr == "" {
		return ""
	}
	return wishMark + acr
}

// provedAt is when somebody first proved something.
func (r Request) provedAt() time.Time {
	if len(r.Evidence) == 0 {
		return time.Time{}
	}
	return r.Evidence[0].At
}

// errand tells whether one of our own pages waits for the person, and no application.
func (r Request) errand() bool { return r.Return != "" }

// Clone is a fresh request for the same wish, for a browser that cannot have this one. It
// never carries the right of a setup link.
func (r Request) Clone(now time.Time) Request {
	c := r
	c.ID = NewID()
	c.Setup, c.Browser, c.Problem = nil, nil, ProblemNone
	c.CreatedAt, c.ExpiresAt, c.DoneAt = now, now.Add(RequestLife), time.Time{}
	c.User, c.Session, c.Subject, c.Evidence = "", "", "", nil
	c.Picked, c.Hint = "", "" // whose address was typed is for nobody else to read
	return c
}

// NewID makes the id of a request.
func NewID() ident.LoginID { return ident.LoginID(ident.New("login_")) }

// Proof is what a step proved.
type Proof struct {
	Account ident.AccountID
	ID      ident.LoginID
	Browser []byte
	Subject ident.UserID
	Before  []session.Evidence // that the request has
	Added   []session.Evidence
}

// Finished is the end of a request: what was proved, by whom, in which session.
type Finished struct {
	Account  ident.AccountID
	ID       ident.LoginID
	Browser  []byte
	User     ident.UserID
	Session  ident.SessionID
	Evidence []session.Evidence
	Outcome  []byte // sealed SetupOutcome, or nil
}

// Leg is a trip of one login, in one browser, to one provider.
type Leg struct {
	Account    ident.AccountID
	State      []byte // hash
	Login      ident.LoginID
	Connection ident.ConnectionID
	Browser    []byte
	Sealed     []byte // nonce and code verifier
	ExpiresAt  time.Time
}

// Code is an authorization code. Every member is in the WHERE of its redemption.
type Code struct {
	Account     ident.AccountID
	Hash        []byte
	Login       ident.LoginID
	Application ident.ApplicationID
	RedirectURL string
	Challenge   string
	User        ident.UserID
	Session     ident.SessionID
	ExpiresAt   time.Time
}

// Wish is what an application asked to have in its tokens; silent renewal repeats it.
type Wish struct {
	Audiences []string
	Scopes    []string
}

func (w Wish) empty() bool { return len(w.Audiences) == 0 && len(w.Scopes) == 0 }

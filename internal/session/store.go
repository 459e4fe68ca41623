package session

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Store keeps sessions. Cookies are known by their hash only. Every method that looks for one
// thing returns a fault of kind NotFound when there is none.
type Store interface {
	// Insert adds a session.
	Insert(ctx context.Context, t tx.Tx, s Session) error
	// ByCookie returns the living session that a cookie names, whatever its version: neither ended,
	// replaced, put aside nor expired, and of the cookie's salt.
	ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, p Presented) (Session, error)
	// ByID returns a session that has not been ended and not expired, replaced or not.
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (Session, error)
	// Replace makes the cookie of a session dead. Its tokens live on.
	Replace(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) error
	// Touch notes that a living session was used, by a cookie of which version, and moves its sliding expiry.
	Touch(ctx context.Context, t tx.Tx, u Used) error
	// End ends every session of a chain and returns those that it ended.
	End(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) ([]ident.SessionID, error)
	// EndUser ends every session of a person and notes that tokens issued until now are dead.
	EndUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]ident.SessionID, error)
	// Revoked returns what was ended since a time: one session, one person's cut, one token, one grant, or everything.
	Revoked(ctx context.Context, t tx.Tx, q RevokedQuery) (Revoked, error)
	// Purge deletes up to limit sessions, cuts and tokens that matter no more. It needs the system scope.
	Purge(ctx context.Context, t tx.Tx, before time.Time, limit int) (int64, error)
}

// Used is one use of a session.
type Used struct {
	Account   ident.AccountID
	ID        ident.SessionID
	Version   int64
	ExpiresAt time.Time
}

// Chains keeps what sessions go through while they live.
type Chains interface {
	// Rotate replaces the secret of a living session in one statement that carries every binding of the
	// step (I-4). A fault of kind NotFound when they do not all hold.
	Rotate(ctx context.Context, t tx.Tx, s Step) error
	// List returns the living sessions of a person, the newest first: one of every chain.
	List(ctx context.Context, t tx.Tx, q ListQuery) ([]Session, error)
	// Aside returns the living sessions that a chain's browser has put aside, the last first.
	Aside(ctx context.Context, t tx.Tx, account ident.AccountID, holder ident.SessionID) ([]Session, error)
	// PutAside puts a living session aside for a chain, gives it a new salt, so that its cookie is dead,
	// and gives that chain what the session held.
	PutAside(ctx context.Context, t tx.Tx, p Shelved) error
	// TakeBack takes a session back that a chain holds, and gives it what that chain held. A fault of
	// kind NotFound when the chain does not hold it, or it does not live.
	TakeBack(ctx context.Context, t tx.Tx, p Shelved) (Session, error)
	// SetApplications notes for what a living session was used.
	SetApplications(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID, applications []string) error
}

// ListQuery asks for sessions of a person.
type ListQuery struct {
	Account ident.AccountID
	User    ident.UserID
	Before  time.Time       // only sessions that began before it, or with it and
	After   ident.SessionID // a greater id; zero for all
	Limit   int
}

// Shelved is a session that is put aside or taken back.
type Shelved struct {
	Account ident.AccountID
	ID      ident.SessionID
	Root    ident.SessionID // of the session
	Holder  ident.SessionID // the root of the chain that holds it
	Salt    []byte          // the new one
}

// RevokedQuery says which revocations to read: that of Session, of User, of User's
// Token, or of Grant in Account, or, with none of them, those of all accounts.
type RevokedQuery struct {
	Account ident.AccountID
	Session ident.SessionID
	User    ident.UserID
	Token   string
	Grant   string
	Since   time.Time
}

// Revoked is what was ended and when.
type Revoked struct {
	Sessions []EndedSession
	Users    []UserCut
	Tokens   []DisabledToken
	Grants   []EndedGrant
}

// EndedSession is a session whose tokens are dead.
type EndedSession struct {
	Account ident.AccountID
	ID      ident.SessionID
	At      time.Time
}

// UserCut says that all tokens of a person issued until At are dead.
type UserCut struct {
	Account ident.AccountID
	User    ident.UserID
	At      time.Time
}

// DisabledToken is an access token that is dead by its id.
type DisabledToken struct {
	Account ident.AccountID
	User    ident.UserID
	ID      string // jti
	At      time.Time
}

// EndedGrant is a grant of the authorization server whose tokens are dead, a single token of one by
// its `jti`, or the cut of a client.
type EndedGrant struct {
	Account ident.AccountID
	ID      string
	At      time.Time
	Until   time.Time // nothing of it can live longer
}

// TokenStore keeps what tokens live by, and which single ones are dead. Store reads and purges them with the rest.
type TokenStore interface {
	// DisableToken notes that a token is dead and tells whether that is new. It notes nothing and
	// answers full when the person has limit dead tokens already.
	DisableToken(ctx context.Context, t tx.Tx, d DisabledToken, limit int) (added, full bool, err error)
	// EndSome ends up to limit sessions of an account and notes that everybody's tokens issued until
	// now are dead. It tells how many sessions there were.
	EndSome(ctx context.Context, t tx.Tx, account ident.AccountID, limit int) (int, error)
	// Alive tells whether Store's ByID finds a session, and may do so by an assumption (sqldb.Tx.Assume). With
	// hold, whoever ends the session waits for the unit of work.
	Alive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID, hold bool) (bool, error)
	// EndGrant notes that a grant is dead, from g.At at the latest.
	EndGrant(ctx context.Context, t tx.Tx, g EndedGrant) error
	// Chain returns the session of a chain whose cookie is good: neither ended, replaced nor expired.
	Chain(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID) (Session, error)
}

package introspection

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/token"
)

// Living is an access token that is valid now. It is shared and must not be changed.
type Living struct {
	Account  ident.AccountID
	ID       string // jti
	Subject  string
	Person   bool // Subject is a person, not the client itself
	Client   string
	Audience []string
	Scopes   []string
	Session  ident.SessionID
	Grant    string
	Bound    *actor.Binding
	Issued   time.Time
	Expires  time.Time

	kid    ident.KeyID     // of a JWT
	claims json.RawMessage // the JSON of an object
	answer []byte          // of introspection
	info   infoCache       // of userinfo
}

// Has tells whether the token has a scope.
func (l *Living) Has(scope string) bool {
	for _, s := range l.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// Tokens reads and signs, from memory. *token.Service does.
type Tokens interface {
	ReadAccess(account ident.AccountID, compact string, now time.Time) (token.Own, error)
}

// Revocations knows what has ended before its tokens expire. *session.Revocations does.
type Revocations interface {
	Ended(account ident.AccountID, session ident.SessionID) bool
	UserEnded(account ident.AccountID, user ident.UserID, issued time.Time) bool
	TokenDisabled(account ident.AccountID, user ident.UserID, id string) bool
	GrantEnded(account ident.AccountID, id string) bool
	ClientEnded(account ident.AccountID, client string, issued time.Time) bool
}

// ReaderDeps is what a Reader asks. All but DB and Opaques answer from memory.
type ReaderDeps struct {
	DB      tx.Runner
	Opaques oauth.Opaques
	Tokens  Tokens
	Ended   Revocations
	Issuer  func(ident.AccountID) string
	// Published tells whether the account publishes that key now.
	Published func(account ident.AccountID, kid ident.KeyID) bool
	// Client tells whether that client is there and active, as far as memory knows.
	Client func(account ident.AccountID, id string) bool
	// Fresh tells whether what is in memory follows the database within the bound (I-17).
	Fresh func() bool
	Clock clock.Clock
	// CacheSize is how many tokens are remembered; 0 means 16384.
	CacheSize int
}

// Reader finds out what access tokens say. It is safe for concurrent use.
type Reader struct {
	d     ReaderDeps
	cache *cache
}

// NewReader makes a Reader with an empty cache.
func NewReader(d ReaderDeps) *Reader {
	if d.CacheSize <= 0 {
		d.CacheSize = 16384
	}
	return &Reader{d: d, cache: newCache(d.CacheSize)}
}

// ErrDead says that a text is no access token of the account that is valid now. Why is for the log.
var ErrDead = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is not valid.")

var errStale = fault.New(fault.Unavailable, fault.CodeUnavailable, "The server cannot check this now. Try again in a moment.")

// Look returns what an access token says: one of ours, of the provider or of the login API. Errors:
// ErrDead, or a fault of kind Unavailable.
func (r *Reader) Look(ctx context.Context, account ident.AccountID, text string) (*Living, error) {
	if !r.d.Fresh() {
		return nil, errStale
	}
	now := r.d.Clock.Now()
	id := cacheKey(account, text)
	if l := r.cache.get(id); l != nil {
		if err := r.current(l, now); err != nil {
			r.cache.drop(id)
			return nil, err
		}
		return l, nil
	}
	l, err := r.read(ctx, account, text, now)
	if err == nil {
		err = r.current(l, now)
	}
	if err != nil {
		return nil, err
	}
	r.cache.put(id, l)
	return l, nil
}

// read finds out what a token says that was not seen lately. What the row of an opaque one says does not
// change; its end is in memory, as that of a JWT is.
func (r *Reader) read(ctx context.Context, account ident.AccountID, text string, now time.Time) (*Living, error) {
	if strings.HasPrefix(text, pipeline.OpaquePrefix) {
		return r.opaque(ctx, account, text)
	}
	return r.signed(account, text, now)
}

func (r *Reader) signed(account ident.AccountID, text string, now time.Time) (*Living, error) {
	own, err := r.d.Tokens.ReadAccess(account, text, now)
	if err != nil {
		return nil, ErrDead.With(err)
	}
	var more struct {
		AuthTime int64 `json:"auth_time"`
	}
	if err := json.Unmarshal(own.Claims, &more); err != nil {
		return nil, ErrDead.With(err)
	}
	l := &Living{
		Account: account, ID: own.ID, Subject: own.Subject, Client: own.Client, Audience: own.Audience, Scopes: strings.Fields(own.Scope),
		Session: own.Session, Grant: own.Grant, Issued: own.Issued, Expires: own.Expires, kid: own.KeyID,
		Person: own.Subject != own.Client || own.Session != "" || more.AuthTime != 0,
		claims: own.Claims,
	}
	if own.Confirm != (token.Confirmation{}) {
		l.Bound = &actor.Binding{JKT: own.Confirm.JKT, X5T: own.Confirm.X5T}
	}
	l.answer = answer(l)
	return l, nil
}

func (r *Reader) opaque(ctx context.Context, account ident.AccountID, text string) (*Living, error) {
	var o oauth.OpaqueToken
	err := r.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		o, err = r.d.Opaques.Opaque(ctx, t, account, pipeline.OpaqueHash(text))
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, ErrDead
	case err != nil:
		return nil, err
	}
	l := &Living{
		Account: account, ID: o.ID, Subject: string(o.User), Person: o.User != "", Client: o.Client, Audience: o.Audience, Scopes: o.Scopes,
		Session: o.Session, Grant: o.Grant, Issued: o.IssuedAt, Expires: o.ExpiresAt,
	}
	if !l.Person {
		l.Subject = o.Client
	}
	if o.JKT != "" || o.X5T != "" {
		l.Bound = &actor.Binding{JKT: o.JKT, X5T: o.X5T}
	}
	if l.claims, err = json.Marshal(opaqueClaims(r.d.Issuer(account), l, o)); err != nil {
		return nil, err
	}
	l.info.requested, l.info.known = o.Claims, true
	l.answer = answer(l)
	return l, nil
}

// ReadOpaque is for token.Verifier: what a living opaque token says.
func (r *Reader) ReadOpaque(ctx context.Context, account ident.AccountID, text string) (token.Own, error) {
	l, err := r.Look(ctx, account, text)
	if err != nil {
		return token.Own{}, err
	}
	own := token.Own{
		ID: l.ID, Subject: l.Subject, Audience: l.Audience, Client: l.Client, Scope: strings.Join(l.Scopes, " "), Session: l.Session,
		Grant: l.Grant, Issued: l.Issued, Expires: l.Expires, Claims: l.claims,
	}
	if l.Bound != nil {
		own.Confirm = token.Confirmation{JKT: l.Bound.JKT, X5T: l.Bound.X5T}
	}
	return own, nil
}

// opaqueClaims are what a JWT in its place would say.
func opaqueClaims(issuer string, l *Living, o oauth.OpaqueToken) map[string]any {
	out := map[string]any{
		"iss": issuer, "sub": l.Subject, "aud": l.Audience, "client_id": l.Client, "jti": l.ID,
		"iat": l.Issued.Unix(), "exp": l.Expires.Unix(), "gid": l.Grant,
	}
	put := func(name string, there bool, value any) {
		if there {
			out[name] = value
		}
	}
	put("scope", len(l.Scopes) > 0, strings.Join(l.Scopes, " "))
	put("sid", l.Session != "", l.Session)
	put("auth_time", !o.AuthTime.IsZero(), o.AuthTime.Unix())
	put("acr", o.ACR != "", o.ACR)
	put("amr", len(o.AMR) > 0, o.AMR)
	put("act", len(o.Actor) > 0, o.Actor)
	put("authorization_details", len(o.Details) > 0, o.Details)
	put("cnf", l.Bound != nil, token.Confirmation{JKT: o.JKT, X5T: o.X5T})
	return out
}

// current looks at everything that may have ended since the token was issued.
func (r *Reader) current(l *Living, now time.Time) error {
	if !now.Before(l.Expires) {
		return ErrDead.With(errExpired)
	}
	e := r.d.Ended
	switch {
	case l.kid != "" && !r.d.Published(l.Account, l.kid),
		l.Grant != "" && (e.GrantEnded(l.Account, l.Grant) || e.GrantEnded(l.Account, l.ID)),
		l.Session != "" && e.Ended(l.Account, l.Session),
		l.Person && (e.UserEnded(l.Account, ident.UserID(l.Subject), l.Issued) || e.TokenDisabled(l.Account, ident.UserID(l.Subject), l.ID)),
		e.ClientEnded(l.Account, l.Client, l.Issued), !r.d.Client(l.Account, l.Client):
		return ErrDead.With(errEnded)
	}
	return nil
}

var (
	errExpired = errors.New("introspection: it has expired")
	errEnded   = errors.New("introspection: its grant, session, person, client or key has ended")
)

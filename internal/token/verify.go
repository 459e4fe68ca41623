package token

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// MaxLife is how long a bearer that carries an expiry may be valid at most. What remembers
// ended sessions and users may forget them after this time.
const MaxLife = 24 * time.Hour

// Leeway is how far the clock of a service client may be from ours. Admit's own tokens get
// no leeway past their expiry: the same clock made them, and ended sessions are remembered
// for MaxLife and no longer.
const Leeway = 10 * time.Second

// Clients knows the service clients and their keys. Both answers are about what is active
// now (I-11).
type Clients interface {
	Key(account ident.AccountID, client ident.ServiceClientID, key ident.KeyID) (ed25519.PublicKey, bool)
	Active(account ident.AccountID, client ident.ServiceClientID) bool
}

// Revocations knows what has ended before its tokens expire.
type Revocations interface {
	Ended(account ident.AccountID, session ident.SessionID) bool
	UserEnded(account ident.AccountID, user ident.UserID, issued time.Time) bool
	TokenDisabled(account ident.AccountID, user ident.UserID, id string) bool
	GrantEnded(account ident.AccountID, id string) bool
	ClientEnded(account ident.AccountID, client string, issued time.Time) bool
}

// Foreign is a bearer that is valid in another account than the one that it was sent to. The
// signature has been checked, so From is a fact, not a claim.
type Foreign struct {
	Account ident.AccountID // where it was sent
	From    ident.AccountID // where it belongs
	Actor   actor.Actor     // whose it is, in From
}

// VerifierDeps is what a Verifier asks. All functions answer from memory.
type VerifierDeps struct {
	Clock clock.Clock
	// Issuer returns the account's issuer, without a trailing slash; empty if there is none.
	Issuer func(account ident.AccountID) string
	// AccountOf returns the account whose issuer it is, byte for byte.
	AccountOf func(issuer string) (ident.AccountID, bool)
	// SigningKey returns the public key of kid in the account's published set for access tokens.
	SigningKey func(account ident.AccountID, kid ident.KeyID) (ed25519.PublicKey, bool)
	// Application tells whether the account has that application now, and it is active. What
	// people were given for it ends with it.
	Application func(account ident.AccountID, id ident.ApplicationID) bool
	Clients     Clients
	Sessions    Revocations
	// Provider may be nil: then only tokens of the EdDSA keys for access tokens are ours.
	Provider Provider
	// Linked may be nil: then no foreign issuer's tokens are taken.
	Linked Linked
	// Opaque reads an access token that says nothing by itself (OpaquePrefix), or answers a fault of kind
	// Unauthenticated or Unavailable. It may be nil.
	Opaque func(ctx context.Context, account ident.AccountID, bearer string) (Own, error)
	// Fresh tells whether what is in memory follows the database within the bound. While it
	// does not, nothing is verified (I-17).
	Fresh func() bool
	// Foreign is told of a bearer of another account, the same one at most once a minute, for
	// the audit trail. It may be nil.
	Foreign func(ctx context.Context, f Foreign)
	// RefuseRawKeys turns away service clients that send their whole access key as the bearer,
	// as several SDKs do.
	RefuseRawKeys bool
	// CacheSize is how many verified bearers are remembered; 0 means 16384.
	CacheSize int
}

// Verifier finds out who a bearer is. It is safe for concurrent use.
type Verifier struct {
	deps    VerifierDeps
	cache   *cache
	strange *once
}

// NewVerifier returns a Verifier with an empty cache.
func NewVerifier(deps VerifierDeps) *Verifier {
	if deps.CacheSize <= 0 {
		deps.CacheSize = 16384
	}
	return &Verifier{deps: deps, cache: newCache(deps.CacheSize), strange: newOnce(1024, time.Minute)}
}

// proof is what a bearer proved. Everything that can end before the bearer expires is looked
// at again on every use; see Verifier.current.
type proof struct {
	actor actor.Actor
	app   ident.ApplicationID // of a user's token
	id    string              // jti of a user's token; foreign ones may have none
	grant string              // gid of a provider's token
	seat  string              // what the session of a user's token has at the application
	link  string              // by which a foreign token was taken; it has no kid and key
	kid   ident.KeyID
	key   [ed25519.PublicKeySize]byte
	own   bool // Admit has signed it
	// provided says that the key is looked up by its kid alone, which is never used twice: it is of any algorithm.
	provided bool
	issued   time.Time
	expires  time.Time // leeway included; zero for raw access keys, which do not expire
	until    time.Time // when the cache forgets it
}

var (
	errNotValid = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is not valid.")
	errNotFresh = fault.New(fault.Unavailable, fault.CodeUnavailable, "The server cannot check this now. Try again in a moment.")

	errForeign  = errNotValid.With(errors.New("token: it belongs to another account"))
	errUnknown  = errNotValid.With(errors.New("token: no active key or client of that name"))
	errMismatch = errNotValid.With(errors.New("token: the parts that name the client or the issuer do not agree"))
	errRevoked  = errNotValid.With(errors.New("token: its session, user, application, client or key has ended"))
	errRawKey   = errNotValid.With(errors.New("token: raw access keys are turned away here"))
	errLife     = errNotValid.With(errors.New("token: it lives longer than is allowed"))
)

// Verify answers who the bearer is in the account. It takes Admit's own access tokens, tokens
// that service clients sign for themselves, and raw access keys. The error is a fault:
// Unauthenticated if the bearer proves nothing here, with the reason for the log only, or
// Unavailable if that cannot be known now.
func (v *Verifier) Verify(ctx context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	if !v.deps.Fresh() {
		return actor.Actor{}, errNotFresh
	}
	now := v.deps.Clock.Now()
	id := cacheKey(account, bearer)
	if p := v.cache.get(id); p != nil {
		if now.Before(p.until) {
			if err := v.current(p, now); err != nil {
				v.cache.drop(id)
				return actor.Actor{}, err
			}
			return p.actor, nil
		}
		v.cache.drop(id)
	}
	p, err := v.read(ctx, account, bearer, now)
	if err == nil {
		p.sit()
		err = v.current(p, now)
	}
	if err != nil {
		return actor.Actor{}, err
	}
	if p.actor.Account != account {
		v.report(ctx, account, id, p, now)
		return actor.Actor{}, errForeign
	}
	p.until = now.Add(cacheLife)
	if p.link != "" {
		p.until = now.Add(linkedLife)
	}
	v.cache.put(id, p, now)
	return p.actor, nil
}

// read checks a bearer from the ground up. The proof may be for another account: the caller
// decides what that means.
func (v *Verifier) read(ctx context.Context, account ident.AccountID, bearer string, now time.Time) (*proof, error) {
	if strings.Count(bearer, ".") == 3 {
		return v.readRawKey(bearer)
	}
	if strings.HasPrefix(bearer, OpaquePrefix) {
		return v.readOpaque(ctx, account, bearer)
	}
	t, err := jose.Parse(bearer)
	if err != nil {
		return v.readOther(ctx, account, bearer, now, errNotValid.With(err))
	}
	p, err := v.readAdmit(account, t, now)
	if err == errUnknown {
		return v.readOther(ctx, account, bearer, now, errUnknown)
	}
	return p, err
}

// readOther checks a token of another key of ours, or of a linked issuer; the reason tells why it
// is none of the usual ones.
func (v *Verifier) readOther(ctx context.Context, account ident.AccountID, bearer string, now time.Time, reason error) (*proof, error) {
	p, err := v.readProvider(account, bearer, now)
	if err == errUnknown {
		return v.readLinked(ctx, account, bearer, reason)
	}
	return p, err
}

// readAdmit checks a token that Admit or a service client has signed; errUnknown says that it
// is neither.
func (v *Verifier) readAdmit(account ident.AccountID, t *jose.Token, now time.Time) (*proof, error) {
	if key, ok := v.deps.SigningKey(account, ident.KeyID(t.KeyID())); ok {
		return v.readOwn(account, t, key, now)
	}
	// The claims only say where to look for the key. Nothing is believed before it fits.
	claims, err := t.InsecureClaims()
	if err != nil {
		return nil, errNotValid.With(err)
	}
	if base, _, ok := strings.Cut(claims.Issuer, clientPath); ok {
		return v.readClient(v.accountOfClient(account, base), t, claims, now)
	}
	if other, ok := v.deps.AccountOf(claims.Issuer); ok && other != account {
		if key, ok := v.deps.SigningKey(other, ident.KeyID(t.KeyID())); ok {
			return v.readOwn(other, t, key, now)
		}
	}
	return nil, errUnknown
}

// readOwn checks an access token that key, an active key of the account, should have signed.
func (v *Verifier) readOwn(account ident.AccountID, t *jose.Token, key ed25519.PublicKey, now time.Time) (*proof, error) {
	claims, err := t.Claims(key)
	if err != nil {
		return nil, errNotValid.With(err)
	}
	var of family
	switch err := claims.Decode(&of); {
	case err != nil, t.Type() != jose.TypeAccess, claims.Issuer != v.deps.Issuer(account), !claims.HasAudience(string(account)):
		return nil, errMismatch
	case claims.SessionID == "" && of.Grant == "", claims.IssuedAt.IsZero(), claims.TokenID == "":
		return nil, errMismatch // it could not be revoked
	case claims.ExpiresAt.Sub(claims.IssuedAt) > MaxLife:
		return nil, errLife
	}
	if err := claims.ValidAt(now, 0, Leeway); err != nil {
		return nil, errNotValid.With(err)
	}
	p := newProof(actor.Actor{
		Kind:    actor.User,
		Account: account,
		ID:      claims.Subject,
		Session: ident.SessionID(claims.SessionID),
		Bound:   bindingOf(claims),
	}, ident.KeyID(t.KeyID()), key, claims.IssuedAt, claims.ExpiresAt)
	p.app, p.id = ident.ApplicationID(strings.Clone(claims.ClientID)), strings.Clone(claims.TokenID)
	p.belongs(of.Grant)
	return p, nil
}

// current looks at everything that may have ended since the proof was made.
func (v *Verifier) current(p *proof, now time.Time) error {
	if !p.expires.IsZero() && !now.Before(p.expires) {
		return errNotValid.With(errExpired)
	}
	if p.link != "" {
		return v.currentLinked(p)
	}
	if p.own {
		return v.currentOwn(p)
	}
	client := ident.ServiceClientID(p.actor.ID)
	if !v.deps.Clients.Active(p.actor.Account, client) {
		return errRevoked
	}
	return p.sameKey(v.deps.Clients.Key(p.actor.Account, client, p.kid))
}

// sameKey tells whether the key that proved the bearer is still the one of its kid.
func (p *proof) sameKey(key ed25519.PublicKey, ok bool) error {
	if !ok || subtle.ConstantTimeCompare(key, p.key[:]) != 1 {
		return errRevoked
	}
	return nil
}

var errExpired = errors.New("token: it has expired")

// report tells of a bearer of another account.
func (v *Verifier) report(ctx context.Context, account ident.AccountID, id cacheID, p *proof, now time.Time) {
	if v.deps.Foreign != nil && v.strange.first(id, now) {
		v.deps.Foreign(ctx, Foreign{Account: account, From: p.actor.Account, Actor: p.actor})
	}
}

// sit notes the seat of a token, see package seat, whose Tokens names it so.
func (p *proof) sit() {
	if p.own && p.app != "" && p.actor.Session != "" {
		p.seat = string(p.app) + " " + string(p.actor.Session)
	}
}

func newProof(a actor.Actor, kid ident.KeyID, key ed25519.PublicKey, issued, expires time.Time) *proof {
	// The strings of a were cut out of the bearer or decoded from it; they are copied so that
	// the cache does not keep the bearer itself in memory.
	a.ID = strings.Clone(a.ID)
	a.Session = ident.SessionID(strings.Clone(string(a.Session)))
	p := &proof{actor: a, kid: ident.KeyID(strings.Clone(string(kid))), issued: issued, expires: expires}
	copy(p.key[:], key)
	return p
}

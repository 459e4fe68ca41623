package issuer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	// MaxLife is how long a token may be valid from its issue to its expiry.
	MaxLife = 24 * time.Hour
	// Leeway is how far an issuer's clock may be from ours.
	Leeway = 10 * time.Second

	maxAudiences = 16
)

// Why a bearer is none of a trusted issuer's, for the log.
var (
	ErrNobodys   = errors.New("issuer: the account trusts no such issuer")
	errNotToken  = errors.New("issuer: this is no JSON Web Token")
	errAudience  = errors.New("issuer: the token is for another audience")
	errAmbiguous = errors.New("issuer: the token fits several links, which name the person differently")
	errTimes     = errors.New("issuer: the token is not valid now, or does not say when it is")
	errLife      = errors.New("issuer: the token lives longer than is allowed")
	errPurpose   = errors.New("issuer: the token was made for a sign-in or a notice, or is bound to a key")
	errNobody    = errors.New("issuer: the token names nobody who could have a user id")
)

// notBearers are claims of tokens that are no bearers for an API: an ID token that answers a
// sign-in, a logout or security event token, a token that is bound to a key which nobody checks.
var notBearers = []string{"nonce", "at_hash", "c_hash", "s_hash", "events", "cnf"}

// Signatures checks who signed a token; oidc.Bearers does.
type Signatures interface {
	// Claims returns the claims of a token that a key of the issuer has signed. A fault of kind
	// Unavailable says that this cannot be known now.
	Claims(ctx context.Context, account ident.AccountID, issuer, raw string) (document.Object, error)
}

// Proof is whom a bearer names, by which trust, and when it ends.
type Proof struct {
	User    ident.UserID
	Trust   ID
	TokenID string // its jti, or empty
	Issued  time.Time
	Expires time.Time // leeway included
}

// Verifier reads bearers of trusted issuers. It is safe for concurrent use.
type Verifier struct {
	*Directory
	signatures Signatures
	clock      clock.Clock
}

// NewVerifier makes a verifier.
func NewVerifier(d *Directory, s Signatures, c clock.Clock) *Verifier { return &Verifier{d, s, c} }

// Verify answers whom a bearer names in the account. ErrNobodys says that it is no token of a
// trusted issuer; a fault of kind Unavailable that this cannot be known now; every other error
// that the token is no good.
func (v *Verifier) Verify(ctx context.Context, account ident.AccountID, bearer string) (Proof, error) {
	if !v.any(account) {
		return Proof{}, ErrNobodys
	}
	// The claims only say where to look for the trust. Nothing is believed before it fits.
	said, err := peek(bearer)
	if err != nil {
		return Proof{}, ErrNobodys
	}
	url := said.String("iss")
	trusts := v.of(account, url)
	if len(trusts) == 0 {
		return Proof{}, ErrNobodys
	}
	if _, err := choose(trusts, said); err != nil {
		return Proof{}, err // without asking anybody
	}
	claims, err := v.signatures.Claims(ctx, account, url, bearer)
	if err != nil {
		return Proof{}, err
	}
	if claims.String("iss") != url {
		return Proof{}, ErrNobodys
	}
	t, err := choose(trusts, claims)
	if err != nil {
		return Proof{}, err
	}
	return t.prove(claims, v.clock.Now())
}

// choose returns the trust for whose audience a token was made.
func choose(trusts []trust, claims document.Object) (found trust, err error) {
	audience, ok := claims.Strings("aud")
	if !ok || len(audience) == 0 || len(audience) > maxAudiences {
		return found, errAudience
	}
	for _, t := range trusts {
		if !slices.Contains(audience, t.Audience) {
			continue
		}
		if found.ID != "" && found.Expression != t.Expression {
			return found, errAmbiguous
		}
		if found.ID == "" {
			found = t
		}
	}
	if found.ID == "" {
		return found, errAudience
	}
	return found, nil
}

// prove checks the claims of a token whose signature, issuer and audience fit.
func (t trust) prove(claims document.Object, now time.Time) (Proof, error) {
	expires, ends := claims.Time("exp")
	issued, began := claims.Time("iat")
	from, _ := claims.Time("nbf")
	_, readable := claims.Time("nbf")
	switch {
	case !ends || !began || claims.Has("nbf") && !readable:
		return Proof{}, errTimes
	case !now.Before(expires.Add(Leeway)), issued.After(now.Add(Leeway)), from.After(now.Add(Leeway)), !issued.Before(expires):
		return Proof{}, errTimes
	case expires.Sub(issued) > MaxLife:
		return Proof{}, errLife
	}
	if slices.ContainsFunc(notBearers, claims.Has) {
		return Proof{}, errPurpose
	}
	value, err := t.expression.Subject(claims)
	if err != nil || claims.String("sub") == "" {
		return Proof{}, errNobody
	}
	user, ok := t.user(value)
	if !ok {
		return Proof{}, errNobody
	}
	return Proof{User: user, Trust: t.ID, TokenID: claims.String("jti"), Issued: issued, Expires: expires.Add(Leeway)}, nil
}

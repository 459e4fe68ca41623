package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Linked knows the foreign issuers whose tokens an account takes.
type Linked interface {
	// Verify answers whom a bearer of a linked issuer names. ErrNotLinked says that it is none; a
	// fault of kind Unavailable that this cannot be known now.
	Verify(ctx context.Context, account ident.AccountID, bearer string) (LinkedProof, error)
	// Linked tells whether that link is there now (I-11).
	Linked(account ident.AccountID, link string) bool
}

// LinkedProof is whom a foreign token names, by which link, and when it ends.
type LinkedProof struct {
	User            ident.UserID
	Link            string
	TokenID         string // jti, or empty
	Issued, Expires time.Time
}

// ErrNotLinked says that a bearer comes from no issuer that the account has linked.
var ErrNotLinked = errors.New("token: no linked issuer")

// readLinked checks a token that is none of Admit's, for the reason given.
func (v *Verifier) readLinked(ctx context.Context, account ident.AccountID, bearer string, reason error) (*proof, error) {
	if v.deps.Linked == nil {
		return nil, reason
	}
	found, err := v.deps.Linked.Verify(ctx, account, bearer)
	switch {
	case errors.Is(err, ErrNotLinked):
		return nil, reason
	case fault.Is(err, fault.Unavailable):
		return nil, err
	case err != nil:
		return nil, errNotValid.With(err)
	}
	return linkedProof(account, found), nil
}

// LinkedBearers takes tokens of linked issuers that are the bearers of no request to the API, such as
// assertions (RFC 7523). What was ended of them is good for nothing there either.
type LinkedBearers struct{ Verifier *Verifier }

// Verify answers as Linked.Verify does, and refuses what has ended since the token was issued.
func (l LinkedBearers) Verify(ctx context.Context, account ident.AccountID, bearer string) (LinkedProof, error) {
	v := l.Verifier
	switch {
	case !v.deps.Fresh():
		return LinkedProof{}, errNotFresh
	case v.deps.Linked == nil:
		return LinkedProof{}, ErrNotLinked
	}
	found, err := v.deps.Linked.Verify(ctx, account, bearer)
	if err != nil {
		return LinkedProof{}, err
	}
	return found, v.currentLinked(linkedProof(account, found))
}

func linkedProof(account ident.AccountID, found LinkedProof) *proof {
	p := newProof(actor.Actor{Kind: actor.User, Account: account, ID: string(found.User)}, "", nil, found.Issued, found.Expires)
	p.link, p.id = strings.Clone(found.Link), strings.Clone(found.TokenID)
	return p
}

// currentLinked looks at everything that may have ended since a foreign token was taken. Its issuer's clock may be ahead of ours: what
// it calls issued a moment after its person was ended may have been issued before.
func (v *Verifier) currentLinked(p *proof) error {
	account, user := p.actor.Account, ident.UserID(p.actor.ID)
	switch {
	case !v.deps.Linked.Linked(account, p.link), v.deps.Sessions.UserEnded(account, user, p.issued.Add(-Leeway)),
		p.id != "" && v.deps.Sessions.TokenDisabled(account, user, p.id):
		return errRevoked
	}
	return nil
}

package token

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
)

// DefaultLife is how long a token lives where the account says nothing else. The SDKs expect
// a day; sessions and people that end before are told apart by Revocations.
const DefaultLife = MaxLife

// Signers gives the key that signs now. *keyring.Ring does.
type Signers interface {
	Signer(account ident.AccountID, use keyring.Use) (keyring.Signer, error)
}

// ServiceDeps is what a Service asks. All functions answer from memory.
type ServiceDeps struct {
	Signers Signers
	// Keys are for ReadAccess and ReadID only.
	Keys PublicKeys
	// Issuer returns the account's issuer, without a trailing slash; empty if there is none.
	Issuer func(account ident.AccountID) string
	// Life returns how long the account's tokens live, at most MaxLife; nil or 0 means DefaultLife.
	Life func(account ident.AccountID) time.Duration
}

// Service issues tokens. It is safe for concurrent use and waits for nothing but memory.
type Service struct{ deps ServiceDeps }

// NewService makes the service.
func NewService(deps ServiceDeps) *Service { return &Service{deps} }

// Issued is one token and its life.
type Issued struct {
	Token   secret.Text
	ID      string // jti, of the provider's access and logout tokens
	Expires time.Time
	Life    time.Duration
}

// Access issues an access token (RFC 9068), signed by the account's access-token key.
func (s *Service) Access(_ context.Context, p Params) (Issued, error) {
	return s.issue(p, keyring.Access, jose.TypeAccess, func(issuer string, now, expires time.Time) (any, error) {
		return merged(p.access(issuer, now, expires, ident.New("jti_")), p.AccessClaims)
	})
}

// ID issues an ID token (OpenID Connect Core section 2), signed by the account's ID-token key. It
// lives as long as the access token beside it, because the browser SDK takes its expiry for
// that of the sign-in.
func (s *Service) ID(_ context.Context, p Params) (Issued, error) {
	return s.issue(p, keyring.ID, jose.TypeJWT, func(issuer string, now, expires time.Time) (any, error) {
		return merged(p.id(issuer, now, expires), p.IDClaims)
	})
}

func (s *Service) issue(p Params, use keyring.Use, typ string, claims func(issuer string, now, expires time.Time) (any, error)) (Issued, error) {
	issuer := s.deps.Issuer(p.Account)
	if issuer == "" || p.User == "" || p.Session == "" || p.Application == "" || p.At.IsZero() || p.AuthTime.IsZero() || len(p.AMR) == 0 {
		return Issued{}, fault.Wrap("token.issue", fmt.Errorf("an incomplete request for a token of account %q", p.Account))
	}
	life := DefaultLife
	if s.deps.Life != nil {
		if l := s.deps.Life(p.Account); l > 0 && l < life {
			life = l
		}
	}
	if p.MaxLife > 0 {
		life = min(life, p.MaxLife)
	}
	signer, err := s.deps.Signers.Signer(p.Account, use)
	if err != nil {
		return Issued{}, fault.Wrap("token.issue", err)
	}
	now := p.At.Truncate(time.Second)
	expires := now.Add(life)
	said, err := claims(issuer, now, expires)
	if err != nil {
		return Issued{}, fault.Wrap("token.issue", err)
	}
	private, ok := signer.Private.(ed25519.PrivateKey)
	if !ok {
		return Issued{}, fault.Wrap("token.issue", fmt.Errorf("the key %s is not of EdDSA", signer.KID))
	}
	compact, err := jose.Sign(private, string(signer.KID), typ, said)
	if err != nil {
		return Issued{}, fault.Wrap("token.issue", err)
	}
	return Issued{Token: secret.New(compact), Expires: expires, Life: life}, nil
}

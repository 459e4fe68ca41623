package bridge

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/token"
)

// LinkedIssuers lets the tokens of foreign issuers in.
type LinkedIssuers struct{ *issuer.Verifier }

func (l LinkedIssuers) Verify(ctx context.Context, account ident.AccountID, bearer string) (token.LinkedProof, error) {
	p, err := l.Verifier.Verify(ctx, account, bearer)
	if errors.Is(err, issuer.ErrNobodys) {
		err = token.ErrNotLinked
	}
	return token.LinkedProof{User: p.User, Link: string(p.Trust), TokenID: p.TokenID, Issued: p.Issued, Expires: p.Expires}, err
}

func (l LinkedIssuers) Linked(account ident.AccountID, link string) bool {
	return l.Trusted(account, issuer.ID(link))
}

// TokenProofs lets the router judge the proofs that come with access tokens.
type TokenProofs struct{ *dpop.Service }

func (p TokenProofs) CheckToken(account ident.AccountID, t web.TokenProof) error {
	err := p.Service.CheckToken(account, dpop.Request{Headers: t.Headers, Method: t.Method, URL: t.URL}, t.JKT, t.Token)
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return &web.ProofError{Code: string(e.Code), Description: e.Description}
	}
	return err
}

func (p TokenProofs) Nonce(account ident.AccountID) string {
	return p.Service.Nonce(account, dpop.ForAPI)
}

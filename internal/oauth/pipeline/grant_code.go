package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

const (
	minVerifier = 43  // RFC 7636 section 4.1
	maxVerifier = 256 // beyond RFC 7636: a published SDK makes up to about 234
)

// CodeGrant redeems authorization codes (RFC 6749 section 4.1.3, RFC 7636), each once. A code that
// comes again with everything that it is bound to ends the family that it began.
type CodeGrant struct {
	Codes    oauth.Codes
	Families *Families
}

// Name implements Grant.
func (CodeGrant) Name() string { return application.GrantCode }

var (
	errCode     = oauth.Fail(oauth.InvalidGrant, "The code is wrong, expired or used already, or client_id, redirect_uri, code_verifier or the DPoP key are not those of the authorization request.")
	errVerifier = oauth.Fail(oauth.InvalidGrant, "code_verifier is missing or is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636).")
)

// Prove implements Grant.
func (g CodeGrant) Prove(_ context.Context, a Asked) (Take, error) {
	code, uri, verifier := a.Form.Get("code"), a.Form.Get("redirect_uri"), a.Form.Get("code_verifier")
	switch {
	case code == "":
		return nil, oauth.Fail(oauth.InvalidRequest, "code is missing.")
	case uri == "":
		return nil, oauth.Fail(oauth.InvalidRequest, "redirect_uri is missing: send the one of the authorization request.")
	case !validVerifier(verifier):
		return nil, errVerifier
	}
	sum := sha256.Sum256([]byte(verifier))
	want := oauth.AuthorizationCode{
		Hash: oauth.CodeHash(secret.New(code)), RedirectURI: uri, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
		Authorization: oauth.Authorization{Account: a.Account, Client: a.Client.ID, JKT: a.Holder.JKT},
	}
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		taken, err := g.Codes.TakeCode(ctx, t, want)
		if fault.Is(err, fault.NotFound) {
			return g.spent(ctx, t, a, want)
		}
		return Outcome{Authorization: taken.Authorization, Begin: true, Code: code}, err
	}, nil
}

// spent looks whether the code was used before, which says that somebody else has had it.
func (g CodeGrant) spent(ctx context.Context, t tx.Tx, a Asked, want oauth.AuthorizationCode) (Outcome, error) {
	spent, err := g.Codes.SpentCode(ctx, t, want)
	switch {
	case fault.Is(err, fault.NotFound):
		return Outcome{Refused: errCode}, nil
	case err != nil:
		return Outcome{}, err
	}
	return Outcome{Refused: errCode}, g.Families.reused(ctx, t, a, spent.Grant, "code")
}

// validVerifier holds the unreserved characters of RFC 7636 section 4.1. The literal "undefined", which
// a published SDK sends, is too short.
func validVerifier(v string) bool {
	if len(v) < minVerifier || len(v) > maxVerifier {
		return false
	}
	for i := range len(v) {
		c := v[i]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

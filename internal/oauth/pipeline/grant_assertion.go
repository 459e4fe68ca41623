package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/token"
)

const (
	assertionLife   = time.Hour        // of an assertion of a client's own key, at most
	assertionLeeway = 10 * time.Second // between the client's clock and ours
	maxAssertionID  = 256
)

// Assertions remembers which assertions were used. partydb.Store does.
type Assertions interface {
	UseAssertion(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, expires time.Time) (bool, error)
}

// OwnKeys verifies what a client has signed with a key that it registered. *party.Parties does.
type OwnKeys interface {
	VerifySigned(ctx context.Context, c oauth.Client, text string, algorithms, types []string) (party.Claims, error)
}

// Linked knows the foreign issuers whose tokens an account takes; see token.Linked.
type Linked interface {
	Verify(ctx context.Context, account ident.AccountID, bearer string) (token.LinkedProof, error)
}

// AssertionGrant gives tokens for an assertion (RFC 7523 section 2.1): of the client itself, signed by a
// key that it registered, for itself; or a token of an issuer that the account has linked, for whom that
// names. Nobody can assert another person of this account.
type AssertionGrant struct {
	Keys   OwnKeys
	Used   Assertions
	Linked Linked
	Issuer func(ident.AccountID) string
	Clock  clock.Clock
}

// Name implements Grant.
func (AssertionGrant) Name() string { return application.GrantJWTBearer }

var errAssertion = oauth.Fail(oauth.InvalidGrant, "The assertion is wrong, expired or used already, or it comes from no linked issuer and from no key of this client.")

// Prove implements Grant.
func (g AssertionGrant) Prove(ctx context.Context, a Asked) (Take, error) {
	text := a.Form.Get("assertion")
	switch {
	case text == "":
		return nil, oauth.Fail(oauth.InvalidRequest, "assertion is missing.")
	case a.Client.Public():
		return nil, oauth.Fail(oauth.UnauthorizedClient, "A client that cannot prove itself gets no tokens for an assertion.")
	}
	proof, err := g.Linked.Verify(ctx, a.Account, text)
	switch {
	case err == nil:
		return g.person(a, proof), nil
	case fault.Is(err, fault.Unavailable):
		return nil, err
	case !errors.Is(err, token.ErrNotLinked):
		return nil, errAssertion.With(err)
	}
	return g.own(ctx, a, text)
}

// person issues for whom a linked issuer names, not longer than its own word is good.
func (g AssertionGrant) person(a Asked, p token.LinkedProof) Take {
	o := oauth.Authorization{
		Grant: NewGrantID(), Account: a.Account, Client: a.Client.ID, User: p.User,
		Scopes: slices.DeleteFunc(slices.Clone(a.Client.Settings.Scopes), func(one string) bool { return has(notForMachines, one) }),
	}
	return func(context.Context, tx.Tx) (Outcome, error) {
		return Outcome{Authorization: o, Until: p.Expires, Anew: true, NoID: true, Detail: []string{"link", p.Link}}, nil
	}
}

// own issues for the client itself.
func (g AssertionGrant) own(ctx context.Context, a Asked, text string) (Take, error) {
	algorithms := party.Algorithms
	if one := a.Client.Settings.AuthAlg; one != "" {
		algorithms = []string{one}
	}
	said, err := g.Keys.VerifySigned(ctx, a.Client, text, algorithms, []string{"", "jwt"})
	if fault.Is(err, fault.Unavailable) {
		return nil, err
	}
	if err != nil {
		return nil, errAssertion.With(err)
	}
	now := g.Clock.Now()
	expires, ok := said.Time("exp")
	issuer, jti := g.Issuer(a.Account), said.Text("jti")
	switch {
	case said.Text("iss") != a.Client.ID || said.Text("sub") != a.Client.ID:
		return nil, errAssertion.With(errors.New("iss and sub are not both the client"))
	case issuer == "" || said.Sole("aud") != issuer && said.Sole("aud") != a.Endpoint:
		return nil, errAssertion.With(errors.New("another audience"))
	case !ok || now.After(expires.Add(assertionLeeway)) || expires.After(now.Add(assertionLife)):
		return nil, errAssertion.With(errors.New("exp is missing, past or too far"))
	case jti == "" || len(jti) > maxAssertionID:
		return nil, errAssertion.With(errors.New("no usable jti"))
	}
	for _, name := range []string{"nbf", "iat"} {
		if at, there := said.Time(name); said.Has(name) && (!there || at.After(now.Add(assertionLeeway))) {
			return nil, errAssertion.With(errors.New("not valid yet"))
		}
	}
	hash := secret.Hash("oauth.assertion.grant", string(secret.Hash("oauth.assertion.client", string(a.Account)+"\x00"+a.Client.ID))+jti)
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		fresh, err := g.Used.UseAssertion(ctx, t, a.Account, hash, expires.Add(assertionLeeway))
		if err != nil || !fresh {
			return Outcome{Refused: errAssertion}, err
		}
		return Outcome{Authorization: oauth.Authorization{Grant: NewGrantID(), Account: a.Account, Client: a.Client.ID}, Own: true, NoID: true}, nil
	}, nil
}

package party

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Assertions remembers which client assertions were used (RFC 7523 section 3, jti).
type Assertions interface {
	// UseAssertion notes an assertion by its hash and tells whether it was new, in one statement.
	UseAssertion(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, expires time.Time) (bool, error)
}

// Algorithms are what clients may sign with (I-18).
var Algorithms = []string{"EdDSA", "ES256", "RS256", "PS256"}

const (
	// AssertionLife is how long a client assertion may be valid from now.
	AssertionLife = time.Hour
	// sdkLife is that of a token that an SDK has signed with an access key.
	sdkLife = 24 * time.Hour
	maxJTI  = 256 // bytes
	// TokenPath is the token endpoint's, which assertions may name as their audience.
	TokenPath = "/oauth/token"
)

// assertionTypes are the types of client assertions: none, JWT, and the explicit one of the
// revision of RFC 7523.
var assertionTypes = []string{"", "jwt", "client-authentication+jwt"}

// ownAssertion judges private_key_jwt: a JWT that the client has made with a key that it registered.
func (p *Parties) ownAssertion(ctx context.Context, c oauth.Client, text string, r Presented) error {
	t, err := parse(text, algorithmsOf(c.Settings.AuthAlg), assertionTypes)
	if err != nil {
		return errUnknown.With(err)
	}
	claims, err := p.verify(ctx, c, t)
	if err != nil {
		return refused(err)
	}
	if claims.Text("iss") != c.ID || claims.Text("sub") != c.ID {
		return errUnknown.With(errors.New("iss and sub are not both the client's id"))
	}
	return p.once(ctx, c, claims, r)
}

// once checks audience and times, and uses the assertion up.
func (p *Parties) once(ctx context.Context, c oauth.Client, claims Claims, r Presented) error {
	if !slices.Contains(p.audiences(c.Account, r), claims.Sole("aud")) {
		return oauth.Fail(oauth.InvalidClient, "The client assertion's aud must be the issuer, or this endpoint's URL, and nothing else.")
	}
	expires, err := claims.within(p.now(), AssertionLife)
	if err != nil {
		return oauth.Fail(oauth.InvalidClient, "The client assertion needs an exp within the next hour, and nbf and iat, if any, in the past.").With(err)
	}
	jti := claims.Text("jti")
	if jti == "" || len(jti) > maxJTI {
		return oauth.Fail(oauth.InvalidClient, "The client assertion needs a jti of 1 to 256 bytes.")
	}
	fresh := false
	err = p.d.DB.Write(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) (err error) {
		fresh, err = p.d.Assertions.UseAssertion(ctx, t, c.Account, assertionHash(c, jti), expires.Add(leeway))
		return err
	})
	if err != nil {
		return fault.Wrap("party.once", err)
	}
	if !fresh {
		return oauth.Fail(oauth.InvalidClient, "The client assertion was used already. Make a new one, with a new jti, for every request.")
	}
	return nil
}

// audiences are what an assertion may name: the issuer, the token endpoint, or the endpoint that was
// called (RFC 9126 section 2). All are this account's own, so an assertion for another server is
// never good here.
func (p *Parties) audiences(account ident.AccountID, r Presented) []string {
	issuer := p.d.Issuer(account)
	if issuer == "" {
		return nil
	}
	all := []string{issuer, issuer + TokenPath}
	if r.Endpoint != "" {
		all = append(all, r.Endpoint)
	}
	return all
}

// assertionHash names an assertion among those of all accounts and clients (I-16).
func assertionHash(c oauth.Client, jti string) []byte {
	h := secret.Hash("oauth.assertion.client", string(c.Account)+"\x00"+c.ID)
	return secret.Hash("oauth.assertion", string(h)+jti)
}

// refused keeps a fault as it is, such as keys that cannot be had, and makes everything else the
// client's.
func refused(err error) error {
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	return errUnknown.With(err)
}

// algorithmsOf are those that a client may sign with: the registered one, or all.
func algorithmsOf(registered string) []string {
	if registered != "" {
		return []string{registered}
	}
	return Algorithms
}

// proveService judges a service client. Its access keys sign its assertions; an SDK's own token, which
// is such an assertion in another form, is taken too.
func (p *Parties) proveService(ctx context.Context, c oauth.Client, said claim, r Presented) error {
	keys, _ := p.d.Services.Keys(c.Account, ident.ServiceClientID(c.ID))
	switch said.method {
	case "basic", "post":
		return p.serviceSecret(keys, said.secret)
	case "assertion":
	default:
		return errUnknown.With(errors.New("a service client must prove itself"))
	}
	t, err := parse(said.assertion, []string{"EdDSA"}, append([]string{"at+jwt"}, assertionTypes...))
	if err != nil {
		return errUnknown.With(err)
	}
	for _, k := range keys {
		if string(k.KeyID) != t.kid {
			continue
		}
		claims, err := t.verifyWith(k.PublicKey)
		if err != nil {
			return errUnknown.With(err)
		}
		if claims.Text("sub") != c.ID {
			return errUnknown.With(errors.New("sub is not the client's id"))
		}
		if claims.Text("iss") == c.ID {
			return p.once(ctx, c, claims, r)
		}
		return p.sdkToken(c, claims)
	}
	return errUnknown.With(errNoKey)
}

// sdkToken judges a token that an SDK has signed with an access key. It is good as a bearer at Admit's
// own API for its whole life, and so may be used here more than once too: it opens nothing more.
func (p *Parties) sdkToken(c oauth.Client, claims Claims) error {
	own := string(c.Account)
	issuers := []string{"https://" + own + ".api.authress.io/v1/clients/" + c.ID}
	if issuer := p.d.Issuer(c.Account); issuer != "" {
		issuers = append(issuers, issuer+"/v1/clients/"+c.ID)
	}
	if !slices.Contains(issuers, claims.Text("iss")) || claims.Sole("aud") != own+".accounts.authress.io" {
		return errUnknown.With(errors.New("iss or aud are not those of an access key's token"))
	}
	if _, err := claims.within(p.now(), sdkLife); err != nil {
		return errUnknown.With(err)
	}
	return nil
}

// errNoKey says that a token names no key that may verify it.
var errNoKey = errors.New("the client has no such key")

// verify checks the signature by the keys that an application, or a metadata document, has registered.
func (p *Parties) verify(ctx context.Context, c oauth.Client, t compact) (Claims, error) {
	set, err := p.registered(ctx, c, func(s *jwks.Set) bool {
		_, ok := s.Verifier(t.kid, t.alg)
		return ok
	})
	if err != nil {
		return nil, err
	}
	return t.verify(set)
}

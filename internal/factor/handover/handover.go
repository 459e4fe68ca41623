package handover

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Method is the `amr` value: a machine of the customer's vouches for the person. How it
// knows the person is not known here and not claimed.
const Method = "client"

// Type is the header's typ of the JWT. Nothing else has it, so that neither an access token
// nor a client's own bearer can stand in for one, or the reverse (RFC 8725 section 3.11).
const Type = "oauth-authz-req+jwt"

// The lives of a statement.
const (
	OpenLife    = time.Minute      // from iat until the browser opens it, whatever exp says
	ConfirmLife = 10 * time.Minute // from then until the same browser confirms it
	Leeway      = 10 * time.Second // how far the clock of the client may be from ours
)

// What the published SDKs put into the JWT. The suffixes are names that the protocol fixes;
// nothing is ever fetched from them.
const (
	prefix         = "sc_"
	clientPath     = "/v1/clients/"
	audienceSuffix = ".accounts.authress.io"
	issuerPrefix   = "https://"
	issuerSuffix   = ".api.authress.io"
)

const seenPurpose = "handover/seen"

// ErrRefused is every reason not to believe a statement. The reason is for the log.
var ErrRefused = errors.New("handover: refused")

// Clients knows the service clients. Both answers are about what is active now (I-11).
type Clients interface {
	Key(account ident.AccountID, client ident.ServiceClientID, key ident.KeyID) (ed25519.PublicKey, bool)
	// MaySignInAnyone tells whether the client has the option grantTokenGeneration.
	MaySignInAnyone(account ident.AccountID, client ident.ServiceClientID) bool
}

// Service reads statements.
type Service struct {
	Clients Clients
	// Issuer returns the account's issuer, without a trailing slash.
	Issuer func(account ident.AccountID) string
	Keys   *crypt.Keys
}

// Statement is what a service client says about a person.
type Statement struct {
	Client ident.ConnectionID
	User   ident.UserID // to be signed in; its form is not checked
	Issuer string       // of the client
	Email  string       // how to reach the person, or empty; never verified: the client is no authority for a domain (I-6)
	Seen   []byte       // hash to remember the statement by
}

// IsClient tells whether a login's connection is a service client. No connection has such an id.
func IsClient(c ident.ConnectionID) bool { return strings.HasPrefix(string(c), prefix) }

// Offered tells whether people can be signed in by that service client now.
func (s *Service) Offered(account ident.AccountID, c ident.ConnectionID) bool {
	return IsClient(c) && s.Clients.MaySignInAnyone(account, ident.ServiceClientID(c))
}

// Read checks a statement of the client that the login is for, as of the moment at which it
// was opened. issuer is what came beside it; it must say the same. The error is ErrRefused.
func (s *Service) Read(account ident.AccountID, c ident.ConnectionID, code secret.Text, issuer string, opened time.Time) (Statement, error) {
	if !s.Offered(account, c) {
		return Statement{}, refused("the client may not sign in people, or is gone")
	}
	t, err := jose.Parse(code.Reveal())
	if err != nil {
		return Statement{}, refused("%w", err)
	}
	if t.Type() != Type {
		return Statement{}, refused("another type of token")
	}
	key, ok := s.Clients.Key(account, ident.ServiceClientID(c), ident.KeyID(t.KeyID()))
	if !ok {
		return Statement{}, refused("the client has no such key")
	}
	claims, err := t.Claims(key)
	if err != nil {
		return Statement{}, refused("%w", err)
	}
	switch {
	case claims.Issuer != issuer, !s.issues(account, c, issuer):
		return Statement{}, refused("the issuer does not name this client of this account")
	case claims.ClientID != string(c):
		return Statement{}, refused("client_id does not name the client")
	case len(claims.Audience) != 1 || claims.Audience[0] != string(account)+audienceSuffix:
		return Statement{}, refused("it is for another audience")
	case claims.IssuedAt.IsZero(), !opened.Before(claims.IssuedAt.Add(OpenLife + Leeway)):
		return Statement{}, refused("it was opened too late")
	}
	if err := claims.ValidAt(opened, Leeway, Leeway); err != nil {
		return Statement{}, refused("%w", err)
	}
	var contact struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"` // must be a flag, and counts for nothing
	}
	if err := claims.Decode(&contact); err != nil {
		return Statement{}, refused("contact claims: %w", err)
	}
	name := claims.TokenID
	if name == "" {
		name = code.Reveal() // no two texts are the same JWT: the reader takes one spelling only
	}
	return Statement{
		Client: c, User: ident.UserID(claims.Subject), Issuer: issuer, Email: contact.Email,
		Seen: secret.Hash(seenPurpose, string(c)+" "+name),
	}, nil
}

// issues tells whether an issuer is one of the two names, byte for byte, by which SDKs call
// this client of this account: below the account's own issuer, or the fixed form with the
// account's id.
func (s *Service) issues(account ident.AccountID, c ident.ConnectionID, issuer string) bool {
	base, ok := strings.CutSuffix(issuer, clientPath+string(c))
	return ok && (base == s.Issuer(account) || base == issuerPrefix+string(account)+issuerSuffix)
}

func refused(why string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(why, args...))
}

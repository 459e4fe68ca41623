package token

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
)

// The lives of tokens of the provider, where the parameters say nothing else.
const (
	AccessLife = 15 * time.Minute
	IDLife     = time.Hour
	LogoutLife = 2 * time.Minute // OpenID Connect Back-Channel Logout 1.0 section 2.4 recommends it
)

// Signing says by which of the account's keys something is signed. The zero value is the rotating EdDSA key.
type Signing struct {
	Alg    string // of jose.Algorithms; empty is EdDSA
	Static bool   // by the account's static key of that algorithm
}

// Uses returns the uses of keys that signing so needs, for keyring.Service.Provide.
func (s Signing) Uses() []keyring.Use {
	return []keyring.Use{s.use(keyring.Access), s.use(keyring.ID)}
}

func (s Signing) use(kind keyring.Use) keyring.Use {
	if s.Static {
		return keyring.StaticUse(s.Alg)
	}
	return kind.With(s.Alg)
}

// AccessParams is what an access token of the provider says (RFC 9068).
type AccessParams struct {
	At       time.Time // its iat: when the facts below were read
	Life     time.Duration
	Account  ident.AccountID
	Subject  string   // the person, or the client that acts for itself
	Client   string   // client_id
	Audience []string // at least one
	Scopes   []string
	Grant    string          // gid: the family by which it can be ended; may be empty where it has a session
	Session  ident.SessionID // sid, or empty
	AuthTime time.Time       // zero, with AMR and ACR, when no person signed in
	AMR      []string
	ACR      string
	JKT      string          // cnf: DPoP key thumbprint
	X5T      string          // cnf: certificate thumbprint
	Actor    json.RawMessage // act
	Details  json.RawMessage // authorization_details
	// Custom claims: JSON objects, those of the client before those of the person. Later ones win; reserved names are left out.
	Custom []json.RawMessage
	Signing
}

// IDParams is what an ID token says (OpenID Connect Core section 2).
type IDParams struct {
	At       time.Time
	Life     time.Duration
	Account  ident.AccountID
	Subject  ident.UserID
	Client   string // aud
	Session  ident.SessionID
	Nonce    string
	AuthTime time.Time
	AMR      []string
	ACR      string
	// What the token is given out together with; their hashes go into at_hash and c_hash.
	AccessToken, Code string
	// Person are standard claims about the person (section 5.1), by their names.
	Person map[string]any
	Custom []json.RawMessage // as in AccessParams
	Signing
	Encryption *jose.Encryption // nil: only signed
}

// LogoutParams is what a logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.4).
type LogoutParams struct {
	At      time.Time
	Account ident.AccountID
	Client  string          // aud
	Subject ident.UserID    // one of both is there
	Session ident.SessionID // sid
	Signing
}

// ResponseParams is a signed answer to a client: JARM, a signed userinfo or introspection answer.
type ResponseParams struct {
	Account    ident.AccountID
	Type       string // the typ of the header: jose.TypeAuthorization, jose.TypeIntrospection, jose.TypeJWT
	Claims     any    // all of them, iss included; encodes to a JSON object
	Encryption *jose.Encryption
	Signing
}

// AccessToken issues an access token of the provider, signed by a key for access tokens.
func (s *Service) AccessToken(_ context.Context, p AccessParams) (Issued, error) {
	issuer := s.deps.Issuer(p.Account)
	if issuer == "" || p.Subject == "" || p.Client == "" || len(p.Audience) == 0 || p.At.IsZero() || p.Grant == "" && p.Session == "" {
		return Issued{}, incomplete(p.Account)
	}
	now, life := p.At.Truncate(time.Second), lifeOf(p.Life, AccessLife)
	id := ident.New("jti_")
	claims, err := withCustom(p.claims(issuer, now, now.Add(life), id), p.Custom)
	if err != nil {
		return Issued{}, fault.Wrap("token.AccessToken", err)
	}
	compact, err := s.sign(p.Account, p.use(keyring.Access), jose.TypeAccess, claims)
	if err != nil {
		return Issued{}, fault.Wrap("token.AccessToken", err)
	}
	if len(compact) > jose.MaxToken {
		return Issued{}, fault.Wrap("token.AccessToken", errTooLong)
	}
	return Issued{Token: secret.New(compact), ID: id, Expires: now.Add(life), Life: life}, nil
}

// IDToken issues an ID token, signed by a key for ID tokens and then encrypted if the client wants that.
func (s *Service) IDToken(_ context.Context, p IDParams) (Issued, error) {
	issuer := s.deps.Issuer(p.Account)
	if issuer == "" || p.Subject == "" || p.Client == "" || p.At.IsZero() || p.AuthTime.IsZero() {
		return Issued{}, incomplete(p.Account)
	}
	now, life := p.At.Truncate(time.Second), lifeOf(p.Life, IDLife)
	ours, err := p.claims(issuer, now, now.Add(life))
	if err != nil {
		return Issued{}, fault.Wrap("token.IDToken", err)
	}
	claims, err := withCustom(ours, p.Custom)
	if err != nil {
		return Issued{}, fault.Wrap("token.IDToken", err)
	}
	compact, err := s.sign(p.Account, p.use(keyring.ID), jose.TypeJWT, claims)
	if err == nil {
		compact, err = encrypted(compact, p.Encryption)
	}
	if err != nil {
		return Issued{}, fault.Wrap("token.IDToken", err)
	}
	return Issued{Token: secret.New(compact), Expires: now.Add(life), Life: life}, nil
}

// LogoutToken issues the token that tells a client of the end of a session, signed as its ID tokens are.
func (s *Service) LogoutToken(_ context.Context, p LogoutParams) (Issued, error) {
	issuer := s.deps.Issuer(p.Account)
	if issuer == "" || p.Client == "" || p.At.IsZero() || p.Subject == "" && p.Session == "" {
		return Issued{}, incomplete(p.Account)
	}
	now, id := p.At.Truncate(time.Second), ident.New("jti_")
	compact, err := s.sign(p.Account, p.use(keyring.ID), jose.TypeLogout, logoutClaims{
		Issuer: issuer, Subject: string(p.Subject), Audience: p.Client, IssuedAt: now.Unix(), ExpiresAt: now.Add(LogoutLife).Unix(),
		ID: id, Session: string(p.Session), Events: map[string]struct{}{logoutEvent: {}},
	})
	if err != nil {
		return Issued{}, fault.Wrap("token.LogoutToken", err)
	}
	return Issued{Token: secret.New(compact), ID: id, Expires: now.Add(LogoutLife), Life: LogoutLife}, nil
}

// Response signs an answer to a client by a key for ID tokens, and encrypts it if the client wants that.
func (s *Service) Response(_ context.Context, p ResponseParams) (secret.Text, error) {
	if p.Type == jose.TypeAccess || p.Type == jose.TypeLogout || p.Type == "" {
		return secret.Text{}, fault.Wrap("token.Response", fmt.Errorf("an answer cannot have the type %q", p.Type))
	}
	compact, err := s.sign(p.Account, p.use(keyring.ID), p.Type, p.Claims)
	if err == nil {
		compact, err = encrypted(compact, p.Encryption)
	}
	if err != nil {
		return secret.Text{}, fault.Wrap("token.Response", err)
	}
	return secret.New(compact), nil
}

func (s *Service) sign(account ident.AccountID, use keyring.Use, typ string, claims any) (string, error) {
	signer, err := s.deps.Signers.Signer(account, use)
	if err != nil {
		return "", err
	}
	if private, ok := signer.Private.(ed25519.PrivateKey); ok && typ == jose.TypeAccess {
		return jose.Sign(private, string(signer.KID), typ, claims) // what the strict reader of the client reads back
	}
	return jose.SignAs(use.Alg(), signer.Private, string(signer.KID), typ, claims)
}

func encrypted(compact string, to *jose.Encryption) (string, error) {
	if to == nil {
		return compact, nil
	}
	return jose.Encrypt(compact, *to)
}

func lifeOf(asked, usual time.Duration) time.Duration {
	if asked <= 0 {
		return usual
	}
	return min(asked, MaxLife)
}

func incomplete(account ident.AccountID) error {
	return fault.Wrap("token.issue", fmt.Errorf("an incomplete request for a token of account %q", account))
}

var errTooLong = fmt.Errorf("the token would be longer than %d bytes", jose.MaxToken)

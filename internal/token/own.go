package token

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// PublicKeys finds published keys. *keyring.Ring does.
type PublicKeys interface {
	Find(account ident.AccountID, kid ident.KeyID) (keyring.Key, bool)
}

// Own is what a token of ours said when it was issued. What has ended since is for the caller to
// look up: the session, the grant, the person, the client.
type Own struct {
	ID        string // jti; an ID token has none
	Subject   string
	Audience  []string
	Client    string // client_id; of an ID token its audience
	Scope     string
	Session   ident.SessionID
	Grant     string
	Confirm   Confirmation
	Issued    time.Time
	Expires   time.Time
	Algorithm string
	KeyID     ident.KeyID
	Claims    json.RawMessage // all of them
}

// ErrNotOwn says that a text is no token of the account that is valid now. It matches what
// ReadAccess and ReadID return; the cause is for the log.
var ErrNotOwn = errors.New("token: not a valid token of this account")

// ReadAccess reads an access token of the account, by whatever algorithm: signature, type, issuer
// and times. It waits for nothing but memory.
func (s *Service) ReadAccess(account ident.AccountID, compact string, now time.Time) (Own, error) {
	own, reg, err := s.read(account, compact, keyring.Access, jose.TypeAccess)
	if err != nil {
		return Own{}, err
	}
	if reg.TokenID == "" || own.Client == "" || own.Session == "" && own.Grant == "" {
		return Own{}, notOwn(errors.New("a claim is missing"))
	}
	if err := reg.ValidAt(now, 0); err != nil && !errors.Is(err, jose.ErrNotYetValid) || reg.Issued.After(now.Add(Leeway)) {
		return Own{}, notOwn(err)
	}
	return own, nil
}

// ReadID reads an ID token of the account that a client gives back as a hint. It may have
// expired: the hint says who was signed in, and nothing is opened by it (OpenID Connect
// RP-Initiated Logout 1.0 section 4).
func (s *Service) ReadID(account ident.AccountID, compact string) (Own, error) {
	own, reg, err := s.read(account, compact, keyring.ID, jose.TypeJWT)
	if err != nil {
		return Own{}, err
	}
	if len(reg.Audience) != 1 {
		return Own{}, notOwn(errors.New("it is for more than one client"))
	}
	own.Client = reg.Audience[0]
	return own, nil
}

func (s *Service) read(account ident.AccountID, compact string, kind keyring.Use, typ string) (Own, jose.Registered, error) {
	kid, err := jose.KeyIDOf(compact)
	if err != nil {
		return Own{}, jose.Registered{}, notOwn(err)
	}
	key, ok := s.deps.Keys.Find(account, ident.KeyID(kid))
	if !ok || key.Use.Kind() != kind && !key.Use.Static() {
		return Own{}, jose.Registered{}, notOwn(errors.New("no key of ours"))
	}
	header, claims, err := jose.VerifyForeign(compact, []jose.PublicJWK{key.JWK()}, jose.Expect{
		Algorithms: []string{key.Use.Alg()}, Types: []string{typ}, MaxBytes: jose.MaxSigned,
	})
	if err != nil {
		return Own{}, jose.Registered{}, notOwn(err)
	}
	reg, err := jose.ReadRegistered(claims)
	if err != nil {
		return Own{}, jose.Registered{}, notOwn(err)
	}
	var more struct {
		Client  string          `json:"client_id"`
		Scope   string          `json:"scope"`
		Session ident.SessionID `json:"sid"`
		Grant   string          `json:"gid"`
		Confirm Confirmation    `json:"cnf"`
	}
	if err := json.Unmarshal(claims, &more); err != nil {
		return Own{}, jose.Registered{}, notOwn(err)
	}
	switch {
	case reg.Issuer == "" || reg.Issuer != s.deps.Issuer(account), reg.Subject == "", len(reg.Audience) == 0, reg.Expires.IsZero(), reg.Issued.IsZero():
		return Own{}, jose.Registered{}, notOwn(errors.New("a claim is missing, or it has another issuer"))
	}
	return Own{
		ID: reg.TokenID, Subject: reg.Subject, Audience: reg.Audience, Client: more.Client, Scope: more.Scope, Session: more.Session,
		Grant: more.Grant, Confirm: more.Confirm, Issued: reg.Issued, Expires: reg.Expires, Algorithm: header.Algorithm,
		KeyID: ident.KeyID(header.KeyID), Claims: claims,
	}, reg, nil
}

func notOwn(cause error) error { return errors.Join(ErrNotOwn, cause) }

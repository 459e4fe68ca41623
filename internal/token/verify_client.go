package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// What the published SDKs put into the tokens that they sign with an access key. The
// suffixes are names that the protocol fixes; nothing is ever fetched from them.
const (
	clientPath     = "/v1/clients/"
	audienceSuffix = ".accounts.authress.io"
	issuerPrefix   = "https://"
	issuerSuffix   = ".api.authress.io"
)

// accountOfClient returns the account that the base of a service client's issuer names:
// the account's own issuer, or the fixed form with the account's id that SDKs use when they
// know no other. An unknown base gives an account that has no clients.
func (v *Verifier) accountOfClient(account ident.AccountID, base string) ident.AccountID {
	if base == v.deps.Issuer(account) {
		return account
	}
	if other, ok := v.deps.AccountOf(base); ok {
		return other
	}
	name, ok := strings.CutPrefix(base, issuerPrefix)
	if !ok {
		return ""
	}
	if name, ok = strings.CutSuffix(name, issuerSuffix); !ok {
		return ""
	}
	return ident.AccountID(name)
}

// readClient checks a token that a service client has signed with one of its access keys.
// Issuer, subject and client_id must all name the same client (RFC 7523 section 3), and the
// audience must be the account and nothing else, so that a token made for another server
// can never be used here.
func (v *Verifier) readClient(account ident.AccountID, t *jose.Token, said jose.Claims, now time.Time) (*proof, error) {
	kid := ident.KeyID(t.KeyID())
	client := ident.ServiceClientID(said.Subject)
	key, ok := v.deps.Clients.Key(account, client, kid)
	if account == "" || !ok {
		return nil, errUnknown
	}
	claims, err := t.Claims(key)
	if err != nil {
		return nil, errNotValid.With(err)
	}
	_, named, _ := strings.Cut(claims.Issuer, clientPath)
	switch {
	case t.Type() != jose.TypeAccess && t.Type() != jose.TypeJWT:
		return nil, errMismatch
	case named != claims.Subject, claims.ClientID != "" && claims.ClientID != claims.Subject:
		return nil, errMismatch
	case len(claims.Audience) != 1 || claims.Audience[0] != string(account)+audienceSuffix:
		return nil, errMismatch
	case claims.ExpiresAt.Sub(now) > MaxLife+Leeway:
		return nil, errLife
	}
	if err := claims.ValidAt(now, Leeway, Leeway); err != nil {
		return nil, errNotValid.With(err)
	}
	a := actor.Actor{Kind: actor.ServiceClient, Account: account, ID: string(client), Bound: bindingOf(claims)}
	return newProof(a, kid, key, claims.IssuedAt, claims.ExpiresAt.Add(Leeway)), nil
}

// pkcs8 is how the DER of every Ed25519 private key in an access key begins (RFC 8410 section
// 7, without attributes and public key); the 32 bytes of the seed follow.
var pkcs8 = []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}

// readRawKey checks a whole access key, CLIENT.KEY.ACCOUNT.BASE64: the public key that
// belongs to its private key must be the one that is stored.
func (v *Verifier) readRawKey(bearer string) (*proof, error) {
	if v.deps.RefuseRawKeys {
		return nil, errRawKey
	}
	parts := strings.Split(bearer, ".")
	client, kid, account := ident.ServiceClientID(parts[0]), ident.KeyID(parts[1]), ident.AccountID(parts[2])
	stored, ok := v.deps.Clients.Key(account, client, kid)
	if !ok || account == "" || client == "" || kid == "" {
		return nil, errUnknown
	}
	der, err := base64.StdEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(der) != len(pkcs8)+ed25519.SeedSize || !bytes.HasPrefix(der, pkcs8) {
		return nil, errUnknown
	}
	private := ed25519.NewKeyFromSeed(der[len(pkcs8):])
	if subtle.ConstantTimeCompare(private[ed25519.SeedSize:], stored) != 1 {
		return nil, errUnknown
	}
	a := actor.Actor{Kind: actor.ServiceClient, Account: ident.AccountID(strings.Clone(string(account))), ID: string(client)}
	return newProof(a, kid, stored, time.Time{}, time.Time{}), nil
}

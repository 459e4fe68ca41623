package oidc

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Accounts knows the accounts' own addresses.
type Accounts interface {
	// Issuer returns the absolute base URL without a trailing slash.
	Issuer(account ident.AccountID) string
}

// Keys holds the signing keys. keyring.Ring is one.
type Keys interface {
	Set(account ident.AccountID) *keyring.Set
}

// Clients knows the keys of service clients. serviceclient.Directory is one.
type Clients interface {
	Keys(account ident.AccountID, id ident.ServiceClientID) ([]serviceclient.Key, bool)
}

// Deps is what the surface asks. Everything answers from memory.
type Deps struct {
	Accounts Accounts
	Keys     Keys
	Clients  Clients
	Provider Provider
	Clock    clock.Clock
}

// Surface serves the documents.
type Surface struct {
	deps   Deps
	shelf  map[keyring.Use]*shelf
	all    *shelf
	config *shelf
}

// New makes the surface.
func New(d Deps) *Surface {
	return &Surface{deps: d, config: newShelf(), all: newShelf(), shelf: map[keyring.Use]*shelf{keyring.Access: newShelf(), keyring.ID: newShelf()}}
}

var (
	// cacheKeys is how long verifiers may keep a key set. It is half of the least time that a
	// regular rotation publishes a key before it signs (keyring.DefaultAfter).
	cacheKeys = []string{"public, max-age=300"}
	// cacheConfig is how long discovery may be kept.
	cacheConfig = []string{"public, max-age=3600"}
	// cacheClient makes verifiers ask again each time: a client's key ends at once, without overlap.
	cacheClient = []string{"public, no-cache"}
)

// jwk is an Ed25519 public key, RFC 8037 section 2. Some SDKs need alg.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	Alg string `json:"alg"`
	Use string `json:"use"`
	KID string `json:"kid"`
	X   string `json:"x"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

func newJWK(kid ident.KeyID, key ed25519.PublicKey) jwk {
	return jwk{Kty: "OKP", Crv: "Ed25519", Alg: "EdDSA", Use: "sig", KID: string(kid), X: base64.RawURLEncoding.EncodeToString(key)}
}

func (s *Surface) accessKeys(w http.ResponseWriter, r *http.Request) error {
	return s.keys(w, r, keyring.Access)
}

func (s *Surface) idKeys(w http.ResponseWriter, r *http.Request) error {
	return s.keys(w, r, keyring.ID)
}

// keys sends an account's key set of one use. What was encoded is good as long as the ring
// holds the very same set and no key has come to its end.
func (s *Surface) keys(w http.ResponseWriter, r *http.Request, use keyring.Use) error {
	account := web.AccountOf(r)
	set := s.deps.Keys.Set(account)
	if set == nil {
		return errNoKeys
	}
	shelf, now := s.shelf[use], s.deps.Clock.Now()
	if d := shelf.get(account); d != nil && d.source == set && (d.until.IsZero() || now.Before(d.until)) {
		return d.send(w, r, cacheKeys)
	}
	public, until := set.Public(use, now)
	list := jwks{Keys: make([]jwk, 0, len(public))}
	for _, k := range public {
		list.Keys = append(list.Keys, newJWK(k.KID, k.Key))
	}
	d, err := newDocument(list)
	if err != nil {
		return err
	}
	d.source, d.until = set, until
	shelf.put(account, d)
	return d.send(w, r, cacheKeys)
}

// allKeys sends all published keys of an account: access, ID and static, of every algorithm.
func (s *Surface) allKeys(w http.ResponseWriter, r *http.Request) error {
	account := web.AccountOf(r)
	set := s.deps.Keys.Set(account)
	if set == nil {
		return errNoKeys
	}
	now := s.deps.Clock.Now()
	if d := s.all.get(account); d != nil && d.source == set && (d.until.IsZero() || now.Before(d.until)) {
		return d.send(w, r, cacheKeys)
	}
	keys, until := set.All(now)
	list := struct {
		Keys []jose.PublicJWK `json:"keys"`
	}{make([]jose.PublicJWK, 0, len(keys))}
	for _, k := range keys {
		list.Keys = append(list.Keys, k.JWK())
	}
	d, err := newDocument(list)
	if err != nil {
		return err
	}
	d.source, d.until = set, until
	s.all.put(account, d)
	return d.send(w, r, cacheKeys)
}

// clientKeys sends the active keys of a service client.
func (s *Surface) clientKeys(w http.ResponseWriter, r *http.Request) error {
	keys, ok := s.deps.Clients.Keys(web.AccountOf(r), ident.ServiceClientID(web.PathValue(r, "clientId")))
	if !ok {
		return errNoClient
	}
	list := jwks{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		list.Keys = append(list.Keys, newJWK(k.KeyID, k.PublicKey))
	}
	d, err := newDocument(list)
	if err != nil {
		return err
	}
	return d.send(w, r, cacheClient)
}

var (
	errNoKeys   = fault.New(fault.Unavailable, fault.CodeUnavailable, "The keys are not there yet. Try again in a moment.")
	errNoClient = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such service client.")
)

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return b, fault.Wrap("oidc.encode", err)
}

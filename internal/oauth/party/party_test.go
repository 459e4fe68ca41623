package party_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
	"github.com/admit-id/admit/internal/serviceclient"
)

const (
	account  ident.AccountID = "acc_a"
	issuer                   = "https://login.example"
	endpoint                 = issuer + "/oauth/token"
)

var home = netip.MustParseAddr("198.51.100.7")

// rig is a deployment's clients, in memory.
type rig struct {
	*party.Parties
	clock  *clock.Fake
	apps   map[ident.ApplicationID]application.Application
	keys   map[ident.ServiceClientID][]serviceclient.Key
	web    fakeWeb
	mu     sync.Mutex
	events []event.Event
}

func (r *rig) Get(a ident.AccountID, id ident.ApplicationID) (application.Application, bool) {
	found, ok := r.apps[id]
	return found, ok && a == account
}

func (r *rig) Keys(a ident.AccountID, id ident.ServiceClientID) ([]serviceclient.Key, bool) {
	found, ok := r.keys[id]
	return found, ok && a == account
}

// fakeWeb serves documents and counts who asks.
type fakeWeb struct {
	mu     sync.Mutex
	serves map[string]string
	asked  map[string]int
}

func (w *fakeWeb) Get(_ context.Context, address string, _ int64) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[address]++
	if text, ok := w.serves[address]; ok {
		return []byte(text), nil
	}
	return nil, errors.New("nobody is there")
}

func (w *fakeWeb) put(address, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serves[address] = text
}

type noDocuments struct{}

func (noDocuments) Client(context.Context, ident.AccountID, string) (oauth.Client, error) {
	return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "none")
}

func newRig(t *testing.T) *rig { return newRigFor(t) }

func newRigFor(t testing.TB) *rig {
	t.Helper()
	r := &rig{apps: map[ident.ApplicationID]application.Application{}, keys: map[ident.ServiceClientID][]serviceclient.Key{}}
	r.web.serves, r.web.asked = map[string]string{}, map[string]int{}
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
		return nil
	})
	db, clk := sqldbtest.SQLite(t, partydb.Migrations(), bus)
	r.clock = clk
	r.Parties = party.New(party.Deps{
		DB: db, Applications: r, Services: r, Documents: noDocuments{}, Assertions: partydb.Store{}, Remote: &r.web, Clock: clk,
		Fit: func(c oauth.Client) oauth.Client { c.Settings.Resources = nil; return c },
		Issuer: func(a ident.AccountID) string {
			return map[ident.AccountID]string{account: issuer, "acc_b": "https://other.example"}[a]
		},
		Extensions: func(_ context.Context, _ ident.AccountID, id string) (ident.ApplicationID, bool, error) {
			return "app_ext", id == "ext_1", nil
		},
	})
	return r
}

func (r *rig) add(id ident.ApplicationID, o application.OAuth) {
	r.apps[id] = application.Application{Account: account, ID: id, Name: string(id), Active: true, OAuth: o}
}

// secretApp adds an application with a secret.
func (r *rig) secretApp(id ident.ApplicationID, method application.AuthMethod) string {
	kept, value := application.NewSecret(r.clock.Now(), time.Time{})
	r.add(id, application.OAuth{AuthMethod: method, Secrets: []application.ClientSecret{kept}})
	return value.Reveal()
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func basic(user, password string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func (r *rig) try(t *testing.T, p party.Presented) (oauth.Client, error) {
	t.Helper()
	if p.Form == nil {
		p.Form = url.Values{}
	}
	p.Endpoint = endpoint
	c, err := r.Authenticate(t.Context(), account, p)
	if err != nil && c.ID != "" {
		t.Error("a refused client was returned")
	}
	return c, err
}

func (r *rig) want(t *testing.T, what string, p party.Presented, code oauth.Code) {
	t.Helper()
	c, err := r.try(t, p)
	if oauth.CodeOf(err) != code || (err == nil) != (code == "") || code == "" && c.ID == "" {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

// signer is a client's key.
type signer struct {
	alg, kid string
	private  crypto.Signer
}

func newSigner(t *testing.T, alg string) signer {
	t.Helper()
	s := signer{alg: alg, kid: alg + "-1"}
	var err error
	switch alg {
	case "EdDSA":
		_, s.private, err = ed25519.GenerateKey(rand.Reader)
	case "ES256":
		s.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		s.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		s.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set is the public key set of signers.
func set(t *testing.T, all ...signer) string {
	t.Helper()
	var keys jose.JSONWebKeySet
	for _, s := range all {
		keys.Keys = append(keys.Keys, jose.JSONWebKey{Key: s.private.Public(), KeyID: s.kid, Use: "sig"})
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s signer) sign(t *testing.T, claims map[string]any, header ...string) string {
	t.Helper()
	o := &jose.SignerOptions{}
	for i := 0; i+1 < len(header); i += 2 {
		o.WithHeader(jose.HeaderKey(header[i]), header[i+1])
	}
	k, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg), Key: jose.JSONWebKey{Key: s.private, KeyID: s.kid}}, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := k.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// with changes a copy of claims; nil removes one.
func with(claims map[string]any, pairs ...any) map[string]any {
	out := maps.Clone(claims)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(out, pairs[i].(string))
			continue
		}
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func assertion(text string, more ...string) url.Values {
	v := form(append([]string{"client_assertion_type", party.AssertionType, "client_assertion", text}, more...)...)
	return v
}

package passkey_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const appOrigin = "https://app.example.com"

// sdk registers as the browser SDK does: the challenge and the user handle are the person's id, and the RP id
// is the login host without its first label.
func (b *bench) sdk(user, challenge ident.UserID, party string) passkey.Registered {
	b.Helper()
	opts, _ := json.Marshal(map[string]any{
		"challenge": base64.RawURLEncoding.EncodeToString([]byte(challenge)),
		"rp":        map[string]string{"id": party}, "user": map[string]string{"id": base64.RawURLEncoding.EncodeToString([]byte(user))},
	})
	b.key.Credentials = nil
	response, err := b.key.Create(opts)
	if err != nil {
		b.Fatal(err)
	}
	var r passkeytest.Response
	if err := json.Unmarshal(response, &r); err != nil {
		b.Fatal(err)
	}
	raw := func(s string) []byte {
		out, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	var got passkey.Registered
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		got, err = b.service.RegisterPending(ctx, t, passkey.Foreign{
			Account: "a", User: user, Origins: []string{appOrigin}, Name: "phone",
			Credential: r.ID, Attestation: raw(r.Response.Attestation), ClientData: raw(r.Response.ClientData),
		})
		return err
	})
	return got
}

// TestPending holds that a registration with a challenge of the browser's own is good for nothing until it has
// answered one of ours in the person's session.
func TestPending(t *testing.T) {
	each(t, func(b *bench) {
		b.key.Origin = appOrigin
		b.key.Flags &^= passkeytest.UV
		got := b.sdk("ann", "ann", "example.com")
		p := got.Passkey
		if got.Refused != "" || !p.Pending || p.Party != "example.com" || p.Name != "phone" {
			b.Fatalf("got %+v", got)
		}
		if e := b.types(); e != passkey.EventPending {
			b.Errorf("events %q", e)
		}
		count := func() (n int) {
			b.write(func(ctx context.Context, t tx.Tx) (err error) {
				n, err = b.service.Count(ctx, t, "a", "ann")
				return err
			})
			return n
		}
		if count() != 0 || len(b.list("ann")) != 1 {
			b.Error("a pending passkey counts")
		}
		b.key.Origin = origin
		if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			_, err := b.service.BeginLogin(ctx, t, ofLogin("ann"))
			return err
		}); err == nil {
			b.Error("it is offered as a second factor")
		}
		// Somebody else's challenge, and one of a login that names it.
		named := ofLogin("ann")
		named.Passkey = p.ID
		if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			_, err := b.service.BeginLogin(ctx, t, named)
			return err
		}); err == nil {
			b.Error("a login may name it")
		}
		c := ofSession("ann")
		c.UserVerification, c.Passkey = false, p.ID
		other := c
		other.User, other.Session = "bob", "ses_bob"
		if err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
			_, err := b.service.BeginLogin(ctx, t, other)
			return err
		}); err == nil {
			b.Error("somebody else may name it")
		}
		if proof := b.tryLogin(c); proof.User != "ann" || proof.ID != p.ID || proof.Verified {
			b.Errorf("the confirmation: %+v", proof)
		}
		if e := b.types(); e != passkey.EventRegistered || count() != 1 {
			b.Errorf("events %q, %d count", e, count())
		}
		if proof := b.tryLogin(ofLogin("ann")); proof.User != "ann" {
			b.Errorf("as a second factor: %+v", proof)
		}
	})
}

func TestPendingIsHeldToItsBounds(t *testing.T) {
	each(t, func(b *bench) {
		b.key.Origin = appOrigin
		if got := b.sdk("ann", "bob", "example.com"); got.Refused != passkey.RefusedResponse {
			b.Errorf("another person's id: %+v", got)
		}
		if got := b.sdk("ann", "", "example.com"); got.Refused != passkey.RefusedResponse {
			b.Errorf("no challenge: %+v", got)
		}
		for _, party := range []string{"com", "example.org", "app.example.com", "evil.example", "login.example.com.evil.example"} {
			if got := b.sdk("ann", "ann", party); got.Refused != passkey.RefusedResponse {
				b.Errorf("RP id %s: %+v", party, got)
			}
		}
		for _, o := range []string{"https://evil.example", "http://app.example.com", "https://APP.example.com"} {
			b.key.Origin = o
			if got := b.sdk("ann", "ann", "example.com"); got.Refused != passkey.RefusedResponse {
				b.Errorf("origin %s: %+v", o, got)
			}
		}
		b.key.Origin = appOrigin
		b.key.Flags = 0
		if got := b.sdk("ann", "ann", "example.com"); got.Refused != passkey.RefusedResponse {
			b.Errorf("nobody there: %+v", got)
		}
		b.key.Flags = passkeytest.UP
		b.key.Bend = func(c *passkeytest.Ceremony) { c.ID = []byte("one id") }
		for i, want := range []passkey.Refusal{"", passkey.RefusedTaken} {
			if got := b.sdk("ann", "ann", "login.example.com"); got.Refused != want {
				b.Errorf("time %d: %+v", i+1, got)
			}
		}
	})
}

// maker is a maker of authenticators, with a certificate authority of its own.
type maker struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newMaker(t *testing.T) maker {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Maker"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<34, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return maker{root, key}
}

// attest makes statements of format packed whose certificate names a model, or none.
func (m maker) attest(t *testing.T, named []byte) func(authData, hash []byte, c *passkeytest.Credential) (string, map[string]any) {
	return func(authData, hash []byte, _ *passkeytest.Credential) (string, map[string]any) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(2), BasicConstraintsValid: true, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<34, 0),
			Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "x"},
		}
		if named != nil {
			value, err := asn1.Marshal(named)
			if err != nil {
				t.Fatal(err)
			}
			template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: value}}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, m.root, &key.PublicKey, m.key)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := (&passkeytest.Credential{Algorithm: -7, Key: key}).Sign(slices.Concat(authData, hash))
		if err != nil {
			t.Fatal(err)
		}
		return "packed", map[string]any{"alg": -7, "sig": signature, "x5c": []any{der}}
	}
}

// TestModels holds that a policy that names models believes certificates only.
func TestModels(t *testing.T) {
	trusted, stranger := newMaker(t), newMaker(t)
	sqldbtest.Each(t, passkeydb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		b := newBench(t, db, clk, nil)
		roots := x509.NewCertPool()
		roots.AddCert(trusted.root)
		b.service = passkey.New(passkey.Deps{Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Party: parties, Roots: roots})
		copy(b.key.AAGUID[:], "sixteen bytes ok")
		c := ofSession("ann")
		c.Models = []string{"73697874-6565-6e20-6279-746573206f6b"}
		var o struct{ Attestation string }
		if err := json.Unmarshal(b.beginRegistration(c), &o); err != nil || o.Attestation != "direct" {
			t.Errorf("asks for %q, %v", o.Attestation, err)
		}
		other := []byte("another 16 bytes")
		for name, try := range map[string]struct {
			attest func(authData, hash []byte, c *passkeytest.Credential) (string, map[string]any)
			want   passkey.Refusal
		}{
			"named by a trusted maker":  {trusted.attest(t, b.key.AAGUID[:]), ""},
			"not named":                 {trusted.attest(t, nil), passkey.RefusedModel},
			"another model":             {trusted.attest(t, other), passkey.RefusedResponse},
			"named by a stranger":       {stranger.attest(t, b.key.AAGUID[:]), passkey.RefusedModel},
			"said by the authenticator": {nil, passkey.RefusedModel},
		} {
			b.key.Attest = try.attest
			got := b.tryRegister(c)
			if got.Refused != try.want || got.Passkey.Attested != (try.want == "") {
				t.Errorf("%s: %+v", name, got)
			}
		}
		b.key.Attest = trusted.attest(t, b.key.AAGUID[:])
		c.Models = []string{"00000000-0000-0000-0000-000000000000", "none"}
		if got := b.tryRegister(c); got.Refused != passkey.RefusedModel {
			t.Errorf("a model that the policy does not name: %+v", got)
		}
	})
}

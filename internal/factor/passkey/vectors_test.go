package passkey

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

// hexBytes are bytes that are written in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type vector struct {
	Name         string
	Registration struct {
		Challenge, ClientDataJSON, AttestationObject, CredentialID, AAGUID hexBytes
	}
	Authentication struct {
		Challenge, ClientDataJSON, AuthenticatorData, Signature hexBytes
	}
}

var vectorParty = Party{ID: "example.org", Origins: []string{"https://example.org"}}

// refusedVectors are those that our policy does not accept, with the reason.
var refusedVectors = map[string]Refusal{
	"none-es256-crossOrigin": RefusedResponse, "none-es256-topOrigin": RefusedResponse,
	"packed-es512": RefusedKey, "packed-ed448": RefusedKey,
}

// inventedMakers are refused because their statements must come from Google, Apple or a maker of TPMs, and
// these come from the standard's own authority. Their assertions are good.
var inventedMakers = []string{"tpm-es256", "android-key-es256", "apple-es256"}

// passkey is what the vector registers, whoever made the authenticator.
func (v vector) passkey(t testing.TB) (Passkey, bool) {
	t.Helper()
	p, _, refused := v.register()
	if slices.Contains(inventedMakers, v.Name) {
		a, _ := read(v.creation())
		parsed, err := a.created()
		if err != nil || refused != RefusedResponse {
			t.Fatalf("%s: %q, %v", v.Name, refused, err)
		}
		d := parsed.Response.AttestationObject.AuthData
		return Passkey{Credential: a.credential, Key: d.AttData.CredentialPublicKey, Eligible: d.Flags.HasBackupEligible()}, true
	}
	return p, refusedVectors[v.Name] == ""
}

func vectors(t testing.TB) (all []vector, root *x509.Certificate) {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		AttestationRoot hexBytes
		Vectors         []vector
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(file.AttestationRoot); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 15 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors, root
}

// creation is the response to the vector's registration, as a browser sends it.
func (v vector) creation() []byte {
	r := v.Registration
	return envelopeOf(r.CredentialID, map[string]string{"clientDataJSON": encode(r.ClientDataJSON), "attestationObject": encode(r.AttestationObject)})
}

func (v vector) assertion() []byte {
	a := v.Authentication
	return envelopeOf(v.Registration.CredentialID, map[string]string{
		"clientDataJSON": encode(a.ClientDataJSON), "authenticatorData": encode(a.AuthenticatorData), "signature": encode(a.Signature),
	})
}

func envelopeOf(id []byte, response map[string]string) []byte {
	b, err := json.Marshal(map[string]any{"id": encode(id), "rawId": encode(id), "type": "public-key", "response": response})
	if err != nil {
		panic(err)
	}
	return b
}

// register verifies the vector's registration as FinishRegistration does.
func (v vector) register() (Passkey, *protocol.AttestationObject, Refusal) {
	a, ok := read(v.creation())
	if !ok {
		return Passkey{}, nil, RefusedResponse
	}
	if !bytes.Equal(a.challenge, v.Registration.Challenge) {
		return Passkey{}, nil, RefusedGone
	}
	return verifyRegistration(a, expected{party: vectorParty})
}

// login verifies the vector's assertion with a passkey as FinishLogin does.
func (v vector) login(p Passkey) (state, Refusal) {
	a, ok := read(v.assertion())
	if !ok {
		return state{}, RefusedResponse
	}
	if !bytes.Equal(a.challenge, v.Authentication.Challenge) {
		return state{}, RefusedGone
	}
	return verifyAssertion(a, expected{party: vectorParty}, p)
}

// TestVectors takes the examples of the standard, each as our policy says (WAN-01).
func TestVectors(t *testing.T) {
	all, root := vectors(t)
	s := &Service{d: Deps{Roots: x509.NewCertPool()}}
	s.d.Roots.AddCert(root)
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			p, ok := v.passkey(t)
			if !ok {
				if _, _, refused := v.register(); refused != refusedVectors[v.Name] {
					t.Fatalf("the registration: %q, want %q", refused, refusedVectors[v.Name])
				}
				return
			}
			if got, refused := v.login(p); refused != "" || got.eligible != p.Eligible {
				t.Errorf("the assertion: %q, %+v", refused, got)
			}
			if slices.Contains(inventedMakers, v.Name) {
				return
			}
			p, o, refused := v.register()
			if refused != "" || !bytes.Equal(p.Credential, v.Registration.CredentialID) || p.Model != model(v.Registration.AAGUID) && o.Format != "fido-u2f" {
				t.Errorf("got %q, %+v", refused, p)
			}
			if s.attested(o, vectorTime) { // the certificates of the vectors name no model
				t.Error("attested")
			}
		})
	}
}

var vectorTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// mutations are copies of b with one bit turned in each byte, and b cut at every length.
func mutations(b []byte, yield func([]byte)) {
	for i := range b {
		m := bytes.Clone(b)
		m[i] ^= 1 << (i % 8)
		yield(m)
		yield(bytes.Clone(b[:i]))
	}
	yield(append(bytes.Clone(b), 0))
}

// TestMutatedAssertions holds that no changed byte of an assertion is accepted.
func TestMutatedAssertions(t *testing.T) {
	all, _ := vectors(t)
	for _, v := range all {
		p, ok := v.passkey(t)
		if !ok {
			continue
		}
		for name, field := range map[string]func(*vector) *hexBytes{
			"client data":        func(v *vector) *hexBytes { return &v.Authentication.ClientDataJSON },
			"authenticator data": func(v *vector) *hexBytes { return &v.Authentication.AuthenticatorData },
			"signature":          func(v *vector) *hexBytes { return &v.Authentication.Signature },
			"challenge":          func(v *vector) *hexBytes { return &v.Authentication.Challenge },
		} {
			mutations(*field(&v), func(m []byte) {
				bent := v
				*field(&bent) = m
				if _, refused := bent.login(p); refused == "" {
					t.Errorf("%s: accepted with the %s %x", v.Name, name, m)
				}
			})
		}
		mutations(p.Key, func(m []byte) {
			bent := p
			bent.Key = m
			if _, refused := v.login(bent); refused == "" {
				t.Errorf("%s: accepted with the key %x", v.Name, m)
			}
		})
	}
}

// TestMutatedRegistrations holds that no changed byte of what an attestation signs is accepted. Where nothing is
// signed, what is accepted is at least whole, and no changed certificate is trusted.
func TestMutatedRegistrations(t *testing.T) {
	all, root := vectors(t)
	s := &Service{d: Deps{Roots: x509.NewCertPool()}}
	s.d.Roots.AddCert(root)
	for _, v := range all {
		p, o, refused := v.register()
		if refused != "" {
			continue
		}
		signed := o.Format != "none"
		from := bytes.Index(v.Registration.AttestationObject, o.RawAuthData)
		at := 0
		mutations(v.Registration.AttestationObject, func(m []byte) {
			position := at / 2
			at++
			bent := v
			bent.Registration.AttestationObject = m
			q, o, refused := bent.register()
			switch {
			case refused != "":
			case len(m) != len(v.Registration.AttestationObject):
				t.Errorf("%s: accepted with %d of %d bytes", v.Name, len(m), len(v.Registration.AttestationObject))
			case o.Format == "fido-u2f" && position >= from+33 && position < from+53 && q.Model == noModel: // U2F signs neither counter nor model
			case signed && position >= from && position < from+len(o.RawAuthData):
				t.Errorf("%s: accepted with another byte %d, which is signed", v.Name, position)
			case !bytes.Equal(q.Credential, p.Credential):
				t.Errorf("%s: accepted with another credential id", v.Name)
			case s.attested(o, vectorTime):
				t.Errorf("%s: trusted with another byte %d", v.Name, position)
			}
		})
		mutations(v.Registration.ClientDataJSON, func(m []byte) {
			bent := v
			bent.Registration.ClientDataJSON = m
			if _, _, refused := bent.register(); refused == "" && signed {
				t.Errorf("%s: accepted with the client data %s", v.Name, m)
			}
		})
	}
}

// FuzzResponse holds that no response stops the server, and that none is accepted but the known ones.
func FuzzResponse(f *testing.F) {
	all, _ := vectors(f)
	var keys []Passkey
	for _, v := range all {
		f.Add(v.creation())
		f.Add(v.assertion())
		if p, ok := v.passkey(f); ok {
			keys = append(keys, p)
		}
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		a, ok := read(response)
		if !ok {
			return
		}
		if p, _, refused := verifyRegistration(a, expected{party: vectorParty}); refused == "" && !bytes.Equal(p.Credential, a.credential) {
			t.Error("another credential id")
		}
		for _, p := range keys {
			if _, refused := verifyAssertion(a, expected{party: vectorParty}, p); refused != "" {
				continue
			}
			if !slices.ContainsFunc(all, func(v vector) bool { return bytes.Equal(a.signature, v.Authentication.Signature) }) {
				t.Errorf("accepted %s", response)
			}
		}
	})
}

// BenchmarkAssertion is what the server computes for one sign-in.
func BenchmarkAssertion(b *testing.B) {
	all, _ := vectors(b)
	for _, name := range []string{"none-es256", "packed-eddsa", "packed-es384", "packed-rs256"} {
		v := all[slices.IndexFunc(all, func(v vector) bool { return v.Name == name })]
		p, _, refused := v.register()
		if refused != "" {
			b.Fatal(refused)
		}
		b.Run(name, func(b *testing.B) {
			response := v.assertion()
			for b.Loop() {
				a, _ := read(response)
				if _, refused := verifyAssertion(a, expected{party: vectorParty}, p); refused != "" {
					b.Fatal(refused)
				}
			}
		})
	}
}

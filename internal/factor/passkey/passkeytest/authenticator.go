// Package passkeytest owns a software authenticator, and the suite that every passkey.Store must pass.
package passkeytest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// The flags of authenticator data (WebAuthn 6.1).
const (
	UP byte = 1 << 0 // somebody was there
	UV byte = 1 << 2 // and was verified
	BE byte = 1 << 3 // the key may be on several devices
	BS byte = 1 << 4 // and is
	AT byte = 1 << 6 // credential data follows
	ED byte = 1 << 7 // extensions follow
)

// Authenticator is a browser and an authenticator in one: it answers options as JSON with responses as JSON.
// What it does wrong is up to the test.
type Authenticator struct {
	Origin    string // of the page, "https://login.example.com"
	Algorithm int64  // COSE, of new keys: -7 (the default), -8, -35, -257
	Flags     byte   // UP, UV, BE, BS; AT is added where it belongs
	AAGUID    [16]byte
	Counts    bool // counts signatures; without it the counter stays 0, as passkeys' do
	// Attest makes the attestation statement; nil: none.
	Attest func(authData, clientDataHash []byte, c *Credential) (format string, statement map[string]any)
	// Bend changes what is about to be signed, Spoil what is about to be sent.
	Bend  func(*Ceremony)
	Spoil func(*Response)

	Credentials []*Credential
}

// Credential is a key pair that an authenticator holds.
type Credential struct {
	ID        []byte
	Party     string
	Handle    []byte
	Algorithm int64
	Count     uint32
	Key       crypto.Signer
}

// Ceremony is what is signed.
type Ceremony struct {
	ClientData map[string]any
	Raw        []byte // instead of ClientData, when it is not nil
	Party      string
	Flags      byte
	Count      uint32
	AAGUID     [16]byte
	ID         []byte
	PublicKey  []byte // COSE, of a registration
	Extensions []byte // CBOR, appended
}

// Response is what navigator.credentials answers, as toJSON writes it.
type Response struct {
	ID         string         `json:"id"`
	RawID      string         `json:"rawId"`
	Type       string         `json:"type"`
	Extensions map[string]any `json:"clientExtensionResults"`
	Attachment string         `json:"authenticatorAttachment,omitempty"`
	Response   struct {
		ClientData        string   `json:"clientDataJSON"`
		AuthenticatorData string   `json:"authenticatorData,omitempty"`
		Signature         string   `json:"signature,omitempty"`
		UserHandle        string   `json:"userHandle,omitempty"`
		Attestation       string   `json:"attestationObject,omitempty"`
		Transports        []string `json:"transports,omitempty"`
	} `json:"response"`
}

// NewAuthenticator makes one that verifies its person and keeps a copy of its keys elsewhere, as most do.
func NewAuthenticator(origin string) *Authenticator {
	return &Authenticator{Origin: origin, Algorithm: -7, Flags: UP | UV | BE | BS}
}

type options struct {
	Challenge string `json:"challenge"`
	PartyID   string `json:"rpId"`
	Party     struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Allow   []descriptor `json:"allowCredentials"`
	Exclude []descriptor `json:"excludeCredentials"`
}

type descriptor struct {
	ID string `json:"id"`
}

// ErrExcluded says that the options exclude a key that the authenticator holds.
var ErrExcluded = errors.New("passkeytest: the authenticator is registered already")

// Create answers the options of a registration.
func (a *Authenticator) Create(opts []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(opts, &o); err != nil {
		return nil, err
	}
	for _, x := range o.Exclude {
		if slices.ContainsFunc(a.Credentials, func(c *Credential) bool { return encode(c.ID) == x.ID }) {
			return nil, ErrExcluded
		}
	}
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		return nil, err
	}
	key, err := generate(a.Algorithm)
	if err != nil {
		return nil, err
	}
	c := &Credential{ID: random(32), Party: o.Party.ID, Handle: handle, Algorithm: a.Algorithm, Key: key}
	y := a.begin("webauthn.create", o.Challenge, c)
	y.Flags |= AT
	if y.PublicKey, err = COSE(c.Algorithm, key.Public()); err != nil {
		return nil, err
	}
	if a.Bend != nil {
		a.Bend(&y)
	}
	c.ID, c.Count = y.ID, y.Count
	clientData, authData := y.bytes()
	hash := sha256.Sum256(clientData)
	format, statement := "none", map[string]any{}
	if a.Attest != nil {
		format, statement = a.Attest(authData, hash[:], c)
	}
	object, err := Map("fmt", format, "attStmt", statement, "authData", authData)
	if err != nil {
		return nil, err
	}
	r := Response{ID: encode(c.ID), RawID: encode(c.ID), Type: "public-key", Extensions: map[string]any{}, Attachment: "platform"}
	r.Response.ClientData, r.Response.Attestation = encode(clientData), encode(object)
	r.Response.Transports = []string{"internal"}
	a.Credentials = append(a.Credentials, c)
	return a.send(r)
}

// Get answers the options of a login with the newest key that fits.
func (a *Authenticator) Get(opts []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(opts, &o); err != nil {
		return nil, err
	}
	for _, c := range slices.Backward(a.Credentials) {
		named := slices.ContainsFunc(o.Allow, func(d descriptor) bool { return d.ID == encode(c.ID) })
		if c.Party == o.PartyID && (named || len(o.Allow) == 0) {
			return a.sign(o, c)
		}
	}
	return nil, errors.New("passkeytest: no key fits")
}

func (a *Authenticator) sign(o options, c *Credential) ([]byte, error) {
	if a.Counts {
		c.Count++
	}
	y := a.begin("webauthn.get", o.Challenge, c)
	if a.Bend != nil {
		a.Bend(&y)
	}
	clientData, authData := y.bytes()
	hash := sha256.Sum256(clientData)
	signature, err := c.Sign(slices.Concat(authData, hash[:]))
	if err != nil {
		return nil, err
	}
	r := Response{ID: encode(y.ID), RawID: encode(y.ID), Type: "public-key", Extensions: map[string]any{}, Attachment: "platform"}
	r.Response.ClientData, r.Response.AuthenticatorData = encode(clientData), encode(authData)
	r.Response.Signature, r.Response.UserHandle = encode(signature), encode(c.Handle)
	return a.send(r)
}

func (a *Authenticator) begin(kind, challenge string, c *Credential) Ceremony {
	return Ceremony{
		ClientData: map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false},
		Party:      c.Party, Flags: a.Flags, Count: c.Count, AAGUID: a.AAGUID, ID: c.ID,
	}
}

func (a *Authenticator) send(r Response) ([]byte, error) {
	if a.Spoil != nil {
		a.Spoil(&r)
	}
	return json.Marshal(r)
}

func (y Ceremony) bytes() (clientData, authData []byte) {
	clientData = y.Raw
	if clientData == nil {
		clientData, _ = json.Marshal(y.ClientData)
	}
	party := sha256.Sum256([]byte(y.Party))
	authData = append(party[:], y.Flags)
	authData = binary.BigEndian.AppendUint32(authData, y.Count)
	if y.Flags&AT != 0 && y.PublicKey != nil {
		authData = append(authData, y.AAGUID[:]...)
		authData = binary.BigEndian.AppendUint16(authData, uint16(len(y.ID)))
		authData = append(append(authData, y.ID...), y.PublicKey...)
	}
	return clientData, append(authData, y.Extensions...)
}

// Sign signs as the credential's algorithm says.
func (c *Credential) Sign(data []byte) ([]byte, error) {
	switch c.Algorithm {
	case -8:
		return c.Key.Sign(rand.Reader, data, crypto.Hash(0))
	case -35:
		h := sha512.Sum384(data)
		return c.Key.Sign(rand.Reader, h[:], crypto.SHA384)
	}
	h := sha256.Sum256(data)
	return c.Key.Sign(rand.Reader, h[:], crypto.SHA256)
}

func generate(algorithm int64) (crypto.Signer, error) {
	switch algorithm {
	case -8:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case -35:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case -257:
		return rsa.GenerateKey(rand.Reader, 2048)
	case -7:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return nil, errors.New("passkeytest: unknown algorithm")
}

// COSE writes a public key as COSE_Key (RFC 9052).
func COSE(algorithm int64, public crypto.PublicKey) ([]byte, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return Map(1, 1, 3, algorithm, -1, 6, -2, []byte(k))
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return nil, err
		}
		size, curve := (len(point)-1)/2, 1
		if size == 48 {
			curve = 2
		}
		return Map(1, 2, 3, algorithm, -1, curve, -2, point[1:1+size], -3, point[1+size:])
	case *rsa.PublicKey:
		e := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(k.E)), "\x00")
		return Map(1, 3, 3, algorithm, -1, k.N.Bytes(), -2, e)
	}
	return nil, errors.New("passkeytest: unknown kind of key")
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails; see crypto/rand
	return b
}

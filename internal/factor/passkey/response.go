package passkey

import (
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// envelope is what PublicKeyCredential.toJSON makes. Members that are not here tell nothing that the server
// would believe.
type envelope struct {
	ID         string          `json:"id"`
	RawID      string          `json:"rawId"`
	Type       string          `json:"type"`
	Attachment string          `json:"authenticatorAttachment"`
	Extensions json.RawMessage `json:"clientExtensionResults"`
	Response   struct {
		ClientData        string   `json:"clientDataJSON"`
		AuthenticatorData string   `json:"authenticatorData"`
		Signature         string   `json:"signature"`
		UserHandle        string   `json:"userHandle"`
		Attestation       string   `json:"attestationObject"`
		Transports        []string `json:"transports"`
	} `json:"response"`
}

// collected is the client data (WebAuthn 5.8.1). What it holds besides is for later versions. Token binding
// is not looked at: Level 3 has none.
type collected struct {
	Type        string          `json:"type"`
	Challenge   string          `json:"challenge"`
	Origin      string          `json:"origin"`
	CrossOrigin *bool           `json:"crossOrigin"`
	TopOrigin   json.RawMessage `json:"topOrigin"`
}

// answer is a response that could be read. Nothing of it is believed yet.
type answer struct {
	credential []byte
	clientData []byte
	data       collected
	challenge  []byte
	// Of an assertion.
	authenticator, signature, handle []byte
	// Of a registration.
	attestation []byte
	transports  []string
}

// read reads the JSON of a response. It tells only whether it could.
func read(response []byte) (answer, bool) {
	var e envelope
	if len(response) > MaxResponse || strictjson.Unmarshal(response, &e) != nil || e.Type != "public-key" || e.ID != e.RawID {
		return answer{}, false
	}
	a, ok := answer{transports: transports(e.Response.Transports)}, true
	for _, f := range []struct {
		to   *[]byte
		from string
	}{
		{&a.credential, e.ID},
		{&a.clientData, e.Response.ClientData},
		{&a.authenticator, e.Response.AuthenticatorData},
		{&a.signature, e.Response.Signature},
		{&a.handle, e.Response.UserHandle},
		{&a.attestation, e.Response.Attestation},
	} {
		var read bool
		*f.to, read = decode(f.from)
		ok = ok && read
	}
	if !ok || len(a.credential) == 0 || len(a.credential) > MaxID {
		return answer{}, false
	}
	return a, a.readClientData()
}

func (a *answer) readClientData() bool {
	if strictjson.Unmarshal(a.clientData, &a.data) != nil {
		return false
	}
	var ok bool
	a.challenge, ok = decode(a.data.Challenge)
	return ok && len(a.challenge) > 0
}

// transports keeps the words that browsers are told again (WebAuthn 5.8.4).
func transports(said []string) []string {
	var out []string
	for _, known := range []string{"ble", "hybrid", "internal", "nfc", "smart-card", "usb"} {
		for _, s := range said {
			if s == known {
				out = append(out, known)
				break
			}
		}
	}
	return out
}

// assertion is the answer as the library reads it.
func (a answer) assertion() (*protocol.ParsedCredentialAssertionData, error) {
	r := protocol.CredentialAssertionResponse{PublicKeyCredential: a.publicKey()}
	r.AssertionResponse.ClientDataJSON = a.clientData
	r.AssertionResponse.AuthenticatorData = a.authenticator
	r.AssertionResponse.Signature = a.signature
	r.AssertionResponse.UserHandle = a.handle
	return r.Parse()
}

// created is the answer as the library reads it.
func (a answer) created() (*protocol.ParsedCredentialCreationData, error) {
	r := protocol.CredentialCreationResponse{PublicKeyCredential: a.publicKey()}
	r.AttestationResponse.ClientDataJSON = a.clientData
	r.AttestationResponse.AttestationObject = a.attestation
	return r.Parse()
}

func (a answer) publicKey() protocol.PublicKeyCredential {
	return protocol.PublicKeyCredential{Credential: protocol.Credential{ID: encode(a.credential), Type: "public-key"}, RawID: a.credential}
}

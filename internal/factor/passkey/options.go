package passkey

import (
	"encoding/base64"
	"encoding/json"
)

// The algorithms that are offered and accepted (COSE), the best first.
const (
	algEdDSA int64 = -8
	algES256 int64 = -7
	algES384 int64 = -35
	algRS256 int64 = -257
)

var algorithms = []int64{algEdDSA, algES256, algES384, algRS256}

// What follows is the JSON of WebAuthn Level 3 (5.4, 5.5 and their toJSON counterparts), as
// PublicKeyCredential.parseCreationOptionsFromJSON and parseRequestOptionsFromJSON read it.
type (
	descriptor struct {
		Type       string   `json:"type"`
		ID         string   `json:"id"`
		Transports []string `json:"transports,omitempty"`
	}
	entity struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	userEntity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	}
	parameter struct {
		Type string `json:"type"`
		Alg  int64  `json:"alg"`
	}
	selection struct {
		ResidentKey        string `json:"residentKey"`
		RequireResidentKey bool   `json:"requireResidentKey"`
		UserVerification   string `json:"userVerification"`
	}
	creation struct {
		Party       entity          `json:"rp"`
		User        userEntity      `json:"user"`
		Challenge   string          `json:"challenge"`
		Parameters  []parameter     `json:"pubKeyCredParams"`
		Timeout     int64           `json:"timeout"`
		Exclude     []descriptor    `json:"excludeCredentials"`
		Selection   selection       `json:"authenticatorSelection"`
		Attestation string          `json:"attestation"`
		Extensions  map[string]bool `json:"extensions"`
	}
	request struct {
		Challenge        string       `json:"challenge"`
		Timeout          int64        `json:"timeout"`
		Party            string       `json:"rpId"`
		Allow            []descriptor `json:"allowCredentials"`
		UserVerification string       `json:"userVerification"`
	}
)

func creationOptions(challenge, handle []byte, party Party, c Ceremony, held []Passkey) ([]byte, error) {
	o := creation{
		Party: entity{ID: party.ID, Name: party.Name}, User: userEntity{ID: encode(handle), Name: c.Label, DisplayName: c.Name},
		Challenge: encode(challenge), Timeout: ChallengeLife.Milliseconds(), Exclude: descriptors(held),
		Selection:   selection{ResidentKey: "required", RequireResidentKey: true, UserVerification: verification(c.UserVerification)},
		Attestation: "none", Extensions: map[string]bool{"credProps": true},
	}
	if !c.UserVerification { // a second factor may be a key that holds nothing itself
		o.Selection.ResidentKey, o.Selection.RequireResidentKey = "preferred", false
	}
	if len(c.Models) > 0 {
		o.Attestation = "direct"
	}
	for _, a := range algorithms {
		o.Parameters = append(o.Parameters, parameter{Type: "public-key", Alg: a})
	}
	if o.Party.Name == "" {
		o.Party.Name = party.ID
	}
	return json.Marshal(o)
}

func requestOptions(challenge []byte, party Party, c Ceremony, held []Passkey) ([]byte, error) {
	return json.Marshal(request{
		Challenge: encode(challenge), Timeout: ChallengeLife.Milliseconds(), Party: party.ID,
		Allow: descriptors(held), UserVerification: verification(c.UserVerification),
	})
}

func verification(required bool) string {
	if required {
		return "required"
	}
	return "preferred"
}

func descriptors(held []Passkey) []descriptor {
	out := make([]descriptor, 0, len(held))
	for _, p := range held {
		out = append(out, descriptor{Type: "public-key", ID: encode(p.Credential), Transports: p.Transports})
	}
	return out
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode reads base64url as WebAuthn writes it: no padding, no line breaks, one spelling for each value.
func decode(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && encode(b) == s
}

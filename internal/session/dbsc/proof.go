package dbsc

import (
	"encoding/json"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

var expected = jose.Expect{Algorithms: []string{Algorithm}, Types: []string{"dbsc+jwt"}, MaxBytes: MaxProof}

// proof is a proof whose form and signature are good.
type proof struct {
	key       jose.PublicJWK
	challenge string // jti
}

// firstProof reads the proof of a registration, which brings its key.
func firstProof(proofs []string) (proof, error) {
	if len(proofs) != 1 {
		return proof{}, refuse("One proof is needed.", nil)
	}
	header, claims, err := jose.VerifyEmbedded(proofs[0], expected)
	if err != nil {
		return proof{}, refuse("The proof is not valid.", err)
	}
	return readClaims(header, claims)
}

// nextProof reads the proof of a refresh, which is of the binding's key.
func nextProof(proofs []string, key jose.PublicJWK) (proof, error) {
	if len(proofs) != 1 {
		return proof{}, refuse("One proof is needed.", nil)
	}
	header, claims, err := jose.VerifyForeign(proofs[0], []jose.PublicJWK{key}, expected)
	if err != nil {
		return proof{}, refuse("The proof is not valid.", err)
	}
	return readClaims(header, claims)
}

func readClaims(header jose.Header, claims []byte) (proof, error) {
	var members map[string]json.RawMessage
	if err := strictjson.Unmarshal(claims, &members); err != nil {
		return proof{}, refuse("The proof is not valid.", err)
	}
	if _, given := members["authorization"]; given { // the browser copies it, and was given none
		return proof{}, refuse("The proof names an authorization that was not given.", nil)
	}
	p := proof{key: header.Key}
	if json.Unmarshal(members["jti"], &p.challenge) != nil || p.challenge == "" {
		return proof{}, refuse("The proof names no challenge.", nil)
	}
	return p, nil
}

// refuse is for a proof that proves nothing.
func refuse(public string, cause error) error {
	f := fault.New(fault.Forbidden, fault.CodeForbidden, public)
	if cause != nil {
		return f.With(cause)
	}
	return f
}

package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Limits of foreign tokens.
const (
	MaxForeign       = 8 << 10  // bytes of a token, where Expect says nothing
	maxForeignLimit  = 64 << 10 // whatever Expect says
	maxForeignHeader = 6 << 10  // encoded; room for an embedded RSA key
	maxTries         = 4        // keys that are tried for a token without a kid
)

// What a foreign token fails by. Every error of VerifyForeign and VerifyEmbedded matches one of
// these or ErrKey with errors.Is; their texts repeat nothing of the token.
var (
	ErrMalformed  = errors.New("jose: not a token of the strict form")
	ErrAlgorithm  = errors.New("jose: the token's algorithm is not one that is expected here")
	ErrType       = errors.New("jose: the token has another type")
	ErrUnknownKey = errors.New("jose: no key fits the token")
	ErrSignature  = errors.New("jose: the signature is wrong")
)

// Expect is what a foreign token must look like. Nothing in it has a default that lets more in.
type Expect struct {
	// Algorithms are the only ones that are taken, of EdDSA, ES256, ES384, ES512, PS256, PS384,
	// PS512, RS256, RS384 and RS512. Empty takes none.
	Algorithms []string
	// Types are the values of typ that are taken; "" stands for a token without one. Case does not
	// matter and "application/" may be in front (RFC 7515 section 4.1.9). Empty takes any type, or none.
	Types []string
	// Ignore are header members, beside alg, kid and typ, that may be there and mean nothing,
	// such as "x5t". Members that change what a token means (crit, b64, jwk and the like) never may.
	Ignore []string
	// MaxBytes bounds the token; 0 is MaxForeign.
	MaxBytes int
}

// Header is what the header of a token said, once the signature has proved it.
type Header struct {
	Algorithm string
	KeyID     string // kid, or empty
	Type      string // typ as it stands there, or empty
	Key       PublicJWK
}

// VerifyForeign checks a compact JWS of somebody whose public keys are known, and returns its header
// and its claims: a JSON object without ambiguities (see kit/strictjson). It does not look at what
// they say; ReadRegistered does. The key chooses the algorithm: the header only repeats it.
func VerifyForeign(compact string, keys []PublicJWK, x Expect) (Header, []byte, error) {
	f, err := parseForeign(compact, x)
	if err != nil {
		return Header{}, nil, err
	}
	if f.embedded != nil {
		return Header{}, nil, malformed("a header member that is not taken")
	}
	for _, k := range f.candidates(keys) {
		if verifySignature(f.header.Algorithm, k.Key, f.signed, f.signature) {
			f.header.Key = k
			return f.header, f.payload, nil
		}
		err = ErrSignature
	}
	if err == nil {
		err = ErrUnknownKey
	}
	return Header{}, nil, err
}

// VerifyEmbedded checks a compact JWS that proves the possession of the key in its own header
// (`jwk`), such as a DPoP proof (RFC 9449 section 4.2). The key is whatever the sender likes: it
// says something only when its thumbprint is compared with one that is known.
func VerifyEmbedded(compact string, x Expect) (Header, []byte, error) {
	f, err := parseForeign(compact, x)
	if err != nil {
		return Header{}, nil, err
	}
	if f.embedded == nil || f.header.KeyID != "" {
		return Header{}, nil, malformed("the header has a jwk and no kid")
	}
	key, err := ParseJWK(f.embedded)
	if err != nil {
		return Header{}, nil, err
	}
	if !key.fits(f.header.Algorithm) {
		return Header{}, nil, ErrAlgorithm
	}
	if !verifySignature(f.header.Algorithm, key.Key, f.signed, f.signature) {
		return Header{}, nil, ErrSignature
	}
	f.header.Key = key
	return f.header, f.payload, nil
}

// KeyIDOf reads the kid in the header of a compact JWS by one of Algorithms, believing nothing, to find the
// key to verify it with.
func KeyIDOf(compact string) (string, error) {
	first := strings.IndexByte(compact, '.')
	if first < 0 || first > maxForeignHeader {
		return "", malformed("it has no header of a usable length")
	}
	header, ok := decode(compact[:first])
	if !ok {
		return "", malformed("the header is not base64url")
	}
	var f foreign
	err := f.readHeader(header, Expect{Algorithms: Algorithms()})
	return f.header.KeyID, err
}

// foreign is a token whose form has been checked and whose signature has not.
type foreign struct {
	header    Header
	embedded  json.RawMessage // jwk
	signed    string
	payload   []byte
	signature []byte
}

func parseForeign(compact string, x Expect) (*foreign, error) {
	limit := x.MaxBytes
	if limit <= 0 {
		limit = MaxForeign
	}
	if len(compact) > min(limit, maxForeignLimit) {
		return nil, malformed("it is too long")
	}
	first, last := strings.IndexByte(compact, '.'), strings.LastIndexByte(compact, '.')
	if first < 0 || first == last || strings.IndexByte(compact[first+1:last], '.') >= 0 {
		return nil, malformed("it has not three segments") // five: encryption, which is not taken
	}
	if first > maxForeignHeader {
		return nil, malformed("the header is too long")
	}
	header, ok := decode(compact[:first])
	if !ok {
		return nil, malformed("the header is not base64url")
	}
	f := &foreign{signed: compact[:last]}
	if err := f.readHeader(header, x); err != nil {
		return nil, err
	}
	if f.payload, ok = decode(compact[first+1 : last]); !ok {
		return nil, malformed("the claims are not base64url")
	}
	if f.signature, ok = decode(compact[last+1:]); !ok || len(f.signature) == 0 {
		return nil, malformed("the signature is not base64url")
	}
	if err := checkObject(f.payload); err != nil {
		return nil, malformed("the claims: %w", err)
	}
	return f, nil
}

func (f *foreign) readHeader(data []byte, x Expect) error {
	var members map[string]json.RawMessage
	if err := strictjson.Unmarshal(data, &members); err != nil {
		return malformed("the header: %w", err)
	}
	for name, value := range members {
		var err error
		switch {
		case name == "alg":
			f.header.Algorithm, err = text(value)
			if f.header.Algorithm == "Ed25519" { // RFC 9864's name of it
				f.header.Algorithm = EdDSA
			}
		case name == "kid":
			f.header.KeyID, err = text(value)
		case name == "typ":
			f.header.Type, err = text(value)
		case name == "jwk":
			f.embedded = value
		case !neverIgnored[name] && slices.Contains(x.Ignore, name):
		default:
			return malformed("a header member that is not taken")
		}
		if err != nil {
			return err
		}
	}
	if !slices.Contains(x.Algorithms, f.header.Algorithm) || algorithms[f.header.Algorithm].verify == nil {
		return ErrAlgorithm
	}
	if len(x.Types) > 0 && !slices.ContainsFunc(x.Types, func(t string) bool { return sameType(t, f.header.Type) }) {
		return ErrType
	}
	return nil
}

// neverIgnored are header members that change what a token says or how it is checked.
var neverIgnored = map[string]bool{"crit": true, "b64": true, "jku": true, "x5u": true, "x5c": true, "zip": true, "enc": true, "epk": true, "p2s": true, "p2c": true}

func sameType(want, got string) bool {
	const prefix = "application/"
	got, want = strings.ToLower(got), strings.ToLower(want)
	return strings.TrimPrefix(got, prefix) == strings.TrimPrefix(want, prefix) && (got == "") == (want == "")
}

// candidates are the keys that may have signed: those of the kid, and without one those whose kind
// fits, when they are few.
func (f *foreign) candidates(keys []PublicJWK) []PublicJWK {
	var out []PublicJWK
	for _, k := range keys {
		if k.Use == "enc" || !k.fits(f.header.Algorithm) {
			continue
		}
		if f.header.KeyID == "" || k.KeyID == f.header.KeyID {
			out = append(out, k)
		}
	}
	if len(out) > maxTries {
		return nil
	}
	return out
}

func text(value json.RawMessage) (string, error) {
	var out *string
	if err := json.Unmarshal(value, &out); err != nil || out == nil || *out == "" || len(*out) > 512 {
		return "", malformed("a header member is no usable string")
	}
	return *out, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

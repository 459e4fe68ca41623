package verify

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/admit-id/admit/client/internal/strict"
)

// Limits of a token's parts, in bytes. Longer ones are refused before they are decoded.
const (
	MaxToken  = 8 << 10 // the whole token
	maxHeader = 1 << 10 // the encoded header
	maxKeyID  = 128
)

// TypeAccessToken is the header's typ of an access token (RFC 9068 section 2.1).
const TypeAccessToken = "at+jwt"

// Algorithm is the only algorithm that is read unless a Config names others: Ed25519 under the name
// of RFC 8037. The name "Ed25519" of RFC 9864 is refused, so that a key has one name only.
const Algorithm = strict.EdDSA

// Algorithms that a Config can name besides, for APIs whose applications ask for them. All of the
// issuer's tokens for one application are signed with one algorithm.
const (
	ES256 = strict.ES256
	RS256 = strict.RS256
	PS256 = strict.PS256
)

// What a token fails by. Every error of this package matches one of these with errors.Is.
var (
	ErrMalformed       = errors.New("verify: not a token of the strict form")
	ErrAlgorithm       = errors.New("verify: the token has another algorithm")
	ErrType            = errors.New("verify: the token has another type")
	ErrUnknownKey      = errors.New("verify: the issuer publishes no key of that kid")
	ErrSignature       = errors.New("verify: the signature is wrong")
	ErrIssuer          = errors.New("verify: the token has another issuer")
	ErrAudience        = errors.New("verify: the token is for another audience")
	ErrExpired         = errors.New("verify: the token has expired")
	ErrNotYetValid     = errors.New("verify: the token is not valid yet")
	ErrBound           = errors.New("verify: the token is bound to a key or a certificate, which nobody has checked")
	ErrKeysUnavailable = errors.New("verify: the issuer's keys cannot be had now")
)

// Token is a compact JWS whose form and header have been checked and whose signature has not.
type Token struct {
	algorithm  string
	keyID, typ string
	signed     string // the signing input: the first two segments with their dot
	payload    []byte
	signature  []byte
}

// Parse reads the form and the header of a compact JWS. It believes nothing yet: use
// [Token.Claims] with the key that KeyID names. Errors match ErrMalformed or ErrAlgorithm.
func Parse(compact string) (*Token, error) {
	return parse(compact, onlyEdDSA)
}

var onlyEdDSA = []string{Algorithm}

func parse(compact string, algorithms []string) (*Token, error) {
	if len(compact) > MaxToken {
		return nil, malformed("longer than %d bytes", MaxToken)
	}
	first := strings.IndexByte(compact, '.')
	last := strings.LastIndexByte(compact, '.')
	if first < 0 || first == last {
		return nil, malformed("it has fewer than three segments")
	}
	if first > maxHeader {
		return nil, malformed("the header is longer than %d bytes", maxHeader)
	}
	header, err := decodeSegment(compact[:first])
	if err != nil {
		return nil, err
	}
	t := &Token{signed: compact[:last]}
	if err := t.readHeader(header, algorithms); err != nil {
		return nil, err
	}
	if t.payload, err = decodeSegment(compact[first+1 : last]); err != nil {
		return nil, err
	}
	if t.signature, err = decodeSegment(compact[last+1:]); err != nil {
		return nil, err
	}
	if t.algorithm == Algorithm && len(t.signature) != ed25519.SignatureSize {
		return nil, malformed("the signature does not have 64 bytes")
	}
	return t, nil
}

// KeyID returns the header's kid: 1 to 128 visible ASCII characters, not to be trusted.
func (t *Token) KeyID() string { return t.keyID }

// Type returns the header's typ as it stands there. It is covered by the signature.
func (t *Token) Type() string { return t.typ }

// VerifySignature checks the signature with key. It fails with ErrSignature.
func (t *Token) VerifySignature(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(t.signed), t.signature) {
		return ErrSignature
	}
	return nil
}

// readHeader takes exactly the members alg, kid and typ. Anything else, crit, b64, jwk, jku
// and x5c included, could change what the token means and is refused (RFC 8725 section 3.10).
func (t *Token) readHeader(data []byte, algorithms []string) error {
	members, err := strict.Object(data)
	if err != nil {
		return malformed("header: %w", err)
	}
	for _, m := range members {
		value, err := strict.String(m.Value)
		if err != nil {
			return malformed("header: a member is not a string")
		}
		switch m.Name {
		case "alg":
			t.algorithm = value
		case "kid":
			t.keyID = value
		case "typ":
			t.typ = value
		default:
			return malformed("header: a member other than alg, kid and typ")
		}
	}
	if !slices.Contains(algorithms, t.algorithm) {
		return ErrAlgorithm
	}
	if !visible(t.keyID, maxKeyID) || t.typ == "" {
		return malformed("header: no usable kid or typ")
	}
	return nil
}

// decodeSegment decodes canonical base64url without padding (RFC 7515 section 2).
func decodeSegment(segment string) ([]byte, error) {
	out, err := strict.Segment(segment)
	if err != nil {
		return nil, malformed("a segment is %w", err)
	}
	return out, nil
}

// visible tells whether s has 1 to limit characters, all of visible ASCII.
func visible(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

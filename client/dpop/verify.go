package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admit-id/admit/client/internal/strict"
)

// Header is the name of the request header that carries a proof, NonceHeader that of the response
// header that gives a nonce.
const (
	Header      = "DPoP"
	NonceHeader = "DPoP-Nonce"
)

// Type is the header's typ of a proof.
const Type = "dpop+jwt"

// Limits of a proof, in bytes.
const (
	MaxProof  = 8 << 10 // the whole proof
	maxHeader = 3 << 10 // the encoded header; a key of 4096 bits takes about a third
	maxID     = 256     // jti
	maxNonce  = 256
	maxURL    = 2 << 10
)

// How old a proof may be, and how far its clock may be ahead.
const (
	MaxAge = time.Minute
	Leeway = 10 * time.Second
)

// Algorithms are what proofs may be signed with. EdDSA and Ed25519 are two names of one (RFC 9864).
func Algorithms() []string {
	return []string{strict.EdDSA, strict.Ed25519, strict.ES256, strict.RS256, strict.PS256}
}

// What a proof fails by. Every error of Verify matches one of these with errors.Is.
var (
	// ErrMissing: the request has no proof.
	ErrMissing = errors.New("dpop: the request has no DPoP header")
	// ErrProof: the answer to it is invalid_dpop_proof.
	ErrProof = errors.New("dpop: the proof is not valid")
	// ErrNonce: the answer to it is use_dpop_nonce, with a nonce in the header DPoP-Nonce.
	ErrNonce = errors.New("dpop: the proof has no nonce, or one that is no longer taken")
)

// Expect is what a proof has to prove.
type Expect struct {
	Method string // of the request
	URL    string // of the request: absolute; its query does not count
	// AccessToken is the token that came with the proof; empty where there is none, as at the
	// token endpoint.
	AccessToken string
	Now         time.Time
	// Nonce judges the proof's nonce, which is empty if it has none. Nil takes any.
	Nonce func(nonce string) bool
}

// Verified is a proof that Verify has accepted.
type Verified struct {
	JKT       string    // the thumbprint of its key (RFC 7638), for cnf.jkt
	ID        string    // jti
	Algorithm string    // that it is signed with
	IssuedAt  time.Time // iat
	// Until is when it is too old. Before, it must not be taken twice for one URL.
	Until time.Time
}

// Verify checks the values of a request's DPoP header.
func Verify(header []string, e Expect) (Verified, error) {
	switch {
	case len(header) == 0:
		return Verified{}, ErrMissing
	case len(header) > 1:
		return Verified{}, invalid("there is more than one DPoP header")
	}
	p, err := parse(header[0])
	if err != nil {
		return Verified{}, err
	}
	return p.check(e)
}

// proof is a proof whose form and signature have been checked.
type proof struct {
	algorithm, jkt               string
	id, method, url, hash, nonce string
	hasHash                      bool
	issued                       time.Time
}

func parse(compact string) (*proof, error) {
	if len(compact) > MaxProof {
		return nil, invalid("it is longer than %d bytes", MaxProof)
	}
	first, last := strings.IndexByte(compact, '.'), strings.LastIndexByte(compact, '.')
	if first < 0 || strings.Count(compact, ".") != 2 || first > maxHeader {
		return nil, invalid("it is no compact JWS")
	}
	var parts [3][]byte
	for i, segment := range [3]string{compact[:first], compact[first+1 : last], compact[last+1:]} {
		var err error
		if parts[i], err = strict.Segment(segment); err != nil {
			return nil, invalid("it is no compact JWS: a part is %w", err)
		}
	}
	p := &proof{}
	key, err := p.readHeader(parts[0])
	if err != nil {
		return nil, err
	}
	if err := p.readClaims(parts[1]); err != nil {
		return nil, err
	}
	if !key.Verify(p.algorithm, []byte(compact[:last]), parts[2]) {
		return nil, invalid("its signature is wrong")
	}
	p.jkt = key.Thumbprint()
	return p, nil
}

// readHeader takes the members typ, alg, jwk and kid. Anything else, crit, b64, jku and x5c
// included, could change what the proof means.
func (p *proof) readHeader(data []byte) (key *strict.Key, err error) {
	members, err := strict.Object(data)
	if err != nil {
		return nil, invalid("its header is no strict JSON: %w", err)
	}
	typ := ""
	for _, m := range members {
		switch m.Name {
		case "typ":
			typ, err = strict.String(m.Value)
		case "alg":
			if p.algorithm, err = strict.String(m.Value); p.algorithm == strict.Ed25519 {
				p.algorithm = strict.EdDSA
			}
		case "kid":
			_, err = strict.String(m.Value)
		case "jwk":
			if key, err = strict.ReadKey(m.Value); err != nil {
				return nil, invalid("its jwk is no public key that is taken here: %w", err)
			}
		default:
			return nil, invalid("its header has a member other than typ, alg, jwk and kid")
		}
		if err != nil {
			return nil, invalid("a member of its header is no string")
		}
	}
	switch {
	case typ != Type:
		return nil, invalid("its typ is not dpop+jwt")
	case key == nil:
		return nil, invalid("its header has no jwk")
	case !key.Fits(p.algorithm):
		return nil, invalid("its alg is none that fits its key: EdDSA (or Ed25519), ES256, RS256 or PS256")
	}
	return key, nil
}

// readClaims reads what a proof says. Claims that are not known are passed over.
func (p *proof) readClaims(data []byte) error {
	members, err := strict.Object(data)
	if err != nil {
		return invalid("its claims are no strict JSON: %w", err)
	}
	for _, m := range members {
		into, limit := (*string)(nil), 0
		switch m.Name {
		case "jti":
			into, limit = &p.id, maxID
		case "htm":
			into, limit = &p.method, 32
		case "htu":
			into, limit = &p.url, maxURL
		case "ath":
			into, limit, p.hasHash = &p.hash, 64, true
		case "nonce":
			into, limit = &p.nonce, maxNonce
		case "iat":
			n, err := strconv.ParseInt(string(m.Value), 10, 64)
			if err != nil || n <= 0 || n > 253402300799 {
				return invalid("its iat is no time in whole seconds")
			}
			p.issued = time.Unix(n, 0).UTC()
			continue
		default:
			continue
		}
		if *into, err = strict.String(m.Value); err != nil || *into == "" || len(*into) > limit || !utf8.ValidString(*into) {
			return invalid("its %s is no string of 1 to %d bytes", m.Name, limit)
		}
	}
	switch {
	case p.id == "":
		return invalid("it has no jti")
	case p.method == "":
		return invalid("it has no htm")
	case p.url == "":
		return invalid("it has no htu")
	case p.issued.IsZero():
		return invalid("it has no iat")
	}
	return nil
}

func (p *proof) check(e Expect) (Verified, error) {
	switch {
	case p.method != e.Method:
		return Verified{}, invalid("its htm is not the method of the request")
	case !SameURL(p.url, e.URL):
		return Verified{}, invalid("its htu is not the URL of the request")
	case p.issued.Before(e.Now.Add(-MaxAge)):
		return Verified{}, invalid("its iat is more than %d seconds ago", MaxAge/time.Second)
	case p.issued.After(e.Now.Add(Leeway)):
		return Verified{}, invalid("its iat is in the future")
	}
	if e.AccessToken != "" {
		want := TokenHash(e.AccessToken)
		switch {
		case !p.hasHash:
			return Verified{}, invalid("it has no ath, the hash of the access token")
		case subtle.ConstantTimeCompare([]byte(p.hash), []byte(want)) != 1:
			return Verified{}, invalid("its ath is not the hash of the access token")
		}
	}
	if e.Nonce != nil && !e.Nonce(p.nonce) {
		return Verified{}, ErrNonce
	}
	return Verified{JKT: p.jkt, ID: p.id, Algorithm: p.algorithm, IssuedAt: p.issued, Until: p.issued.Add(MaxAge + time.Second)}, nil
}

// TokenHash returns what ath says for an access token.
func TokenHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return strict.Encode(sum[:])
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrProof}, args...)...)
}

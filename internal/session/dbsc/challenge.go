package dbsc

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// What a challenge is for.
const (
	forRegistration = 'r'
	forRefresh      = 'f'
)

const (
	challengeHead = 1 + 8 + 8 // kind, expiry, uses
	challengeMAC  = 16
	maxSubject    = 128
)

// challenge is what one says.
type challenge struct {
	kind    byte
	subject string // a chain's root, or a binding's id
	uses    int64  // of the binding
	expires time.Time
}

func (s *Service) challenge(account ident.AccountID, c challenge) string {
	out := []byte{c.kind}
	out = binary.BigEndian.AppendUint64(out, uint64(c.expires.UnixMicro()))
	out = binary.BigEndian.AppendUint64(out, uint64(c.uses))
	out = append(out, c.subject...)
	return base64.RawURLEncoding.EncodeToString(append(out, s.mac(account, out)...))
}

func (s *Service) mac(account ident.AccountID, said []byte) []byte {
	return s.d.Keys.MAC("session.dbsc.challenge", string(account), string(said))[:challengeMAC]
}

// readChallenge returns what a challenge says that was made for the account.
func (s *Service) readChallenge(account ident.AccountID, text string) (challenge, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) <= challengeHead+challengeMAC || len(raw) > challengeHead+maxSubject+challengeMAC {
		return challenge{}, false
	}
	said, mac := raw[:len(raw)-challengeMAC], raw[len(raw)-challengeMAC:]
	if subtle.ConstantTimeCompare(mac, s.mac(account, said)) != 1 {
		return challenge{}, false
	}
	return challenge{
		kind: said[0], expires: time.UnixMicro(int64(binary.BigEndian.Uint64(said[1:]))),
		uses: int64(binary.BigEndian.Uint64(said[9:])), subject: string(said[challengeHead:]),
	}, true
}

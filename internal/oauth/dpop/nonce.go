package dpop

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// NonceLife is how long a nonce is taken at least; at most it is one window more.
const NonceLife = 90 * time.Second

const (
	nonceWindow = 30 * time.Second
	nonceMAC    = 16 // bytes
)

// Nonce returns a nonce that is good now, for the header DPoP-Nonce.
func (s *Service) Nonce(account ident.AccountID, kind Kind) string {
	return s.nonce(account, kind, s.window())
}

func (s *Service) window() int64 { return s.deps.Clock.Now().Unix() / int64(nonceWindow/time.Second) }

func (s *Service) nonce(account ident.AccountID, kind Kind, window int64) string {
	mac := s.deps.Keys.MAC("oauth.dpop.nonce", string(kind), string(account), strconv.FormatInt(window, 10))
	out := binary.BigEndian.AppendUint32(nil, uint32(window))
	return base64.RawURLEncoding.EncodeToString(append(out, mac[:nonceMAC]...))
}

// Knows tells whether a nonce was made for that account and kind and is not too old. One of the
// next window comes from a node whose clock is a moment ahead.
func (s *Service) Knows(account ident.AccountID, kind Kind, nonce string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 4+nonceMAC {
		return false
	}
	now := s.window()
	window := int64(binary.BigEndian.Uint32(raw))
	if window > now+1 || window < now-int64(NonceLife/nonceWindow) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(nonce), []byte(s.nonce(account, kind, window))) == 1
}

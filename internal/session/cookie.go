package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// CookieName is the name of the session cookie. Over https it has the __Host- prefix; plain
// http exists only on loopback, where browsers disagree about Secure.
func CookieName(secure bool) string {
	if secure {
		return "__Host-admit-session"
	}
	return "admit-session"
}

const (
	cookiePurpose = "session/cookie" // of the hash of cookies from before they were computed
	secretPurpose = "session/secret"
	cookiePrefix  = "ase_"
	idPrefix      = "ses_"
	idSize        = len(idPrefix) + 26
	saltSize      = 16
	secretSize    = idSize + 8 + saltSize + sha256.Size
)

// secrets computes what session cookies hold: session, version, the row's salt, and a MAC over them
// and the account. None is kept. Whether a text was ever given out is known without a look-up.
type secrets struct{ key []byte }

func newSecrets(keys *crypt.Keys) secrets { return secrets{keys.Derive(secretPurpose)} }

// Presented is what a cookie says. ID and Salt are of a computed one, Hash is of one from before.
type Presented struct {
	ID      ident.SessionID
	Version int64
	Salt    []byte
	Hash    []byte

	beside []secret.Text // what the browser brought with it that may bind it: see Bindings
}

// read returns what a cookie says, and false for what was never given out in the account. It is the
// only place that takes the cookie's text apart.
func (x secrets) read(account ident.AccountID, cookie secret.Text) (Presented, bool) {
	own, beside := secret.Split(cookie)
	text := own.Reveal()
	if text == "" {
		return Presented{}, false
	}
	body, computed := strings.CutPrefix(text, cookiePrefix)
	if !computed {
		return Presented{Hash: secret.Hash(cookiePurpose, text), beside: beside}, true
	}
	if len(body) != base64.RawURLEncoding.EncodedLen(secretSize) {
		return Presented{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return Presented{}, false
	}
	version := binary.BigEndian.Uint64(raw[idSize:])
	p := Presented{ID: ident.SessionID(raw[:idSize]), Version: int64(version), Salt: raw[idSize+8 : idSize+8+saltSize], beside: beside}
	if version == 0 || version > 1<<62 || !secret.Equal(x.mac(account, p), raw[idSize+8+saltSize:]) {
		return Presented{}, false
	}
	return p, true
}

// of returns the cookie of the living version of a session.
func (x secrets) of(s Session) secret.Text {
	p := Presented{ID: s.ID, Version: s.Rotation.Version, Salt: s.Rotation.Salt}
	raw := make([]byte, 0, secretSize)
	raw = append(raw, p.ID...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.Version))
	raw = append(raw, p.Salt...)
	raw = append(raw, x.mac(s.Account, p)...)
	return secret.New(cookiePrefix + base64.RawURLEncoding.EncodeToString(raw))
}

// mac covers the length-prefixed tuple of account, session, version and salt (I-16).
func (x secrets) mac(account ident.AccountID, p Presented) []byte {
	b := make([]byte, 0, 128)
	for _, part := range []string{string(account), string(p.ID), string(p.Salt)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(p.Version))
	h := hmac.New(sha256.New, x.key)
	h.Write(b)
	return h.Sum(nil)
}

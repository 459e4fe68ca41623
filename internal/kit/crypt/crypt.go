// Package crypt owns encryption at rest: one master key, one derived key per purpose
// (HKDF-SHA-256), AES-256-GCM with associated data that names the place of the value (I-26).
package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
)

// KeySize is the length of the master key in bytes.
const KeySize = 32

// ErrOpen says that a sealed value was made with another key or for another place.
var ErrOpen = errors.New("crypt: the value cannot be opened: wrong master key, or it was moved or changed")

// Keys derives keys from the master key.
type Keys struct {
	master []byte
	aeads  sync.Map // purpose -> cipher.AEAD
}

// NewKeys takes the master key, KeySize bytes.
func NewKeys(master []byte) (*Keys, error) {
	if len(master) != KeySize {
		return nil, errors.New("crypt: the master key must have 32 bytes")
	}
	return &Keys{master: append([]byte(nil), master...)}, nil
}

// ParseMaster reads a master key as an operator writes it: base64 or base64url of 32 bytes.
func ParseMaster(text string) ([]byte, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("+", "-", "/", "_").Replace(text)
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != KeySize {
		return nil, errors.New("the master key must be base64 of 32 bytes; make one with: openssl rand -base64 32")
	}
	return b, nil
}

// Derive returns the 32-byte key of a purpose. The same purpose gives the same key; different
// purposes give independent keys.
func (k *Keys) Derive(purpose string) []byte {
	return must(hkdf.Key(sha256.New, k.master, []byte("admit/v1"), purpose, KeySize))
}

// MAC authenticates parts under the key of a purpose. Parts are length-prefixed.
func (k *Keys) MAC(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, k.Derive(purpose))
	h.Write(join(parts))
	return h.Sum(nil)
}

// Seal encrypts plain for one place. Place names it: tenant, kind, owner, field, version.
func (k *Keys) Seal(purpose string, plain []byte, place ...string) []byte {
	return k.aead(purpose).Seal(nil, nil, plain, join(place))
}

// Open decrypts what Seal made for the same purpose and place, or fails with ErrOpen.
func (k *Keys) Open(purpose string, sealed []byte, place ...string) ([]byte, error) {
	plain, err := k.aead(purpose).Open(nil, nil, sealed, join(place))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func (k *Keys) aead(purpose string) cipher.AEAD {
	if a, ok := k.aeads.Load(purpose); ok {
		return a.(cipher.AEAD)
	}
	block := must(aes.NewCipher(k.Derive(purpose)))
	got, _ := k.aeads.LoadOrStore(purpose, must(cipher.NewGCMWithRandomNonce(block)))
	return got.(cipher.AEAD)
}

// must is for errors that only a length written in this file could cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic("crypt: " + err.Error())
	}
	return v
}

func join(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

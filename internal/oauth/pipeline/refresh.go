package pipeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/token"
)

const (
	// Prefixes of what the token endpoint gives out, so that secret scanners know them.
	RefreshPrefix = "art_"
	OpaquePrefix  = token.OpaquePrefix
	grantPrefix   = "gra_"

	// Window is how long the last used refresh token gives the same successor again: answers get lost,
	// and pages are open twice.
	Window = 10 * time.Second

	grantSize   = len(grantPrefix) + 26
	saltSize    = 16
	refreshSize = grantSize + 8 + saltSize + sha256.Size
)

// refreshTokens computes refresh tokens: grant, version, the grant's salt, and a MAC over them. None is
// kept. Whether a text was ever given out is known without a look-up.
type refreshTokens struct{ key []byte }

func newRefreshTokens(keys *crypt.Keys) refreshTokens {
	return refreshTokens{keys.Derive("oauth/refresh-token")}
}

// refreshToken is what a text says that looks like one of ours.
type refreshToken struct {
	grant   string
	version int64
	salt    []byte
	mac     []byte
}

func parseRefresh(text string) (refreshToken, bool) {
	body, ok := strings.CutPrefix(text, RefreshPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(refreshSize) {
		return refreshToken{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || !grantForm(string(raw[:grantSize])) {
		return refreshToken{}, false
	}
	version := binary.BigEndian.Uint64(raw[grantSize:])
	if version == 0 || version > 1<<62 {
		return refreshToken{}, false
	}
	rest := raw[grantSize+8:]
	return refreshToken{string(raw[:grantSize]), int64(version), rest[:saltSize], rest[saltSize:]}, true
}

// grantForm tells whether a text can be the id of a grant, so that nothing else gets to the database.
func grantForm(id string) bool {
	for i := len(grantPrefix); i < len(id); i++ {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return strings.HasPrefix(id, grantPrefix)
}

// of returns the refresh token of a version of a grant.
func (r refreshTokens) of(g oauth.Grant, version int64) secret.Text {
	raw := make([]byte, 0, refreshSize)
	raw = append(raw, g.Authorization.Grant...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(version))
	raw = append(raw, g.Salt...)
	raw = append(raw, r.mac(g.Account, g.Authorization.Grant, version, g.Salt)...)
	return secret.New(RefreshPrefix + base64.RawURLEncoding.EncodeToString(raw))
}

// read returns what a text says, if it was given out in the account.
func (r refreshTokens) read(account ident.AccountID, text string) (refreshToken, bool) {
	t, ok := parseRefresh(text)
	return t, ok && secret.Equal(r.mac(account, t.grant, t.version, t.salt), t.mac)
}

// mac covers the length-prefixed tuple of account, grant, version and salt (I-16).
func (r refreshTokens) mac(account ident.AccountID, grant string, version int64, salt []byte) []byte {
	var b []byte
	for _, part := range []string{string(account), grant, string(salt)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(version))
	h := hmac.New(sha256.New, r.key)
	h.Write(b)
	return h.Sum(nil)
}

// repeats tells whether a version is the one before the living one, used again within the window.
func repeats(g oauth.Grant, version int64, now time.Time) bool {
	return g.Rotates && version == g.Version-1 && now.Sub(g.RotatedAt) <= Window
}

// NewGrantID names a new family.
func NewGrantID() string { return ident.New(grantPrefix) }

package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

const (
	bodySize  = 43 // characters of 256 bits in base64url
	checkSize = 6  // characters of the checksum: 36 bits
)

// RandomChecked is Random with a checksum at the end, for secrets that people copy and that scanners
// look for: a cut or mistyped one is known as such without a look-up, and a found one is no chance hit.
func RandomChecked(prefix string) Text {
	value := Random(prefix).Reveal()
	return Text{value + checksum(value)}
}

// Checked tells whether value has the form of what RandomChecked makes. It says nothing of whether
// the secret is anybody's.
func Checked(prefix, value string) bool {
	body, ok := strings.CutPrefix(value, prefix)
	if !ok || len(body) != bodySize+checkSize {
		return false
	}
	end := len(value) - checkSize
	return Equal([]byte(checksum(value[:end])), []byte(value[end:]))
}

func checksum(value string) string {
	sum := sha256.Sum256([]byte("admit/checksum\x00" + value))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:checkSize]
}

package hashes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/admit-id/admit/internal/kit/secret"
)

// ErrFormat says that a text is no hash that can be compared with: not known, damaged, or out of range.
var ErrFormat = errors.New("hashes: no usable password hash")

// The bounds of the costs that are read from a hash. Memory is in KiB.
const (
	maxText       = 1024
	minMemory     = 512
	maxMemory     = 256 << 10
	maxPasses     = 16
	maxLanes      = 16
	maxWork       = 1 << 20 // memory times passes
	minBcrypt     = 4
	maxBcrypt     = 15
	minScrypt     = 10 // logarithm
	maxScrypt     = 20
	maxBlock      = 16
	minIterations = 1000
	maxIterations = 5_000_000
	minSalt       = 4
	maxSalt       = 128
	minSum        = 16
	maxSum        = 64
)

// Hash is a stored password.
type Hash struct {
	// Algorithm is its name, for reports: argon2id, bcrypt, scrypt ...
	Algorithm string
	own       Params // of argon2id
	compare   func(password []byte) bool
}

// Compare tells whether the password is the stored one. The work is that of its costs.
func (h Hash) Compare(password string) bool { return h.compare([]byte(password)) }

// Own tells whether it is a hash of our own kind, whose passwords were normalised.
func (h Hash) Own() bool { return h.Algorithm == argon2idName }

// Weaker tells whether it should be made anew with p.
func (h Hash) Weaker(p Params) bool {
	return !h.Own() || h.own.Memory < p.Memory || h.own.Passes < p.Passes || h.own.Lanes != p.Lanes
}

// Parse reads a stored password. The error wraps ErrFormat and says nothing of the text.
func Parse(text string) (Hash, error) {
	if len(text) > maxText || strings.ContainsAny(text, "\r\n\x00 ") {
		return Hash{}, wrong("too long, or with spaces")
	}
	if text != "" && text[0] == '{' {
		return parseSSHA(text)
	}
	if strings.HasPrefix(text, "pbkdf2_") {
		return parseDjango(text)
	}
	parts := strings.Split(text, "$")
	if len(parts) < 4 || parts[0] != "" {
		return Hash{}, wrong("not a known form")
	}
	switch name := parts[1]; name {
	case argon2idName, "argon2i":
		return parseArgon2(parts)
	case "2a", "2b", "2y":
		return parseBcrypt(text, parts)
	case "scrypt":
		return parseScrypt(parts)
	case "firescrypt":
		return parseFirebase(parts)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return parsePBKDF2(parts)
	}
	return Hash{}, wrong("an algorithm that is not supported")
}

const argon2idName = "argon2id"

// Params are the costs of argon2id.
type Params struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
}

// Least are the weakest costs that are used for new hashes (RFC 9106, OWASP): 19 MiB, two passes.
var Least = Params{Memory: 19 << 10, Passes: 2, Lanes: 1}

const (
	saltSize = 16
	sumSize  = 32
)

// Valid tells whether new hashes may be made with the costs.
func (p Params) Valid() bool {
	return p.Memory >= Least.Memory && p.Memory <= maxMemory && p.Passes >= Least.Passes && p.Passes <= maxPasses &&
		p.Lanes >= 1 && p.Lanes <= maxLanes && p.Memory*p.Passes <= maxWork
}

// New hashes a password.
func (p Params) New(password string) string { return p.with(password, secret.Bytes(saltSize)) }

func (p Params) with(password string, salt []byte) string {
	sum := argon2.IDKey([]byte(password), salt, p.Passes, p.Memory, p.Lanes, sumSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Lanes, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func parseArgon2(parts []string) (Hash, error) {
	if len(parts) != 6 || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return Hash{}, wrong("argon2: not of version 19")
	}
	costs, err := numbers(parts[3], "m", "t", "p")
	if err != nil {
		return Hash{}, err
	}
	m, t, p := costs[0], costs[1], costs[2]
	if m < minMemory || m > maxMemory || t < 1 || t > maxPasses || p < 1 || p > maxLanes || m*t > maxWork || m < 8*p {
		return Hash{}, wrong("argon2: costs out of range")
	}
	salt, sum, err := saltAndSum(b64, parts[4], parts[5])
	if err != nil {
		return Hash{}, err
	}
	key := argon2.IDKey
	if parts[1] == "argon2i" {
		key = argon2.Key
	}
	return Hash{Algorithm: parts[1], own: Params{uint32(m), uint32(t), uint8(p)}, compare: func(password []byte) bool {
		return secret.Equal(sum, key(password, salt, uint32(t), uint32(m), uint8(p), uint32(len(sum))))
	}}, nil
}

// numbers reads "m=1,t=2" with exactly these names in this order, each a plain decimal number.
func numbers(text string, names ...string) ([]int, error) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, wrong("other parameters than expected")
	}
	out := make([]int, len(names))
	for i, name := range names {
		value, ok := strings.CutPrefix(parts[i], name+"=")
		n, err := number(value)
		if !ok || err != nil {
			return nil, wrong("other parameters than expected")
		}
		out[i] = n
	}
	return out, nil
}

// number reads a decimal number in its only spelling, up to nine digits.
func number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 9 || strconv.Itoa(n) != text || n < 0 {
		return 0, wrong("not a number")
	}
	return n, nil
}

func wrong(why string) error { return fmt.Errorf("%w: %s", ErrFormat, why) }

// Nobody is a hash of the costs that no password matches: to compare with it is the work for people who
// are not there.
func (p Params) Nobody() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Lanes,
		b64.EncodeToString(secret.Bytes(saltSize)), b64.EncodeToString(secret.Bytes(sumSize)))
}

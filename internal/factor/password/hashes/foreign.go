package hashes

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/admit-id/admit/internal/kit/secret"
)

var (
	b64  = base64.RawStdEncoding.Strict()
	b64p = base64.StdEncoding.Strict()
	// adapted is what passlib writes: a dot for the plus sign, no padding.
	adapted = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding).Strict()
)

func saltAndSum(e *base64.Encoding, saltText, sumText string) (salt, sum []byte, err error) {
	salt, err1 := e.DecodeString(saltText)
	sum, err2 := e.DecodeString(sumText)
	if err1 != nil || err2 != nil || len(salt) < minSalt || len(salt) > maxSalt || len(sum) < minSum || len(sum) > maxSum {
		return nil, nil, wrong("a damaged salt or sum")
	}
	return salt, sum, nil
}

// parseBcrypt: $2b$12$ and 53 characters. $2x$ is not taken: those hashes were made with a flaw.
func parseBcrypt(text string, parts []string) (Hash, error) {
	if len(parts) != 4 || len(text) != 60 || len(parts[2]) != 2 {
		return Hash{}, wrong("bcrypt: damaged")
	}
	cost, err := number(strings.TrimPrefix(parts[2], "0"))
	if err != nil || cost < minBcrypt || cost > maxBcrypt {
		return Hash{}, wrong("bcrypt: the cost is out of range")
	}
	return Hash{Algorithm: "bcrypt", compare: func(password []byte) bool {
		return bcrypt.CompareHashAndPassword([]byte(text), password) == nil
	}}, nil
}

func scryptCosts(text string) (n, r, p int, err error) {
	costs, err := numbers(text, "ln", "r", "p")
	if err != nil {
		return 0, 0, 0, err
	}
	ln, r, p := costs[0], costs[1], costs[2]
	if ln < minScrypt || ln > maxScrypt || r < 1 || r > maxBlock || p < 1 || p > maxLanes || r<<ln > maxMemory<<3 || p*r<<ln > maxWork<<3 {
		return 0, 0, 0, wrong("scrypt: costs out of range")
	}
	return 1 << ln, r, p, nil
}

// parseScrypt: $scrypt$ln=15,r=8,p=1$salt$sum.
func parseScrypt(parts []string) (Hash, error) {
	if len(parts) != 5 {
		return Hash{}, wrong("scrypt: damaged")
	}
	n, r, p, err := scryptCosts(parts[2])
	if err != nil {
		return Hash{}, err
	}
	salt, sum, err := saltAndSum(b64, parts[3], parts[4])
	if err != nil {
		return Hash{}, err
	}
	return Hash{Algorithm: "scrypt", compare: func(password []byte) bool {
		key, err := scrypt.Key(password, salt, n, r, p, len(sum))
		return err == nil && secret.Equal(key, sum)
	}}, nil
}

// parseFirebase: $firescrypt$ln=14,r=8,p=1$salt$sum$saltSeparator$signerKey, all in base64 as Firebase
// exports them. Firebase encrypts the project's signer key with the key that scrypt makes.
func parseFirebase(parts []string) (Hash, error) {
	if len(parts) != 7 {
		return Hash{}, wrong("firescrypt: damaged")
	}
	n, r, p, err := scryptCosts(parts[2])
	if err != nil {
		return Hash{}, err
	}
	var bytes [4][]byte
	for i := range bytes {
		if bytes[i], err = b64p.DecodeString(parts[3+i]); err != nil || len(bytes[i]) > maxSalt {
			return Hash{}, wrong("firescrypt: a part is damaged")
		}
	}
	salt, sum, separator, signer := bytes[0], bytes[1], bytes[2], bytes[3]
	if len(salt) < minSalt || len(sum) < minSum || len(sum) > maxSum || len(signer) != len(sum) {
		return Hash{}, wrong("firescrypt: parts of the wrong length")
	}
	salted := append(append([]byte(nil), salt...), separator...)
	return Hash{Algorithm: "firescrypt", compare: func(password []byte) bool {
		key, err := scrypt.Key(password, salted, n, r, p, 32)
		if err != nil {
			return false
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return false
		}
		out := make([]byte, len(signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, signer)
		return secret.Equal(out, sum)
	}}, nil
}

// parsePBKDF2: $pbkdf2-sha256$i=600000,l=32$salt$sum and $pbkdf2-sha256$600000$salt$sum (passlib).
func parsePBKDF2(parts []string) (Hash, error) {
	if len(parts) != 5 {
		return Hash{}, wrong("pbkdf2: damaged")
	}
	digest, encoding := strings.TrimPrefix(strings.TrimPrefix(parts[1], "pbkdf2"), "-"), b64
	if digest == "" {
		digest = "sha1"
	}
	costs, err := numbers(parts[2], "i")
	if err != nil {
		costs, err = numbers(parts[2], "i", "l")
	}
	if err != nil {
		n, err := number(parts[2])
		if err != nil {
			return Hash{}, err
		}
		costs, encoding = []int{n}, adapted
	}
	salt, sum, err := saltAndSum(encoding, parts[3], parts[4])
	if err != nil {
		return Hash{}, err
	}
	if len(costs) == 2 && costs[1] != len(sum) {
		return Hash{}, wrong("pbkdf2: another length than it says")
	}
	return newPBKDF2(digest, costs[0], salt, sum)
}

// parseDjango: pbkdf2_sha256$600000$salt$sum, where the salt is text.
func parseDjango(text string) (Hash, error) {
	parts := strings.Split(strings.TrimPrefix(text, "pbkdf2_"), "$")
	if len(parts) != 4 || len(parts[2]) < minSalt || len(parts[2]) > maxSalt {
		return Hash{}, wrong("pbkdf2: damaged")
	}
	n, err := number(parts[1])
	if err != nil {
		return Hash{}, err
	}
	sum, err := b64p.DecodeString(parts[3])
	if err != nil || len(sum) < minSum || len(sum) > maxSum {
		return Hash{}, wrong("pbkdf2: a damaged sum")
	}
	return newPBKDF2(parts[0], n, []byte(parts[2]), sum)
}

func newPBKDF2(digest string, iterations int, salt, sum []byte) (Hash, error) {
	if iterations < minIterations || iterations > maxIterations {
		return Hash{}, wrong("pbkdf2: the number of iterations is out of range")
	}
	var made func() hash.Hash
	switch digest {
	case "sha1":
		made = sha1.New
	case "sha256":
		made = sha256.New
	case "sha512":
		made = sha512.New
	default:
		return Hash{}, wrong("pbkdf2: an algorithm that is not supported")
	}
	return Hash{Algorithm: "pbkdf2-" + digest, compare: func(password []byte) bool {
		key, err := pbkdf2.Key(made, string(password), salt, iterations, len(sum))
		return err == nil && secret.Equal(key, sum)
	}}, nil
}

// parseSSHA: {SSHA}, {SSHA256} and {SSHA512} of LDAP directories: base64 of the sum and the salt behind it.
func parseSSHA(text string) (Hash, error) {
	scheme, rest, ok := strings.Cut(text[1:], "}")
	if !ok {
		return Hash{}, wrong("an algorithm that is not supported")
	}
	var made func() hash.Hash
	switch strings.ToUpper(scheme) {
	case "SSHA":
		made = sha1.New
	case "SSHA256":
		made = sha256.New
	case "SSHA512":
		made = sha512.New
	default:
		return Hash{}, wrong("an algorithm that is not supported")
	}
	raw, err := b64p.DecodeString(rest)
	size := made().Size()
	if err != nil || len(raw) < size+minSalt || len(raw) > size+maxSalt {
		return Hash{}, wrong("ssha: damaged, or without a salt")
	}
	return Hash{Algorithm: strings.ToLower(scheme), compare: func(password []byte) bool {
		h := made()
		h.Write(password)
		h.Write(raw[size:])
		return secret.Equal(h.Sum(nil), raw[:size])
	}}, nil
}

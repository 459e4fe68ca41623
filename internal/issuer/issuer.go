package issuer

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// ID names a trust in an issuer ("idn_...").
type ID string

// Issuer is one foreign issuer that an account trusts for one audience.
type Issuer struct {
	Account    ident.AccountID
	ID         ID
	URL        string // its `iss`, byte for byte
	Audience   string // that tokens must name
	Expression string // how claims name the person, see connection.Expression
	CreatedAt  time.Time
}

// Limits.
const (
	MaxIssuers        = 100 // of an account
	MaxURL            = 256 // bytes
	MaxAudience       = 256 // bytes
	DefaultExpression = "{sub}"
)

var namespaces = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Prefix begins every id of a person who is known by a foreign issuer. No person of an account
// has or gets an id that begins so (user.Usable), and no service client.
const Prefix = "iss_"

// Namespace is what the ids of the issuer's people begin with, before a "|". It depends on the
// issuer and the expression alone: another issuer, or another reading of the claims, names other people,
// and trusting the same issuer again finds the same ones.
func (i Issuer) Namespace() string {
	h := sha256.New()
	for _, part := range []string{"issuer.namespace", i.URL, i.Expression} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return Prefix + namespaces.EncodeToString(h.Sum(nil)[:10])
}

// user returns the id of the person whom the issuer names so. A slash, which the path of a
// question about the person could not carry, is written "~"; a name that has a "~" itself is
// refused, so that no two names give one id.
func (i Issuer) user(value string) (ident.UserID, bool) {
	id := i.Namespace() + "|" + strings.ReplaceAll(value, "/", "~")
	if value == "" || len(id) > maxUser {
		return "", false
	}
	for k := range len(value) {
		c := value[k]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && !strings.ContainsRune("+._|/:@-", rune(c)) {
			return "", false
		}
	}
	return ident.UserID(id), true
}

// maxUser is how long a user id may be in access records, in bytes.
const maxUser = 128

func (i Issuer) validate(plainLoopback bool) error {
	if len(i.URL) > MaxURL || egress.CheckURL(i.URL, plainLoopback) != nil || strings.Contains(i.URL, "?") {
		return invalid("issuer is the https URL of an OpenID Connect issuer, as its tokens spell it in iss.")
	}
	switch {
	case i.Audience == "*":
		return invalid("The audience * would take tokens that the issuer made for anybody else. Name the one audience that your tokens carry in aud as preferredAudience.")
	case i.Audience == "":
		return invalid("preferredAudience is needed: the one audience that your tokens carry in aud. Without it, tokens that the issuer made for anybody else would be taken.")
	case len(i.Audience) > MaxAudience || !utf8.ValidString(i.Audience) || strings.ContainsFunc(i.Audience, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(i.Audience) != i.Audience:
		return invalid("An audience has 1 to 256 printable characters.")
	}
	if _, err := connection.ParseExpression(i.Expression); err != nil {
		return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "userIdExpression: %s.", err)
	}
	return nil
}

func invalid(public string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, public)
}

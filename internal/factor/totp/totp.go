package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
)

// The rules.
const (
	Digits      = 6
	Step        = 30 * time.Second
	Drift       = 1  // steps that an app's clock may be off, either way
	SeedSize    = 20 // bytes of a seed that is made here: 160 bits (RFC 4226 section 4, R6)
	MinSeed     = 16 // of one that is brought
	MaxSeed     = 64
	MaxHeld     = 5 // devices of a person
	MaxName     = 64
	PendingLife = 10 * time.Minute
	Attempts    = 5 // codes for one enrolment
)

// The limits of wrong codes per person, over all logins and browsers. One guess has at most 15 chances
// in a million (three steps, five devices).
var (
	HourLimit = ratelimit.Rule{Count: 10, Per: time.Hour}
	DayLimit  = ratelimit.Rule{Count: 40, Per: 24 * time.Hour}
)

// Device is an app that shows codes for a person.
type Device struct {
	Account    ident.AccountID
	User       ident.UserID
	ID         string // "otp_..."
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never since it was registered
}

// Enrolment is a seed that waits for its first code.
type Enrolment struct {
	ID        string
	Secret    secret.Text // base32, for typing
	URI       secret.Text // otpauth://, for the QR code
	ExpiresAt time.Time
}

// Starter says for whom and where an enrolment begins.
type Starter struct {
	Account ident.AccountID
	User    ident.UserID
	// Binding names the login or the session together with the browser; nothing else can confirm it.
	Binding []byte
	Issuer  string // the name of the account, for the app
	Label   string // the name of the person, for the app: an address or a name
}

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code is the one-time password of a counter (RFC 4226): for TOTP the counter is the number of steps
// since 1970.
func Code(seed []byte, counter int64, digits int) string {
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], uint64(counter))
	h := hmac.New(sha1.New, seed)
	h.Write(msg[:])
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 15
	value, modulus := binary.BigEndian.Uint32(sum[offset:])&0x7fffffff, uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%modulus)
}

// StepAt is the number of the step at a time.
func StepAt(at time.Time) int64 { return at.Unix() / int64(Step/time.Second) }

// match returns the step after last whose code was typed. All steps are compared, whichever it is.
func match(seed []byte, typed string, now time.Time, last int64) (int64, bool) {
	found, ok := int64(0), false
	for step := StepAt(now) - Drift; step <= StepAt(now)+Drift; step++ {
		if secret.Equal([]byte(Code(seed, step, Digits)), []byte(typed)) && step > last {
			found, ok = step, true
		}
	}
	return found, ok
}

// uri is what authenticator apps read from a QR code.
func uri(seed []byte, issuer, label string) secret.Text {
	issuer, label = plain(issuer), plain(label)
	q := "secret=" + base32Text.EncodeToString(seed) + "&issuer=" + escape(issuer) + "&algorithm=SHA1&digits=6&period=30"
	return secret.New("otpauth://totp/" + escape(issuer) + ":" + escape(label) + "?" + q)
}

// plain takes out what would be read as the end of the issuer, and shortens.
func plain(name string) string {
	name = strings.TrimSpace(strings.ReplaceAll(name, ":", " "))
	if r := []rune(name); len(r) > MaxName {
		name = string(r[:MaxName])
	}
	return name
}

// escape is for names in both parts of the URI; apps know %20 and not all know a plus sign.
func escape(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

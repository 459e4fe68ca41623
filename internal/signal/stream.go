package signal

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// Method is how a receiver is told.
type Method string

// The methods of delivery.
const (
	Push Method = "urn:ietf:rfc:8935"
	Poll Method = "urn:ietf:rfc:8936"
)

// Status is whether a stream is told anything.
type Status string

// The statuses.
const (
	Enabled  Status = "enabled"
	Paused   Status = "paused"   // what happens is kept for later
	Disabled Status = "disabled" // what happens is not kept
)

// Limits of streams.
const (
	MaxPerClient  = 4
	MaxPerAccount = 50
	// MaxClaimed is how many of them are pushed side by side: receivers that are slow must not take every place.
	MaxClaimed = 4
	// MaxPending is how much may wait for a receiver before its stream is disabled.
	MaxPending = 10_000
	// Kept is how long something waits for a receiver.
	Kept = 7 * 24 * time.Hour
	// VerifyEvery is how often a receiver may ask for a verification.
	VerifyEvery = 30 * time.Second

	maxURL       = 1024 // bytes
	maxHeader    = 2048
	maxText      = 256 // characters
	maxRequested = 50
	maxState     = 1024 // bytes
)

// Stream is what one receiver is told, and how.
type Stream struct {
	Account     ident.AccountID
	ID          string
	Client      ident.ServiceClientID // whose it is, and the `aud` of its tokens
	Method      Method
	Endpoint    string // of Push
	Header      []byte // the sealed Authorization header of Push; empty for none
	Requested   []string
	Kinds       Kind // what of it is delivered
	Description string
	Alg         string // by which its tokens are signed
	Status      Status
	Reason      string // of the status
	CreatedAt   time.Time
	Version     int64 // of what stands above

	// Of Push.
	Leased   time.Time // until when nobody else delivers, or when to try again
	Failures int64     // in a row
	Failing  time.Time // since when; zero while it works
}

// Settings are what a receiver says about a stream. A nil pointer leaves a thing as it is.
type Settings struct {
	Delivery    *Delivery
	Requested   *[]string
	Description *string
	Alg         *string
}

// Delivery is how a receiver wants to be told.
type Delivery struct {
	Method   Method
	Endpoint string
	Header   *string // nil: as it is, as long as the endpoint stays
}

// validate tells the first rule that a stream breaks. The header is as the receiver wrote it.
func (s Stream) validate(header string, plainLoopback bool) error {
	switch s.Method {
	case Poll:
		if header != "" {
			return invalid("Only a stream that is pushed has an authorization_header.")
		}
	case Push:
		u, err := url.Parse(s.Endpoint)
		if err != nil || len(s.Endpoint) > maxURL || !visible(s.Endpoint, false) || u.Hostname() == "" || egress.CheckURL(s.Endpoint, plainLoopback) != nil {
			return invalid("delivery.endpoint_url is an https URL of at most 1,024 bytes, without user information or a fragment.")
		}
	default:
		return invalid("delivery.method is " + string(Push) + " or " + string(Poll) + ".")
	}
	switch {
	case len(header) > maxHeader || !visible(header, true) || header != strings.TrimSpace(header):
		return invalid("delivery.authorization_header is the value of a header, of at most 2,048 visible characters.")
	case len(s.Requested) > maxRequested || slices.ContainsFunc(s.Requested, func(u string) bool { return u == "" || len(u) > maxText || !visible(u, false) }):
		return invalid("events_requested has at most 50 URIs.")
	case utf8.RuneCountInString(s.Description) > maxText || strings.ContainsFunc(s.Description, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return invalid("description has at most 256 characters, on one line.")
	case !slices.Contains(jose.Algorithms(), s.Alg):
		return invalid("signing_alg is one of " + strings.Join(jose.Algorithms(), ", ") + ".")
	}
	return nil
}

// where is how the audit trail says to whom a stream goes. A path may be as good as a password.
func (s Stream) where() []string {
	out := []string{"method", string(s.Method)}
	if u, err := url.Parse(s.Endpoint); err == nil && s.Method == Push {
		out = append(out, "host", u.Host)
	}
	return out
}

// visible tells whether text is of visible ASCII, perhaps with spaces.
func visible(text string, spaces bool) bool {
	for i := range len(text) {
		if c := text[i]; c > '~' || c < ' ' || c == ' ' && !spaces {
			return false
		}
	}
	return true
}

// reasonOf checks why somebody says that a status changes.
func reasonOf(text string) (string, error) {
	if utf8.RuneCountInString(text) > maxText || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", invalid("reason has at most 256 characters, on one line.")
	}
	return text, nil
}

func invalid(why string) error { return fault.New(fault.Invalid, fault.CodeInvalidRequest, why) }

var (
	errNone    = fault.New(fault.NotFound, fault.CodeNotFound, "You have no such stream.")
	errRaced   = fault.New(fault.Conflict, fault.CodeConflict, "The stream was changed meanwhile. Read it again.")
	errTooMany = fault.New(fault.Conflict, fault.CodeConflict, "A service client has at most 4 streams, and an account 50.")
	errSoon    = fault.New(fault.Limited, fault.CodeTooManyRequests, "A stream is verified every 30 seconds at most.")
)

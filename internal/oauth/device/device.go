package device

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/oauth"
)

// The rules of a device authorization.
const (
	Life     = 10 * time.Minute
	Interval = 5 * time.Second // between two polls; each one that comes too soon adds as much
	// MaxWaiting is how many of one client may wait for their person at once.
	MaxWaiting = 10_000
	// alphabet has no vowels, so that no words come about, and no letters that look like others
	// (RFC 8628 section 6.1).
	alphabet   = "BCDFGHJKLMNPQRSTVWXZ"
	codeLength = 8
	prefix     = "adc_"
)

// The limits on wrong user codes. A code is one of 20^8, and those of the network are used up first.
var (
	NetworkLimit = ratelimit.Rule{Count: 30, Per: time.Hour, Burst: 10}
	AccountLimit = ratelimit.Rule{Count: 10_000, Per: time.Hour, Burst: 1000}
)

// GrantType is the grant_type of the token request (RFC 8628 section 3.4).
const GrantType = application.GrantDevice

// State is how far an authorization is.
type State string

// The states.
const (
	Waiting  State = "waiting"
	Approved State = "approved"
	Denied   State = "denied"
	Used     State = "used"
)

// The events.
const (
	EventStarted  = "oauth.device.started"
	EventApproved = "oauth.device.approved"
	EventDenied   = "oauth.device.denied"
	EventGuessing = "oauth.device.guessing" // too many wrong user codes from one network
)

// Authorization is one device that waits, without its codes.
type Authorization struct {
	Account   ident.AccountID
	ID        string // names it on the pages; it approves nothing by itself
	Client    string
	State     State
	Scopes    []string
	Resources []string
	Details   json.RawMessage
	JKT       string // DPoP key thumbprint that the device promised (RFC 9449 section 10), or empty
	X5T       string // certificate that the device showed (RFC 8705), or empty
	Challenge string // PKCE S256, where the device sent one, or empty
	Sealed    []byte // the user code, for the page that shows it again
	Interval  time.Duration
	CreatedAt time.Time
	ExpiresAt time.Time
	// Of an approval.
	Allowed *oauth.Authorization
}

// Request is what a device asks for. The surface has authenticated the client, and checked scopes,
// resources and details as for any grant.
type Request struct {
	Client    oauth.Client
	Scopes    []string
	Resources []string
	Details   json.RawMessage
	JKT       string
	X5T       string
	Challenge string
	// ChallengeMethod must be S256 where there is a Challenge.
	ChallengeMethod string
}

// Started is the answer to a device (RFC 8628 section 3.2).
type Started struct {
	DeviceCode secret.Text
	UserCode   string // as it is shown: XXXX-XXXX
	Expires    time.Duration
	Interval   time.Duration
}

// newUserCode makes a user code, without the dash.
func newUserCode() string {
	var out strings.Builder
	for out.Len() < codeLength {
		for _, b := range secret.Bytes(codeLength) {
			if out.Len() < codeLength && int(b) < 256/len(alphabet)*len(alphabet) {
				out.WriteByte(alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return out.String()
}

// Shown is a user code as people see it.
func Shown(code string) string {
	if len(code) != codeLength {
		return code
	}
	return code[:4] + "-" + code[4:]
}

// Clean reads the code that a person typed: case and dashes do not matter, nothing else is forgiven.
// Full-width letters are what Japanese keyboards type.
func Clean(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	typed = strings.Map(func(c rune) rune {
		switch {
		case c == '-', c == '－':
			return -1
		case 'Ａ' <= c && c <= 'Ｚ':
			return c - 'Ａ' + 'A'
		case 'ａ' <= c && c <= 'ｚ':
			return c - 'ａ' + 'A'
		case 'a' <= c && c <= 'z':
			return c - 'a' + 'A'
		}
		return c
	}, strings.TrimSpace(typed))
	if len(typed) != codeLength || strings.Trim(typed, alphabet) != "" {
		return "", false
	}
	return typed, true
}

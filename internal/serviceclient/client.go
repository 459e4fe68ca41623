package serviceclient

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Limits of a client.
const (
	MaxActiveKeys = 5
	MaxName       = 128 // characters
	MaxTags       = 50
	MaxTag        = 128 // characters
	MaxRateLimits = 1
)

// Client is one machine identity of an account. Its id is the subject of its tokens and of
// the access records that name it.
type Client struct {
	AccountID  ident.AccountID
	ID         ident.ServiceClientID
	Name       string // may be empty
	Options    Options
	RateLimits []RateLimit
	Tags       map[string]string
	Keys       []Key // the active ones, oldest first
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Options are powers that a client has besides its access records.
type Options struct {
	GrantUserPermissionsAccess bool // may ask about any user's permissions
	GrantTokenGeneration       bool // may sign in users that it names
}

// RateLimit is a client's own request quota: Quota requests in Duration. Values are those of the API.
type RateLimit struct {
	Duration string // "PT0S", "P1M", "P1D", "PT1H" or "PT5M"
	Quota    int    // 100, 1000, 100000 or 1000000
}

// Key is the public half of an access key.
type Key struct {
	KeyID     ident.KeyID
	PublicKey ed25519.PublicKey
	// SecretHash is what is kept of the client secret that was made with the key, for OAuth
	// (SecretMatches); empty for a brought key and for keys from before there were any.
	SecretHash []byte
	CreatedAt  time.Time
}

var (
	durations = []string{"PT0S", "P1M", "P1D", "PT1H", "PT5M"}
	quotas    = []int{100, 1000, 100000, 1000000}
)

// Validate tells the first rule that c breaks, as a fault of kind Invalid.
func (c Client) Validate() error {
	if c.Name != "" && !plainText(c.Name, 1, MaxName) {
		return invalid("A service client's name has at most 128 printable characters.")
	}
	if len(c.RateLimits) > MaxRateLimits {
		return invalid("A service client has at most one rate limit.")
	}
	for _, r := range c.RateLimits {
		if !slices.Contains(durations, r.Duration) || !slices.Contains(quotas, r.Quota) {
			return invalid("A rate limit's duration is PT0S, PT5M, PT1H, P1D or P1M, its quota 100, 1000, 100000 or 1000000.")
		}
	}
	if len(c.Tags) > MaxTags {
		return invalid("A service client has at most 50 tags.")
	}
	for k, v := range c.Tags {
		if !plainText(k, 1, MaxTag) || !plainText(v, 0, MaxTag) {
			return invalid("A tag's name and value have at most 128 printable characters each.")
		}
	}
	return nil
}

func (c Client) clone() Client {
	c.RateLimits, c.Tags, c.Keys = slices.Clone(c.RateLimits), maps.Clone(c.Tags), slices.Clone(c.Keys)
	return c
}

// SearchText is what a list's filter looks into.
func (c Client) SearchText() string { return strings.ToLower(string(c.ID) + "\n" + c.Name) }

func plainText(s string, low, high int) bool {
	n := utf8.RuneCountInString(s)
	return n >= low && n <= high && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func invalid(public string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, public)
}

package tenant

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Limits of a tenant.
const (
	MaxDomains       = 10
	MaxName          = 64 // characters
	MaxLookup        = 64
	MaxID            = 128
	maxDomain        = 253 // RFC 1035 section 3.1, as text
	MinDuration      = time.Minute
	MaxTokenDuration = 24 * time.Hour
	MaxSession       = 90 * 24 * time.Hour
)

// Tenant is one customer of an account.
type Tenant struct {
	Account ident.AccountID
	ID      ident.TenantID
	Name    string
	// Lookup is what people and applications call the tenant when they sign in. It is kept as
	// written; two that differ in case only are the same. Empty for none.
	Lookup string
	// Domains are the e-mail domains whose people are the tenant's, in lower case. They are claims of
	// the account's administrators; nobody else may make one.
	Domains []string
	// Connection is how the tenant's people sign in; empty for any.
	Connection ident.ConnectionID
	// TokenLife and SessionLife bound the lives of its people's tokens and sessions, besides those
	// of the account; 0 means that the account's hold.
	TokenLife   time.Duration
	SessionLife time.Duration
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// The events of this package; the target is the tenant's id.
const (
	EventCreated       = "account.tenant.created"
	EventUpdated       = "account.tenant.updated"
	EventDeleted       = "account.tenant.deleted"
	EventMemberAdded   = "account.tenant.member.added"   // detail "user", and "connection" when it proved it
	EventMemberRemoved = "account.tenant.member.removed" // detail "user"
)

// ChangeKind is the kind of this package's entries in the change feed; the key is the tenant's id.
const ChangeKind = "tenant"

var (
	idForm     = regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,128}$`)
	lookupForm = regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,64}$`)
	domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)
)

// foreign begin the ids of other things, which stand beside a tenant's in a token's audience.
var foreign = []string{"acc_", "app_", "sc_", "ext_"}

// Validate tells the first rule that the tenant breaks, as a fault of kind Invalid or Unprocessable.
func (t Tenant) Validate() error {
	if !idForm.MatchString(string(t.ID)) || t.ID == "." || t.ID == ".." || slices.ContainsFunc(foreign, func(p string) bool {
		return strings.HasPrefix(strings.ToLower(string(t.ID)), p)
	}) {
		return invalid("tenantId has 1 to 128 characters of a-z A-Z 0-9 - _ . : and does not begin like the id of another thing.")
	}
	if t.Lookup != "" && !lookupForm.MatchString(t.Lookup) {
		return invalid("tenantLookupIdentifier has 1 to 64 characters of a-z A-Z 0-9 - _ . :.")
	}
	if utf8.RuneCountInString(t.Name) > MaxName || !utf8.ValidString(t.Name) || strings.TrimSpace(t.Name) != t.Name ||
		strings.ContainsFunc(t.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return invalid("data.name has at most 64 printable characters.")
	}
	if len(t.Domains) > MaxDomains {
		return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "A tenant has at most 10 domains.")
	}
	for i, d := range t.Domains {
		if len(d) > maxDomain || !domainForm.MatchString(d) || slices.Contains(t.Domains[:i], d) {
			return invalid("A domain is written like example.com, in lower case and ASCII, and stands once.")
		}
	}
	if t.TokenLife != 0 && (t.TokenLife < MinDuration || t.TokenLife > MaxTokenDuration) {
		return invalid("tokenConfiguration.accessTokenDuration is 1 minute to 24 hours.")
	}
	if t.SessionLife != 0 && (t.SessionLife < MinDuration || t.SessionLife > MaxSession) {
		return invalid("tokenConfiguration.sessionDuration is 1 minute to 90 days.")
	}
	return nil
}

// names are what leads to the tenant, in lower case. Each leads to one tenant of the account, so
// that a lookup identifier can never stand for another tenant's domain.
func (t Tenant) names() []string {
	out := slices.Clone(t.Domains)
	if t.Lookup != "" {
		out = append(out, strings.ToLower(t.Lookup))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Has tells whether the address is of one of the tenant's domains.
func (t Tenant) Has(email string) bool {
	domain := domainOf(email)
	return domain != "" && slices.Contains(t.Domains, domain)
}

// domainOf returns the domain of a plain address in lower case, or "".
func domainOf(email string) string {
	_, domain, ok := strings.Cut(email, "@")
	domain = strings.ToLower(domain)
	if !ok || !domainForm.MatchString(domain) {
		return ""
	}
	return domain
}

func (t Tenant) clone() Tenant {
	t.Domains = slices.Clone(t.Domains)
	return t
}

// SearchText is what a list's filter looks into.
func (t Tenant) SearchText() string {
	return strings.ToLower(strings.Join(append([]string{string(t.ID), t.Name, t.Lookup}, t.Domains...), "\n"))
}

func invalid(public string) error { return fault.New(fault.Invalid, fault.CodeInvalidRequest, public) }

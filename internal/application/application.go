package application

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Mode says how a requested redirect URL is compared with the registered ones.
type Mode string

const (
	// Exact compares byte for byte. It is the default.
	Exact Mode = "exact"
	// Origin wants scheme, host and port equal and leaves path and query free, because the
	// browser SDK sends people back to the page they were on.
	Origin Mode = "origin"
)

// SessionType says whether one person may have several sessions at this application.
type SessionType string

// The session types, in the spelling of the API.
const (
	SingleSession SessionType = "SINGLE_SESSION"
	MultiSession  SessionType = "MULTI_SESSION"
)

// Limits of an application. Lengths are in bytes, except names and tags: characters.
const (
	MaxRedirectURLs = 100
	MaxRedirectURL  = 1024 // of a registered URL
	MaxRequestedURL = 4096 // of the URL that a login request names
	MaxName         = 128
	MaxTags         = 50
	MaxTag          = 128
)

// Application is one relying party of an account. Its id is the `client_id` of user tokens.
type Application struct {
	Account      ident.AccountID
	ID           ident.ApplicationID
	Name         string
	RedirectURLs []string
	RedirectMode Mode
	SessionType  SessionType
	// AllowLoopbackTokens lets tokens travel in the redirect's query, to literal loopback
	// hosts only. It is for development with the browser SDK's default mode.
	AllowLoopbackTokens bool
	// CookieDomain is the parent domain that the cookies "authorization" and "user" are set
	// for. Empty means that no such cookie is set: the application uses the code flow.
	CookieDomain string
	OAuth        OAuth
	Tags         map[string]string
	Active       bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

var (
	idForm     = regexp.MustCompile(`^app_[A-Za-z0-9_-]{1,60}$`)
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// normal returns a with the defaults filled in.
func (a Application) normal() Application {
	if a.RedirectMode == "" {
		a.RedirectMode = Exact
	}
	if a.SessionType == "" {
		a.SessionType = MultiSession
	}
	a.RedirectURLs = slices.Clone(a.RedirectURLs)
	a.Tags = maps.Clone(a.Tags)
	a.OAuth = a.OAuth.normal()
	return a
}

// Validate tells the first rule that a breaks, as a fault of kind Invalid.
func (a Application) Validate() error {
	if !idForm.MatchString(string(a.ID)) {
		return invalid("An application id is app_ followed by 1 to 60 letters, digits, _ or -.")
	}
	if !plainText(a.Name, 1, MaxName) {
		return invalid("An application's name has 1 to 128 printable characters.")
	}
	if a.RedirectMode != Exact && a.RedirectMode != Origin {
		return invalid("redirectMode is exact or origin.")
	}
	if a.SessionType != SingleSession && a.SessionType != MultiSession {
		return invalid("sessionType is SINGLE_SESSION or MULTI_SESSION.")
	}
	if len(a.RedirectURLs) > MaxRedirectURLs {
		return invalid("An application has at most 100 redirect URLs.")
	}
	for _, u := range a.RedirectURLs {
		if err := validateRedirect(u); err != nil {
			return err
		}
	}
	if err := a.validateTags(); err != nil {
		return err
	}
	if err := a.OAuth.Validate(); err != nil {
		return err
	}
	return a.validateCookieDomain()
}

func (a Application) validateTags() error {
	if len(a.Tags) > MaxTags {
		return invalid("An application has at most 50 tags.")
	}
	for k, v := range a.Tags {
		if !plainText(k, 1, MaxTag) || !plainText(v, 0, MaxTag) {
			return invalid("A tag's name and value have at most 128 printable characters each.")
		}
	}
	return nil
}

// validateCookieDomain refuses a domain that strangers share (a public suffix), and one
// that an application page outside of it would make pointless.
func (a Application) validateCookieDomain() error {
	d := a.CookieDomain
	if d == "" {
		return nil
	}
	if len(d) > 253 || !domainForm.MatchString(d) {
		return invalid("cookieDomain is a lower-case domain name such as example.com.")
	}
	if suffix, _ := publicsuffix.PublicSuffix(d); suffix == d {
		return invalid("cookieDomain must not be a public suffix: strangers share it.")
	}
	for _, u := range a.RedirectURLs {
		p, ok := parseRedirect(u)
		if !ok || p.scheme != "https" || (p.host != d && !strings.HasSuffix(p.host, "."+d)) {
			return invalid("With a cookieDomain every redirect URL is https and under that domain.")
		}
	}
	return nil
}

// SearchText is what a list's filter looks into.
func (a Application) SearchText() string {
	return strings.ToLower(strings.Join(append([]string{string(a.ID), a.Name}, a.RedirectURLs...), "\n"))
}

func plainText(s string, low, high int) bool {
	n := utf8.RuneCountInString(s)
	return n >= low && n <= high && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func invalid(public string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, public)
}

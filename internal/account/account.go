package account

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

// Account is one customer of the deployment.
type Account struct {
	ID          ident.AccountID
	Name        string // shown on the login box; 1 to 128 characters
	LogoURL     string // "/..." on this server or "https://..."; empty for none
	AccentColor string // "#rrggbb" in lower case; empty for the built-in one
	// Hosts are the custom domains as a browser's Host header spells them, in the order in
	// which they were added. The first one is part of the issuer, except for the default account.
	Hosts     []string
	Settings  Settings
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Settings are what an account chooses about its logins.
type Settings struct {
	AccessTokenDuration time.Duration // 1 minute to 24 hours
	SessionIdle         time.Duration // a session ends when unused for so long; 1 minute to 90 days
	SessionAbsolute     time.Duration // a session ends after so long; SessionIdle to 90 days
	Locale              string        // language of pages and mails when the browser names none; BCP 47
	OAuth               OAuthSettings
}

// Limits of the settings.
const (
	MinDuration            = time.Minute
	MaxAccessTokenDuration = 24 * time.Hour
	MaxSession             = 90 * 24 * time.Hour
	MaxName                = 128
	MaxLogoURL             = 1024
	MaxHosts               = 10
)

// DefaultSettings are those of a new account.
func DefaultSettings() Settings {
	return Settings{
		AccessTokenDuration: 24 * time.Hour, SessionIdle: 30 * 24 * time.Hour, SessionAbsolute: 90 * 24 * time.Hour, Locale: "en",
	}
}

var (
	idForm     = regexp.MustCompile(`^acc_[A-Za-z0-9_-]{1,60}$`) // no dot: the access-key format separates by dots
	colorForm  = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	localeForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)
	logoForm   = regexp.MustCompile(`^/[A-Za-z0-9_-][A-Za-z0-9_./-]*$`)
	logoHTTPS  = regexp.MustCompile(`^https://[a-z0-9-]+(\.[a-z0-9-]+)+(:[1-9][0-9]{0,4})?/[A-Za-z0-9_./%~+=&?,-]*$`)
)

// Validate tells the first rule that a breaks, as a fault of kind Invalid. Hosts are
// judged when they are added.
func (a Account) Validate() error {
	if !idForm.MatchString(string(a.ID)) {
		return invalid("An account id is acc_ followed by 1 to 60 letters, digits, _ or -.")
	}
	n := utf8.RuneCountInString(a.Name)
	if n < 1 || n > MaxName || !utf8.ValidString(a.Name) || strings.TrimSpace(a.Name) != a.Name ||
		strings.ContainsFunc(a.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return invalid("An account's name has 1 to 128 printable characters.")
	}
	if a.LogoURL != "" && !validLogo(a.LogoURL) {
		return invalid("A logo is a path on this server such as /assets/logo.svg, or an https URL.")
	}
	if a.AccentColor != "" && !colorForm.MatchString(a.AccentColor) {
		return invalid("An accent colour is written #rrggbb in lower case.")
	}
	return a.Settings.Validate()
}

// validLogo keeps the value harmless wherever it is put: in an attribute, in CSS, in a policy.
func validLogo(s string) bool {
	if len(s) > MaxLogoURL || strings.Contains(s, "..") {
		return false
	}
	return (logoForm.MatchString(s) && !strings.Contains(s, "//")) || logoHTTPS.MatchString(s)
}

// Validate tells the first rule that s breaks, as a fault of kind Invalid.
func (s Settings) Validate() error {
	if s.AccessTokenDuration < MinDuration || s.AccessTokenDuration > MaxAccessTokenDuration {
		return invalid("Access tokens live 1 minute to 24 hours.")
	}
	if s.SessionIdle < MinDuration || s.SessionIdle > MaxSession {
		return invalid("An unused session lives 1 minute to 90 days.")
	}
	if s.SessionAbsolute < s.SessionIdle || s.SessionAbsolute > MaxSession {
		return invalid("A session lives at least as long as an unused one, and at most 90 days.")
	}
	if !localeForm.MatchString(s.Locale) {
		return invalid("A locale is a language tag such as en, pt-BR or zh-Hant.")
	}
	return s.OAuth.validate()
}

func (a Account) clone() Account {
	a.Hosts = slices.Clone(a.Hosts)
	a.Settings.OAuth = a.Settings.OAuth.clone()
	return a
}

func invalid(public string) error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, public)
}

package connection

import (
	"context"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Leg is one trip of one browser to one provider. Login stores it before the browser leaves
// and consumes it when the answer arrives; every member is fresh for the trip.
type Leg struct {
	State       secret.Text // 256 random bits
	Nonce       secret.Text // 256 random bits
	Verifier    secret.Text // PKCE code verifier, 43 to 128 unreserved characters
	RedirectURI string      // absolute, the same on both ends of the trip

	LoginHint string // an address the person has typed, or empty
	// Properties are what the application asked for. Those a browser may not decide are left out.
	Properties map[string]string
}

// Callback is what the browser brought back.
type Callback struct {
	Code   secret.Text
	Issuer string // RFC 9207 `iss`, or empty
	User   string // Apple's form member `user`, or empty
}

// Identity is a person as a provider knows them. The person is Issuer and Subject, within
// the connection; all else is what the provider says about them (I-6).
type Identity struct {
	Issuer  string
	Subject string
	Email   string // one plain address, or empty
	// EmailVerified is true only when the provider says so and is authoritative for the domain.
	EmailVerified bool
	Name          string
	Picture       string // https URL, or empty
	Locale        string // BCP 47, or empty
}

// Upstream makes the trip to a provider.
type Upstream interface {
	// AuthorizeURL returns where the browser must go. Faults: CodeUpstreamUnavailable.
	AuthorizeURL(ctx context.Context, c Connection, l Leg) (string, error)
	// Finish turns the answer into a person. Faults: CodeUpstreamUnavailable when the
	// provider did not answer, CodeUpstreamRefused when its answer is not good.
	Finish(ctx context.Context, c Connection, b Callback, l Leg) (Identity, error)
}

// The codes of failed trips.
const (
	CodeUpstreamUnavailable = "UpstreamUnavailable"
	CodeUpstreamRefused     = "UpstreamRefused"
	CodeConnectionUnusable  = "InvalidConfiguration"
)

// Unavailable is the fault of a provider that does not answer, or not in time.
func Unavailable(op string, cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Code: CodeUpstreamUnavailable, Op: op, Err: cause,
		Public: "The identity provider does not answer. Try again in a moment, or sign in another way."}
}

// Refused is the fault of an answer that proves nothing.
func Refused(op string, cause error) error {
	return &fault.Error{Kind: fault.Unauthenticated, Code: CodeUpstreamRefused, Op: op, Err: cause,
		Public: "The identity provider's answer could not be accepted. Try again, or sign in another way."}
}

// Unusable is the fault of a connection that its administrator must mend.
func Unusable(op string, cause error) error {
	return &fault.Error{Kind: fault.Unprocessable, Code: CodeConnectionUnusable, Op: op, Err: cause,
		Public: "This way to sign in is not set up correctly. Tell the administrator, or sign in another way."}
}

// Upstreams chooses by protocol. It is an Upstream itself.
type Upstreams map[Protocol]Upstream

// AuthorizeURL implements Upstream.
func (u Upstreams) AuthorizeURL(ctx context.Context, c Connection, l Leg) (string, error) {
	next, ok := u[c.Protocol()]
	if !ok || !c.Active {
		return "", Unusable("connection.AuthorizeURL", nil)
	}
	return next.AuthorizeURL(ctx, c, l)
}

// Finish implements Upstream.
func (u Upstreams) Finish(ctx context.Context, c Connection, b Callback, l Leg) (Identity, error) {
	next, ok := u[c.Protocol()]
	if !ok || !c.Active {
		return Identity{}, Unusable("connection.Finish", nil)
	}
	return next.Finish(ctx, c, b, l)
}

// Profile fills the attributes of an identity from claims, and drops what is not plainly
// what it should be: an attribute is never a reason to refuse a person.
func (c Connection) Profile(id *Identity, claims document.Object) {
	names := c.Preset().Claims
	id.Name = PlainText(pick(claims, append(names.Name, "name")), 128)
	id.Picture = plainURL(pick(claims, append(names.Picture, "picture")))
	id.Locale = plainLocale(claims.String("locale"))
	if id.Email = PlainEmail(claims.String("email")); id.Email != "" {
		id.EmailVerified = claims.True("email_verified") && c.Vouches(id.Email, claims.String)
	}
}

func pick(o document.Object, names []string) string {
	for _, n := range names {
		if s := o.String(n); s != "" {
			return s
		}
	}
	return ""
}

// PlainEmail returns the address, or nothing unless it is one bare address that every
// reader understands alike.
func PlainEmail(s string) string {
	if len(s) > 254 || strings.Count(s, "@") != 1 || strings.ContainsAny(s, "\"\\()<>[]:;, \t\r\n%!") {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || PlainText(s, 254) != s {
		return ""
	}
	return s
}

// PlainText returns s without control and format characters around or inside, or nothing
// when it is not text. It keeps at most limit characters.
func PlainText(s string, limit int) string {
	if !utf8.ValidString(s) {
		return ""
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit])
	}
	return s
}

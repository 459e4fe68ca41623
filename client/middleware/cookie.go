package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/admit-id/admit/client/verify"
)

// Defaults of a CookieConfig.
const (
	// CookieName is the cookie in which the login host gives an application with a cookieDomain its
	// access token.
	CookieName = "authorization"
	// CSRFHeader carries the value of CSRFToken.
	CSRFHeader = "X-CSRF-Token"
	// CSRFField is the field of a form that carries it.
	CSRFField = "csrf_token"
	// RequestedWith is the header of the mode CustomHeader.
	RequestedWith = "X-Requested-With"
)

const (
	minKey     = 32
	maxForm    = 10 << 20
	maxCookies = 4
)

// AntiCSRF is how a request that came with a cookie shows that the application's own pages sent it.
// Browsers send cookies along whoever caused a request.
type AntiCSRF uint8

const (
	// CustomHeader wants a header with any value. A page of another origin cannot send it without asking
	// first (a CORS preflight), which the application does not allow. For applications that send all
	// changes by script.
	CustomHeader AntiCSRF = iota + 1
	// SessionToken wants the value of CSRFToken, in a header or in a field of the form. It is good for one
	// session only. For applications with plain HTML forms.
	SessionToken
)

// CookieConfig says how a web application takes tokens from a cookie. AntiCSRF is required, and Key with
// SessionToken.
type CookieConfig struct {
	// Name of the cookie. "" is CookieName.
	Name string
	// AntiCSRF is asked of every request that is not GET, HEAD or OPTIONS.
	AntiCSRF AntiCSRF
	// EveryMethod asks it of GET, HEAD and OPTIONS too: for applications where these change something, and
	// that nobody opens by a link.
	EveryMethod bool
	// Header is the name of the header. "" is RequestedWith for CustomHeader and CSRFHeader for
	// SessionToken.
	Header string
	// Field is the name of the form's field, for SessionToken. "" is CSRFField.
	Field string
	// Key makes the values of CSRFToken: at least 32 random bytes, the same on every node, and for nothing
	// else. After a change of the key, pages that are open have to be loaded again.
	Key []byte
	// MaxForm is how many bytes a form may have whose field has to be read. 0 is 10 MiB. With the token in
	// the header the body is not touched.
	MaxForm int64
	// Origins are other origins whose pages may send requests, such as "https://www.example.com", and
	// the application's own if a proxy before it changes the Host header. They need the header or
	// token nevertheless.
	Origins []string
	// SignIn answers GET and HEAD requests without a valid token in place of the 401, such as by a redirect to the
	// page that signs people in. Nil means the 401.
	SignIn http.Handler
}

// Cookie is a checked CookieConfig, for Options.Cookie.
type Cookie struct {
	config CookieConfig
	origin *http.CrossOriginProtection
}

// NewCookie checks the configuration.
func NewCookie(c CookieConfig) (*Cookie, error) {
	set := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	set(&c.Name, CookieName)
	set(&c.Field, CSRFField)
	switch c.AntiCSRF {
	case CustomHeader:
		set(&c.Header, RequestedWith)
		if len(c.Key) > 0 {
			return nil, errors.New("middleware: the mode CustomHeader uses no Key; is SessionToken meant?")
		}
	case SessionToken:
		set(&c.Header, CSRFHeader)
		if len(c.Key) < minKey {
			return nil, fmt.Errorf("middleware: the mode SessionToken needs a Key of at least %d random bytes", minKey)
		}
	default:
		return nil, errors.New("middleware: cookies are taken with an AntiCSRF mode only: CustomHeader or SessionToken")
	}
	if !name(c.Name) || !name(c.Header) {
		return nil, errors.New("middleware: the name of the cookie or of the header is none")
	}
	if anybody(c.Header) {
		return nil, fmt.Errorf("middleware: browsers or proxies send the header %s by themselves, so it proves nothing", c.Header)
	}
	if c.MaxForm < 0 {
		return nil, errors.New("middleware: MaxForm is below 0")
	}
	if c.MaxForm == 0 {
		c.MaxForm = maxForm
	}
	c.Key = slices.Clone(c.Key)
	made := &Cookie{config: c, origin: http.NewCrossOriginProtection()}
	for _, o := range c.Origins {
		if err := made.origin.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("middleware: %w", err)
		}
	}
	return made, nil
}

// String hides the key.
func (*Cookie) String() string { return "[cookie mode]" }

// GoString hides the key.
func (*Cookie) GoString() string { return "[cookie mode]" }

// name tells whether s is a token of HTTP (RFC 9110 section 5.6.2).
func name(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// anybody tells whether a header can be in a request that a foreign page caused without a preflight.
func anybody(header string) bool {
	header = textproto.CanonicalMIMEHeaderKey(header)
	for _, prefix := range []string{"Accept", "Access-Control-", "Content-", "If-", "Proxy-", "Sec-", "X-Forwarded-"} {
		if strings.HasPrefix(header, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"Authorization", "Cache-Control", "Connection", "Cookie", "Cookie2", "Date", "Device-Memory", "Dnt", "Downlink", "Dpr", "Early-Data",
		"Ect", "Expect", "Forwarded", "From", "Host", "Keep-Alive", "Last-Event-Id", "Origin", "Ping-From", "Ping-To", "Pragma", "Priority",
		"Range", "Referer", "Rtt", "Save-Data", "Service-Worker", "Set-Cookie", "Te", "Traceparent", "Tracestate", "Trailer",
		"Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Via", "Viewport-Width", "Width", "X-Real-Ip",
		"X-Request-Id", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
	}, header)
}

// signsIn tells whether a request that is refused with 401 gets the SignIn handler instead.
func (c *Cookie) signsIn(r *http.Request) bool {
	return c != nil && c.config.SignIn != nil && len(r.Header.Values("Authorization")) == 0 &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Upgrade") == ""
}

// checkCookie is check for a request without an Authorization header.
func (g *guard) checkCookie(w http.ResponseWriter, r *http.Request) (grant, error) {
	// What one person sees must not come to another out of a cache. For requests with an Authorization
	// header caches know that by themselves. The handler may say more.
	w.Header().Add("Vary", "Cookie")
	w.Header().Set("Cache-Control", "private")
	found := grant{guard: g, scheme: bearer}
	claims, token, err := g.options.Cookie.read(r, g.verifier)
	if err == nil && g.options.OnlyBound {
		err = ErrUnbound
	}
	if err == nil {
		err = g.options.Cookie.meant(w, r, claims.SessionID)
	}
	if err != nil {
		return found, err
	}
	found.claims, found.token = claims, token
	return found, nil
}

// read verifies what the cookie says. A browser may send several of one name: for this host and for
// its parent domain, where every sibling may plant one. Those that are not valid are nobody's; the others
// must be of one session, or nobody could say who is meant. The one that is good for longest counts.
func (c *Cookie) read(r *http.Request, v Verifier) (best verify.Claims, token string, err error) {
	sent := slices.DeleteFunc(r.CookiesNamed(c.config.Name), func(k *http.Cookie) bool { return k.Value == "" })
	if len(sent) > maxCookies {
		return verify.Claims{}, "", ErrCookies
	}
	why := ErrNoToken
	for i, k := range sent {
		claims, err := v.Verify(r.Context(), k.Value)
		switch {
		case err != nil:
		case claims.Confirmation.Bound(): // a cookie proves no key
			err = verify.ErrBound
		case claims.SessionID == "":
			err = ErrNoSession
		}
		switch {
		case errors.Is(err, verify.ErrKeysUnavailable):
			return verify.Claims{}, "", err
		case err != nil:
			if i == 0 {
				why = err
			}
		case token != "" && (claims.Issuer != best.Issuer || claims.Subject != best.Subject || claims.SessionID != best.SessionID):
			return verify.Claims{}, "", ErrCookies
		case token == "" || claims.ExpiresAt.After(best.ExpiresAt):
			best, token = claims, k.Value
		}
	}
	if token == "" {
		return verify.Claims{}, "", why
	}
	return best, token, nil
}

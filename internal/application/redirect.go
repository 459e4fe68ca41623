package application

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// AllowsRedirect tells whether people may be sent to raw after signing in at a. Nothing of
// raw is normalised (I-1). In Exact mode raw equals a registered URL byte for byte. In
// Origin mode the bytes of scheme and authority equal those of a registered http(s) URL,
// and raw is a URL that every parser reads alike: printable ASCII without user info,
// fragment, backslash, quote or space. RFC 9700 section 4.1. A third party's application is none
// of the login protocol: there nobody would be asked for consent.
func (a Application) AllowsRedirect(raw string) bool {
	if !a.Active || a.OAuth.ThirdParty || raw == "" || len(raw) > MaxRequestedURL {
		return false
	}
	for _, registered := range a.RedirectURLs {
		if raw == registered {
			return true
		}
	}
	if a.RedirectMode != Origin {
		return false
	}
	want, ok := parseRedirect(raw)
	if !ok || !want.web() {
		return false
	}
	for _, registered := range a.RedirectURLs {
		have, ok := parseRedirect(registered)
		if ok && have.web() && have.origin == want.origin {
			return true
		}
	}
	return false
}

// Origins returns the browser origins of a's redirect URLs, as an Origin header spells them, whose
// pages may call the login API. A third party's pages may not.
func (a Application) Origins() []string {
	if a.OAuth.ThirdParty {
		return nil
	}
	var out []string
	for _, u := range a.RedirectURLs {
		if p, ok := parseRedirect(u); ok && p.web() {
			out = append(out, p.origin)
		}
	}
	return out
}

// SendsBeyond tells whether codes and tokens go to places where before sent none: another
// redirect URL, the rest of an origin, a parent domain, and what the OAuth settings open (see
// OAuth.reaches). Loopback is the person's own machine.
func (a Application) SendsBeyond(before Application) bool {
	if a.OAuth.reaches(before.OAuth) {
		return true
	}
	if a.CookieDomain != "" && a.CookieDomain != before.CookieDomain {
		return true
	}
	wider := a.RedirectMode == Origin && before.RedirectMode != Origin
	return slices.ContainsFunc(a.RedirectURLs, func(u string) bool {
		return !IsLoopback(u) && (wider || !slices.Contains(before.RedirectURLs, u))
	})
}

// IsLoopback tells whether raw is an http(s) URL whose host is literally localhost, 127.0.0.1 or [::1].
func IsLoopback(raw string) bool {
	p, ok := parseRedirect(raw)
	return ok && p.web() && loopbackHost(p.host)
}

// IsLocal tells whether any program on a person's machine may get what is sent to raw: it is a loopback URL,
// or of a private-use scheme (RFC 8252 section 7).
func IsLocal(raw string) bool {
	p, ok := parseRedirect(raw)
	return ok && (!p.web() || loopbackHost(p.host))
}

// redirect is a URL taken apart by the narrowest reading there is.
type redirect struct {
	scheme string
	host   string // without port; an IPv6 address keeps its brackets
	origin string // scheme://authority, exactly as written
}

func (r redirect) web() bool { return r.scheme == "https" || r.scheme == "http" }

var (
	// privateScheme is a private-use scheme with at least one dot, RFC 8252 section 7.1. The dot
	// keeps out javascript, data, file and every other scheme that a browser gives a meaning.
	privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
	hostForm      = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)
)

// parseRedirect reads raw strictly. It does not decide what may be registered.
func parseRedirect(raw string) (redirect, bool) {
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}#", c) >= 0 {
			return redirect{}, false
		}
	}
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok {
		return redirect{}, false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Scheme != scheme || u.Fragment != "" {
		return redirect{}, false
	}
	if scheme != "https" && scheme != "http" {
		return redirect{scheme: scheme}, privateScheme.MatchString(scheme) && strings.HasPrefix(rest, "/")
	}
	authority, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return redirect{}, false
	}
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	host, ok := cutHost(authority)
	if !ok || u.Host != authority {
		return redirect{}, false
	}
	return redirect{scheme: scheme, host: host, origin: scheme + "://" + authority}, true
}

// cutHost takes the port off an authority and refuses hosts that parsers disagree about:
// upper case, trailing dots, percent signs, numbers in place of an IPv4 address.
func cutHost(authority string) (string, bool) {
	host, port, hasPort := authority, "", false
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']')
		if end < 0 {
			return "", false
		}
		host, port = authority[:end+1], authority[end+1:]
		if port != "" {
			port, hasPort = strings.CutPrefix(port, ":")
			if !hasPort {
				return "", false
			}
		}
		a, err := netip.ParseAddr(host[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" || a.String() != host[1:end] {
			return "", false
		}
	} else {
		host, port, hasPort = strings.Cut(authority, ":")
		if len(host) > 253 || !hostForm.MatchString(host) || !plainHost(host) {
			return "", false
		}
	}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "", false
		}
	}
	return host, true
}

// plainHost refuses a last label that browsers read as a number (127.1, 0x7f000001,
// 2130706433), unless the whole is a dotted IPv4 address.
func plainHost(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	numeric := strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == ""
	if !numeric {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is4() && a.String() == host
}

func loopbackHost(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "[::1]"
}

// ValidateRedirect is the rule for registering a redirect URL, as a fault of kind Invalid.
func ValidateRedirect(raw string) error { return validateRedirect(raw) }

// validateRedirect is the rule for registering.
func validateRedirect(raw string) error {
	if raw == "" || len(raw) > MaxRedirectURL {
		return invalid("A redirect URL has 1 to 1024 characters.")
	}
	if strings.Contains(raw, "*") {
		return invalid("A redirect URL has no wildcard. To leave the path free, use redirectMode origin.")
	}
	p, ok := parseRedirect(raw)
	if !ok {
		return invalid("A redirect URL is absolute, in lower-case ASCII up to its path, without user name, fragment, spaces, quotes or backslashes. A scheme of your own is a domain in reverse: com.example.app:/callback.")
	}
	if p.scheme == "http" && !loopbackHost(p.host) {
		return invalid("A redirect URL is https. Plain http is for localhost, 127.0.0.1 and [::1] only.")
	}
	return nil
}

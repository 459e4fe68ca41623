package application

import (
	"slices"
	"strconv"
	"strings"
)

// AllowsOAuthRedirect tells whether an authorization response may go to raw (RFC 9700 section 2.1):
// byte for byte a registered URL, whatever the RedirectMode.
func (a Application) AllowsOAuthRedirect(raw string) bool {
	return a.Active && MatchesRedirect(a.RedirectURLs, a.OAuth.Native, raw)
}

// MatchesRedirect is the rule of OAuth redirects: raw is one of the registered URLs, byte for byte.
// For a native client the port of a registered http loopback IP literal may be any, because its
// listener gets one from the operating system (RFC 8252 section 7.3); nothing else may differ.
func MatchesRedirect(registered []string, native bool, raw string) bool {
	if raw == "" || len(raw) > MaxRequestedURL {
		return false
	}
	if slices.Contains(registered, raw) {
		return true
	}
	if !native {
		return false
	}
	host, port, rest, ok := cutLoopback(raw)
	if !ok || port == "" {
		return false
	}
	return slices.ContainsFunc(registered, func(have string) bool {
		h, _, r, ok := cutLoopback(have)
		return ok && h == host && r == rest
	})
}

// cutLoopback takes an http URL of a literal loopback address apart without changing a byte.
func cutLoopback(raw string) (host, port, rest string, ok bool) {
	for _, host = range []string{"http://127.0.0.1", "http://[::1]"} {
		after, found := strings.CutPrefix(raw, host)
		if !found {
			continue
		}
		authority, rest := after, ""
		if end := strings.IndexAny(after, "/?"); end >= 0 {
			authority, rest = after[:end], after[end:]
		}
		if authority == "" {
			return host, "", rest, true
		}
		port, found = strings.CutPrefix(authority, ":")
		n, err := strconv.ParseUint(port, 10, 16)
		if !found || err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "", "", "", false
		}
		return host, port, rest, true
	}
	return "", "", "", false
}

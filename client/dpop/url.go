package dpop

import (
	"strings"
)

// SameURL tells whether a proof's htu names the URL of a request (RFC 9449 section 4.3, step 9).
// Equal are two spellings that differ in the case of scheme and host, in the port that the
// scheme implies, in the spelling of percent-encoded characters (RFC 3986 section 6.2.2), and in
// what follows the path: query and fragment do not count. Nothing else is taken for equal: dot
// segments stay, and %2F is no slash.
func SameURL(htu, request string) bool {
	a, okA := canonical(htu)
	b, okB := canonical(request)
	return okA && okB && a == b
}

// canonical returns the one spelling of an absolute http or https URL up to its query.
func canonical(raw string) (string, bool) {
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = lower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return "", false
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	host, path := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if host, ok = authority(scheme, host); !ok {
		return "", false
	}
	if path, ok = plain(path); !ok {
		return "", false
	}
	return scheme + "://" + host + path, true
}

// authority reads host and port. User information is refused.
func authority(scheme, text string) (string, bool) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("-._~[]:", c) >= 0:
		default:
			return "", false
		}
	}
	host, port := lower(text), ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i+1:]
	}
	if host == "" || strings.Trim(port, "0123456789") != "" {
		return "", false
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return host, true
	}
	return host + ":" + port, true
}

// plain writes percent-encoded characters that need no encoding as themselves, and the others
// with capital digits.
func plain(path string) (string, bool) {
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c <= 0x20 || c >= 0x7f {
			return "", false
		}
		if c != '%' {
			b.WriteByte(c)
			continue
		}
		if i+2 >= len(path) {
			return "", false
		}
		high, low := digit(path[i+1]), digit(path[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		i += 2
		if c = byte(high<<4 | low); unreserved(c) {
			b.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[high], digits[low]})
	}
	return b.String(), true
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// lower is for ASCII only: no letter of another script becomes one of ours.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

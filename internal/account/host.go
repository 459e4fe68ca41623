package account

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// PublicURL is the origin under which the default account is reached, from the
// configuration. It is the `iss` of that account's tokens, byte for byte.
type PublicURL struct {
	scheme string
	host   string // as a Host header has it: with the port unless it is the scheme's own
}

// loopbacks are the names of this machine. They mean the same account while the public
// URL is one of them, because the browser SDK makes use of the twin.
var loopbacks = []string{"localhost", "127.0.0.1", "[::1]"}

// ParsePublicURL reads the public URL: scheme and host in lower case, no path, no
// trailing slash, no port that the scheme implies; plain http on loopback only.
func ParsePublicURL(raw string) (PublicURL, error) {
	scheme, authority, ok := strings.Cut(raw, "://")
	u, err := url.Parse(raw)
	if !ok || err != nil || (scheme != "https" && scheme != "http") || u.Scheme != scheme || u.Host != authority {
		return PublicURL{}, errors.New("the public URL must look like https://login.example.com: scheme, host, port if any, no trailing slash")
	}
	name, port, err := splitHost(authority)
	if err != nil {
		return PublicURL{}, err
	}
	if implied(scheme, port) {
		return PublicURL{}, errors.New("the public URL must not name the port that its scheme implies")
	}
	p := PublicURL{scheme: scheme, host: authority}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err != nil && name != "localhost" {
		if err := checkName(name); err != nil {
			return PublicURL{}, err
		}
	}
	if scheme == "http" && !p.Loopback() {
		return PublicURL{}, errors.New("the public URL must be https; plain http is for localhost, 127.0.0.1 and [::1] only")
	}
	return p, nil
}

// String returns the URL as it was configured, without a trailing slash.
func (p PublicURL) String() string { return p.scheme + "://" + p.host }

// Loopback tells whether the public URL is on this machine.
func (p PublicURL) Loopback() bool {
	name, _, _ := splitHost(p.host)
	return slices.Contains(loopbacks, name)
}

// Hosts returns the Host headers that mean the default account.
func (p PublicURL) Hosts() []string {
	if !p.Loopback() {
		return []string{p.host}
	}
	_, port, _ := splitHost(p.host)
	out := make([]string, 0, len(loopbacks))
	for _, name := range loopbacks {
		out = append(out, joinHost(name, port))
	}
	return out
}

// LoopbackTwin returns the other name of a loopback origin: 127.0.0.1 for localhost, and
// localhost for the two addresses. The browser SDK only leaves a page for another host
// name, so a login started on one is sent to the other.
func LoopbackTwin(origin string) (string, bool) {
	p, err := ParsePublicURL(origin)
	if err != nil || !p.Loopback() {
		return "", false
	}
	name, port, _ := splitHost(p.host)
	twin := "localhost"
	if name == "localhost" {
		twin = "127.0.0.1"
	}
	return p.scheme + "://" + joinHost(twin, port), true
}

// ParseHost checks a custom domain: the bytes that browsers put into the Host header,
// which are lower-case ASCII labels (IDNA in its xn-- form), at least two of them, without
// a trailing dot, and a port only where it is not https' own.
func ParseHost(host string) error {
	name, port, err := splitHost(host)
	if err != nil {
		return invalid("A custom domain is a host name such as login.example.com.")
	}
	if implied("https", port) {
		return invalid("A custom domain names no port unless it is an unusual one.")
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return invalid("A custom domain is a name, not an address.")
	}
	if err := checkName(name); err != nil {
		return invalid("A custom domain is written in lower-case ASCII (xn-- for other letters), without a trailing dot.")
	}
	if !strings.Contains(name, ".") {
		return invalid("A custom domain has at least two labels.")
	}
	return nil
}

var labelForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// profile checks xn-- labels; it changes nothing that passed labelForm.
var profile = idna.New(idna.ValidateLabels(true), idna.VerifyDNSLength(true), idna.StrictDomainName(true), idna.CheckHyphens(false))

func checkName(name string) error {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if !labelForm.MatchString(l) {
			return errors.New("a host name is lower-case labels of letters, digits and hyphens")
		}
	}
	// Browsers read a host whose last label is a number as an IPv4 address.
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return errors.New("a host name does not end in a number")
	}
	unicode, err := profile.ToUnicode(name)
	if err != nil {
		return errors.New("the host name is not valid in IDNA")
	}
	if ascii, err := profile.ToASCII(unicode); err != nil || ascii != name {
		return errors.New("the host name is not in its canonical IDNA form")
	}
	return nil
}

// splitHost cuts the port off. It changes no byte, so that joinHost gives the same again.
func splitHost(host string) (name, port string, err error) {
	bad := errors.New("the host cannot be read")
	name = host
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", "", bad
		}
		name, port = host[:end+1], host[end+1:]
		a, err := netip.ParseAddr(name[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" || a.String() != name[1:end] {
			return "", "", bad
		}
		if port == "" {
			return name, "", nil
		}
		if port[0] != ':' {
			return "", "", bad
		}
		port = port[1:]
	} else {
		var has bool
		if name, port, has = strings.Cut(host, ":"); !has {
			port = ""
		} else if port == "" {
			return "", "", bad
		}
	}
	if name == "" || len(name) > 253 {
		return "", "", bad
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "", "", bad
		}
	}
	if strings.HasPrefix(host, "[") && port == "" {
		return "", "", bad
	}
	return name, port, nil
}

func joinHost(name, port string) string {
	if port == "" {
		return name
	}
	return name + ":" + port
}

func implied(scheme, port string) bool {
	return (scheme == "https" && port == "443") || (scheme == "http" && port == "80")
}

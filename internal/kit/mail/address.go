package mail

import "strings"

// Address is one e-mail address in its only accepted form: ASCII, lower case, no quoting,
// no comments, no routes. Two texts that reach the same mailbox by these rules are equal.
type Address string

const (
	maxAddress = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
	maxLocal   = 64
	maxDomain  = 253
	maxLabel   = 63
)

// ParseAddress reads what a person typed. It accepts the dot-atom form of RFC 5321 only and
// refuses everything that two mail systems could read differently: quoted local parts,
// comments, encoded words ("=?"), source routes (% and !), address literals, and bytes
// beyond ASCII. Spaces around the address are ignored.
func ParseAddress(text string) (Address, bool) {
	text = strings.Trim(text, " \t")
	if len(text) > maxAddress {
		return "", false
	}
	local, domain, found := strings.Cut(text, "@")
	if !found || !validLocal(local) || !validDomain(domain) {
		return "", false
	}
	return Address(strings.ToLower(text)), true
}

// Domain is the part after the @.
func (a Address) Domain() string {
	_, domain, _ := strings.Cut(string(a), "@")
	return domain
}

func validLocal(local string) bool {
	if local == "" || len(local) > maxLocal || strings.Contains(local, "=?") {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if c := atom[i]; !alphanumeric(c) && strings.IndexByte("#$&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

func validDomain(domain string) bool {
	if len(domain) > maxDomain {
		return false
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !alphanumeric(c) && c != '-' {
				return false
			}
		}
	}
	// A last label that begins with a digit would be an IP address or no domain at all.
	last := labels[len(labels)-1][0]
	return last < '0' || last > '9'
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Package wish owns the forms of what an application may ask of a login.
package wish

import (
	"encoding/base64"
	"strings"
)

const (
	maxList = 20  // audiences, scopes
	maxItem = 256 // bytes of each
	maxFlow = 128 // bytes
)

// Challenge takes the base64url of a SHA-256 hash, in its one canonical spelling.
func Challenge(c string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(c)
	return err == nil && len(b) == 32 && len(c) == 43
}

// Flow takes a list of code, token and id_token, separated by spaces.
func Flow(flow string) bool {
	for _, part := range strings.Fields(flow) {
		if part != "code" && part != "token" && part != "id_token" {
			return false
		}
	}
	return len(flow) <= maxFlow
}

// Audiences takes a few texts of printable ASCII without spaces.
func Audiences(list []string) bool {
	return texts(list, func(c byte) bool { return c > ' ' && c < 0x7f })
}

// Scopes takes a few scope tokens (RFC 6749 section 3.3).
func Scopes(list []string) bool {
	return texts(list, func(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '\\' })
}

func texts(list []string, ok func(byte) bool) bool {
	if len(list) > maxList {
		return false
	}
	for _, text := range list {
		if text == "" || len(text) > maxItem {
			return false
		}
		for i := range len(text) {
			if !ok(text[i]) {
				return false
			}
		}
	}
	return true
}

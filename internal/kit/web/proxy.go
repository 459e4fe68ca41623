package web

import (
	"net/http"
	"net/netip"
	"strings"
)

const maxForwarded = 32 // hops looked at, from the nearest

// clientAddress returns the peer's address unless it belongs to a trusted proxy. Then
// X-Forwarded-For is read from the right, past trusted proxies, to the first other address.
// Something unreadable ends the walk at the last address that a trusted party vouched for.
func clientAddress(r *http.Request, peer netip.Addr, trusted []netip.Prefix) netip.Addr {
	if len(trusted) == 0 || !within(peer, trusted) {
		return peer
	}
	at := peer
	headers := r.Header["X-Forwarded-For"]
	hops := 0
	for i := len(headers) - 1; i >= 0; i-- {
		rest := headers[i]
		for more := true; more; hops++ {
			var hop string
			cut := strings.LastIndexByte(rest, ',')
			if more = cut >= 0; more {
				rest, hop = rest[:cut], rest[cut+1:]
			} else {
				hop = rest
			}
			addr, ok := parseHop(hop)
			if !ok || hops >= maxForwarded {
				return at
			}
			at = addr
			if !within(addr, trusted) {
				return at
			}
		}
	}
	return at
}

func peerAddress(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// parseHop reads an address as proxies write it: bare, with a port, or in brackets.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// local tells whether the request comes straight from this machine: a loopback socket, a
// loopback host name (against DNS rebinding) and no trace of a proxy.
func local(r *http.Request) bool {
	if !peerAddress(r.RemoteAddr).IsLoopback() || !LoopbackHost(r.Host) {
		return false
	}
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"} {
		if len(r.Header[h]) > 0 {
			return false
		}
	}
	return true
}

// LoopbackHost tells whether host, with or without a port, is one of the literal names of this
// machine: localhost, 127.0.0.1 and [::1].
func LoopbackHost(host string) bool {
	for _, name := range []string{"localhost", "127.0.0.1", "[::1]"} {
		rest, ok := strings.CutPrefix(host, name)
		if ok && (rest == "" || rest[0] == ':') {
			return true
		}
	}
	return false
}

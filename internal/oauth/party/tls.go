package party

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/netip"
	"net/url"
	"slices"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/oauth"
)

// subject judges tls_client_auth (RFC 8705 section 2.1): a certificate that a configured authority
// vouches for, with the one registered subject.
func subject(c oauth.Client, r Presented) error {
	switch {
	case r.Certificate == nil:
		return oauth.Fail(oauth.InvalidClient, "This client authenticates with a certificate in the TLS handshake, and there was none.")
	case !r.Trusted:
		return errUnknown.With(errors.New("no configured authority vouches for the certificate"))
	case c.Settings.TLSSubject == nil || !HasSubject(r.Certificate, *c.Settings.TLSSubject):
		return errUnknown.With(errors.New("the certificate has another subject than the registered one"))
	}
	return nil
}

// selfSigned judges self_signed_tls_client_auth (RFC 8705 section 2.2): the TLS handshake has proved
// the private key of a public one that the client has registered.
func (p *Parties) selfSigned(ctx context.Context, c oauth.Client, r Presented) error {
	if r.Certificate == nil {
		return oauth.Fail(oauth.InvalidClient, "This client authenticates with a certificate in the TLS handshake, and there was none.")
	}
	holds := func(s *jwks.Set) bool { return s.Holds(r.Certificate.PublicKey) }
	set, err := p.registered(ctx, c, holds)
	if err != nil {
		return refused(err)
	}
	if !holds(set) {
		return errUnknown.With(errors.New("the certificate's key is none that the client has registered"))
	}
	return nil
}

// HasSubject tells whether a certificate has the registered subject, in exactly the registered place.
func HasSubject(cert *x509.Certificate, want application.TLSSubject) bool {
	switch {
	case want.DN != "":
		var names pkix.RDNSequence
		rest, err := asn1.Unmarshal(cert.RawSubject, &names)
		return err == nil && len(rest) == 0 && names.String() == want.DN
	case want.DNS != "":
		return slices.Contains(cert.DNSNames, want.DNS)
	case want.URI != "":
		return slices.ContainsFunc(cert.URIs, func(u *url.URL) bool { return u.String() == want.URI })
	case want.Email != "":
		return slices.Contains(cert.EmailAddresses, want.Email)
	case want.IP != "":
		a, err := netip.ParseAddr(want.IP)
		if err != nil {
			return false
		}
		for _, ip := range cert.IPAddresses {
			if b, ok := netip.AddrFromSlice(ip); ok && b.Unmap() == a.Unmap() {
				return true
			}
		}
	}
	return false
}

package connection

import "slices"

// judge asks AllowTrust when the connection, which was old or is new, gets to believe somebody
// whom it did not believe. Whoever is believed can name any person of the connection, also
// those who may do more than the actor (I-14).
func (in Input) judge(old *Connection, next Connection) error {
	if in.AllowTrust == nil || !believesMore(old, next) {
		return nil
	}
	return in.AllowTrust()
}

// believesMore compares where a connection asks who somebody is, as which client, and for whose
// addresses it vouches. A new connection knows nobody yet, so it only can vouch.
func believesMore(old *Connection, next Connection) bool {
	is, was := next.Spec.filled(), Spec{}
	if old != nil {
		was = old.Spec.filled()
		if is.IssuerURL != was.IssuerURL || is.AuthenticationURL != was.AuthenticationURL || is.TokenURL != was.TokenURL ||
			is.UserEndpointURL != was.UserEndpointURL || is.ClientID != was.ClientID {
			return true
		}
	}
	return slices.ContainsFunc(is.EmailDomains, func(d string) bool { return !slices.Contains(was.EmailDomains, d) })
}

package verify

import "github.com/admit-id/admit/client/internal/strict"

// Confirmation is what a token is bound to (cnf, RFC 7800). A token that has one is worth nothing
// by itself: whoever sends it must prove to hold the key or the certificate.
type Confirmation struct {
	JKT string // the thumbprint of a key, jkt (RFC 9449 section 6.1), or empty
	X5T string // the thumbprint of a client certificate, x5t#S256 (RFC 8705 section 3.1), or empty
}

// Bound tells whether there is anything to prove.
func (c Confirmation) Bound() bool { return c != Confirmation{} }

// Actor is who acts for the subject of a token (act, RFC 8693 section 4.1).
type Actor struct {
	Subject string // sub
	Issuer  string // iss, or empty for the token's own
	Client  string // client_id, or empty
	Actor   *Actor // who acted before: it is told for the record and decides nothing
}

const (
	maxThumbprint = 43 // base64url of SHA-256
	maxACR        = 256
)

// confirmation reads cnf. A way to prove that is not known here is refused: nobody would check it.
func confirmation(m strict.Member) (c Confirmation, err error) {
	members, err := strict.Object(m.Value)
	if err != nil || len(members) == 0 {
		return c, malformed("claims: cnf is no object with members")
	}
	for _, m := range members {
		into := &c.JKT
		switch m.Name {
		case "jkt":
		case "x5t#S256":
			into = &c.X5T
		default:
			return c, malformed("claims: cnf has a member other than jkt and x5t#S256")
		}
		if *into, err = strict.String(m.Value); err != nil || len(*into) != maxThumbprint {
			return c, malformed("claims: a member of cnf is no thumbprint")
		}
		if _, err := strict.Segment(*into); err != nil {
			return c, malformed("claims: a member of cnf is no thumbprint")
		}
	}
	return c, nil
}

// acting reads act. The reader of JSON bounds how deep it can be.
func acting(data []byte) (*Actor, error) {
	members, err := strict.Object(data)
	if err != nil {
		return nil, malformed("claims: act is no object")
	}
	a := &Actor{}
	for _, m := range members {
		switch m.Name {
		case "sub":
			a.Subject, err = text(m, maxSubject)
		case "iss":
			a.Issuer, err = text(m, maxText)
		case "client_id":
			a.Client, err = text(m, maxText)
		case "act":
			a.Actor, err = acting(m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Subject == "" && a.Client == "" {
		return nil, malformed("claims: act names nobody")
	}
	return a, nil
}

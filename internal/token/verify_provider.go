package token

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Provider reads the tokens that are not signed by an account's EdDSA key for access tokens: by
// other algorithms, and by static keys. *Service is one.
type Provider interface {
	ReadAccess(account ident.AccountID, compact string, now time.Time) (Own, error)
	// Published tells whether verifiers may still believe what a key has signed.
	Published(account ident.AccountID, kid ident.KeyID) bool
}

// Published implements Provider.
func (s *Service) Published(account ident.AccountID, kid ident.KeyID) bool {
	_, ok := s.deps.Keys.Find(account, kid)
	return ok
}

// bonds are the claims that only tokens of the provider have.
type bonds struct {
	Grant   string       `json:"gid"`
	Confirm Confirmation `json:"cnf"`
}

// readProvider checks a token that was signed by another key of ours.
func (v *Verifier) readProvider(account ident.AccountID, bearer string, now time.Time) (*proof, error) {
	if v.deps.Provider == nil {
		return nil, errUnknown
	}
	own, err := v.deps.Provider.ReadAccess(account, bearer, now)
	if err != nil {
		return nil, errUnknown
	}
	p := newProof(actor.Actor{Kind: actor.User, Account: account, ID: own.Subject, Session: own.Session}, own.KeyID, nil, own.Issued, own.Expires)
	p.provided = true
	p.app, p.id = ident.ApplicationID(strings.Clone(own.Client)), strings.Clone(own.ID)
	switch {
	case !slices.Contains(own.Audience, string(account)):
		return nil, errMismatch
	case own.Expires.Sub(own.Issued) > MaxLife:
		return nil, errLife
	}
	p.bind(bonds{own.Grant, own.Confirm})
	return p, nil
}

// bind notes what only tokens of the provider say. A client that acts for itself is the subject of its
// own token; only service clients can be asked about permissions.
func (p *proof) bind(b bonds) {
	p.own, p.grant = true, strings.Clone(b.Grant)
	if b.Confirm != (Confirmation{}) {
		p.actor.Bound = &actor.Binding{JKT: strings.Clone(b.Confirm.JKT), X5T: strings.Clone(b.Confirm.X5T)}
	}
	if p.grant != "" && p.actor.ID == string(p.app) {
		p.actor.Kind = actor.ServiceClient
	}
}

// currentOwn looks at everything that may have ended since a token of ours was issued.
func (v *Verifier) currentOwn(p *proof) error {
	a, ended := &p.actor, v.deps.Sessions
	if p.grant != "" && (ended.GrantEnded(a.Account, p.grant) || ended.GrantEnded(a.Account, p.id) || ended.ClientEnded(a.Account, string(p.app), p.issued)) {
		return errRevoked
	}
	if a.Kind == actor.ServiceClient {
		if !v.deps.Clients.Active(a.Account, ident.ServiceClientID(a.ID)) {
			return errRevoked
		}
	} else {
		user := ident.UserID(a.ID)
		if a.Session != "" && ended.Ended(a.Account, a.Session) || ended.UserEnded(a.Account, user, p.issued) ||
			ended.TokenDisabled(a.Account, user, p.id) || !v.deps.Application(a.Account, p.app) {
			return errRevoked
		}
	}
	if !p.provided {
		return p.sameKey(v.deps.SigningKey(a.Account, p.kid))
	}
	if !v.deps.Provider.Published(a.Account, p.kid) {
		return errRevoked
	}
	return nil
}

// readBonds decodes the claims of an own token that only the provider sets.
func readBonds(decode func(any) error) (b bonds, err error) {
	var raw struct {
		bonds
		Confirm json.RawMessage `json:"cnf"`
	}
	if err := decode(&raw); err != nil {
		return bonds{}, err
	}
	b.Grant = raw.Grant
	if raw.Confirm == nil {
		return b, nil
	}
	if err := json.Unmarshal(raw.Confirm, &b.Confirm); err != nil {
		return bonds{}, err
	}
	if b.Confirm == (Confirmation{}) { // bound to something that nobody here can prove
		return bonds{}, errMismatch
	}
	return b, nil
}

package token

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
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

// family is the claim by which tokens of the provider end together.
type family struct {
	Grant string `json:"gid"`
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
	return provided(account, own)
}

// OpaquePrefix begins the access tokens that say nothing by themselves.
const OpaquePrefix = "aat_"

// readOpaque checks one of them. What its row says does not change, so that it is remembered as others are.
func (v *Verifier) readOpaque(ctx context.Context, account ident.AccountID, bearer string) (*proof, error) {
	if v.deps.Opaque == nil {
		return nil, errUnknown
	}
	own, err := v.deps.Opaque(ctx, account, bearer)
	if fault.Is(err, fault.Unavailable) {
		return nil, err
	}
	if err != nil {
		return nil, errNotValid.With(err)
	}
	return provided(account, own)
}

// provided is the proof of a token of the provider that is for the account itself.
func provided(account ident.AccountID, own Own) (*proof, error) {
	p := newProof(actor.Actor{Kind: actor.User, Account: account, ID: own.Subject, Session: own.Session}, own.KeyID, nil, own.Issued, own.Expires)
	p.provided = true
	p.app, p.id = ident.ApplicationID(strings.Clone(own.Client)), strings.Clone(own.ID)
	switch {
	case !slices.Contains(own.Audience, string(account)):
		return nil, errMismatch
	case own.Expires.Sub(own.Issued) > MaxLife:
		return nil, errLife
	}
	if own.Confirm != (Confirmation{}) {
		p.actor.Bound = &actor.Binding{JKT: strings.Clone(own.Confirm.JKT), X5T: strings.Clone(own.Confirm.X5T)}
	}
	p.belongs(own.Grant)
	return p, nil
}

// belongs notes that the token is ours, and the family that it ends with. A client that acts for itself
// is the subject of its own token; only service clients can be asked about permissions.
func (p *proof) belongs(grant string) {
	p.own, p.grant = true, strings.Clone(grant)
	p.actor.Delegated = grant != "" || p.provided
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
	if p.seat != "" && ended.ClientEnded(a.Account, p.seat, p.issued) {
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
	if p.kid != "" && !v.deps.Provider.Published(a.Account, p.kid) {
		return errRevoked
	}
	return nil
}

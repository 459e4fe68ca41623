package tenant

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Arrival is a person at the end of a login: who it is and what was proved.
type Arrival struct {
	By     actor.Actor
	User   ident.UserID
	Wanted ident.TenantID // that the login was started for, or empty

	Connection ident.ConnectionID // that proved who it is
	// Closed says that only the connection's owner lets people in there, so that being known to it
	// proves something. At a public provider anybody can be somebody.
	Closed bool
	// Fallback says that the connection's people belong to the tenant of their address.
	Fallback bool
	Email    string
	Verified bool // of Email
}

// ErrNotMember refuses a login for a tenant that the person does not belong to. A fault of kind Forbidden.
var ErrNotMember = fault.New(fault.Forbidden, "NotTenantMember", "This person does not belong to the tenant.")

// Admit says for which tenant the person is signed in, inside the caller's unit of work, and
// makes them a member where what was proved makes them one:
//
//   - the tenant's connection is closed and no other tenant's: all its people are the tenant's;
//   - the tenant's connection is public or shared: those with a verified address of its domains;
//   - a connection of no tenant that assigns by domain: those with a verified address of the domains of
//     a tenant that has no connection.
//
// Who asked for a tenant must come through its connection, if it has one, and be or become a
// member; else it is ErrNotMember. Who asked for none and belongs to none has none.
func (s *Service) Admit(ctx context.Context, t tx.Tx, a Arrival) (ident.TenantID, error) {
	if a.Wanted == "" {
		return s.assign(ctx, t, a)
	}
	n, ok := s.d.Directory.Get(a.By.Account, a.Wanted)
	if !ok || n.Connection != "" && n.Connection != a.Connection {
		return "", ErrNotMember
	}
	if s.proves(n, a) {
		return n.ID, s.join(ctx, t, a.By, n.ID, a.User, a.Connection)
	}
	member, err := s.d.Members.Is(ctx, t, a.By.Account, n.ID, a.User)
	if err == nil && !member {
		err = ErrNotMember
	}
	return n.ID, err
}

// assign finds the tenant of a person who asked for none.
func (s *Service) assign(ctx context.Context, t tx.Tx, a Arrival) (ident.TenantID, error) {
	candidates := s.d.Directory.ByConnection(a.By.Account, a.Connection)
	if len(candidates) == 0 {
		if n, ok := s.d.Directory.ByDomain(a.By.Account, a.Email); ok && n.Has(a.Email) {
			candidates = []Tenant{n}
		}
	}
	for _, n := range candidates {
		if s.proves(n, a) {
			return n.ID, s.join(ctx, t, a.By, n.ID, a.User, a.Connection)
		}
	}
	var found ident.TenantID
	for _, n := range candidates {
		if n.Connection != a.Connection {
			continue
		}
		member, err := s.d.Members.Is(ctx, t, a.By.Account, n.ID, a.User)
		if err != nil {
			return "", err
		}
		if member && found != "" {
			return "", nil // a member of several, and which one is not said
		}
		if member {
			found = n.ID
		}
	}
	return found, nil
}

// proves tells whether what the person proved makes them the tenant's.
func (s *Service) proves(n Tenant, a Arrival) bool {
	own := n.Connection != "" && n.Connection == a.Connection
	if own && a.Closed && len(s.d.Directory.ByConnection(a.By.Account, a.Connection)) == 1 {
		return true
	}
	// Who has a connection of their own comes through it, and whose connection it is does not vouch for others.
	falls := a.Fallback && n.Connection == "" && len(s.d.Directory.ByConnection(a.By.Account, a.Connection)) == 0
	return (own || falls) && a.Verified && n.Has(a.Email)
}

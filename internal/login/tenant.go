package login

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Tenant is what a login needs to know of a tenant.
type Tenant struct {
	ID          ident.TenantID
	Connection  ident.ConnectionID // its only way in, or empty
	SessionLife time.Duration      // bounds its people's sessions; 0 means that the account's limits hold
}

// Arrival is a person at the end of a login for whom a tenant is sought.
type Arrival struct {
	By         actor.Actor
	User       ident.UserID
	Wanted     ident.TenantID // that the login is for, or empty
	Connection ident.ConnectionID
	Closed     bool // only its owner lets people in at the connection
	Fallback   bool // the connection's people belong to the tenant of their address
	Email      string
	Verified   bool
}

// Tenants knows the tenants of every account. Its finders answer from memory.
type Tenants interface {
	Get(account ident.AccountID, id ident.TenantID) (Tenant, bool)
	ByLookup(account ident.AccountID, lookup string) (Tenant, bool)
	// ByDomain takes a domain or an address.
	ByDomain(account ident.AccountID, domain string) (Tenant, bool)
	// Admit says for which tenant the person is signed in, or none; ErrNotMember refuses the login.
	Admit(ctx context.Context, t tx.Tx, a Arrival) (ident.TenantID, error)
	IsMember(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.TenantID, user ident.UserID) (bool, error)
}

// errNotMember refuses a login for a tenant that the person does not belong to.
var errNotMember = fault.New(fault.Forbidden, "NotTenantMember", "This person does not belong to the tenant.")

// TenantOf returns the tenant that a session stands for, while its person is a member, or "".
func TenantOf(ctx context.Context, t tx.Tx, tenants Tenants, found session.Session) (ident.TenantID, error) {
	id := found.Tenant()
	if id == "" {
		return "", nil
	}
	member, err := tenants.IsMember(ctx, t, found.Account, id, found.User)
	if err != nil || !member {
		return "", err
	}
	return id, nil
}

// admit finds the person's tenant and notes it in the proof. One of Admit's own factors makes nobody a
// member: it says nothing of an address.
func (s *Service) admit(ctx context.Context, t tx.Tx, a actor.Actor, r Request, p proved, u user.User, proof *session.Evidence) error {
	arrival := Arrival{
		By: a, User: u.ID, Wanted: r.Tenant, Connection: p.identity.Connection, Email: p.profile.Email, Verified: p.profile.EmailVerified,
	}
	if c, ok := s.d.Connections.Get(a.Account, p.identity.Connection); ok && p.known == "" {
		arrival.Closed, arrival.Fallback = !c.Public(), c.Assignment == connection.AssignmentByDomain
	}
	var err error
	if proof.Tenant, err = s.d.Tenants.Admit(ctx, t, arrival); err != nil {
		if fault.Is(err, fault.Forbidden) {
			err = errNotMember
		}
		return err
	}
	return nil
}

// Doors tells through which connections a request may be answered.
type Doors struct {
	Tenants     Tenants
	Connections Connections
}

// Doors are those of the service.
func (s *Service) Doors() Doors { return Doors{s.d.Tenants, s.d.Connections} }

// Only is the connection that the request's tenant demands, or that of a request that links, or "".
func (d Doors) Only(r Request) ident.ConnectionID {
	if r.Link != "" {
		return r.Connection
	}
	if r.Tenant == "" {
		return ""
	}
	n, _ := d.Tenants.Get(r.Account, r.Tenant)
	return n.Connection
}

// Offered tells whether the request's page offers a connection.
func (d Doors) Offered(r Request, id ident.ConnectionID) bool {
	if only := d.Only(r); only != "" && id != only {
		return false
	}
	c, ok := d.Connections.Get(r.Account, id)
	return ok && (r.Link == "" || r.Replaces != "" || c.Linkable())
}

// HomeOf finds where the people of an address's domain sign in, for a request that leaves it open.
func (d Doors) HomeOf(r Request, address mail.Address) (ident.ConnectionID, bool) {
	n, ok := d.Tenants.ByDomain(r.Account, string(address))
	if !ok || n.Connection == "" || n.Connection == emailcode.Connection || r.Tenant != "" && r.Tenant != n.ID ||
		r.Connection != "" && r.Connection != n.Connection || !d.Offered(r, n.Connection) {
		return "", false
	}
	return n.Connection, true
}

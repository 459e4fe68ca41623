package begin

import (
	"context"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/login/wish"
)

const (
	maxList      = 20   // properties
	maxReference = 128  // bytes of ids and lookup identifiers
	maxProperty  = 1024 // bytes of a connection property
	maxInvite    = 256  // bytes of an invite's id
	proofPurpose = "login/proof"
)

func invalid(code, public string) error { return fault.New(fault.Invalid, code, public) }

// Start stores a login request. It is bound to a browser when its page is first shown. The
// faults are of kind Invalid with the codes InvalidRequest, InvalidApplication,
// InvalidRedirectUrl, InvalidConnection, InvalidTenant, InvalidInvite, LinkIdentityNotSupported.
// A proof of work that was taken before leads to the request it made, while that is untouched
// and wants the same, so that a retried call makes one request; else it is refused.
func (s *Service) Start(ctx context.Context, r login.StartRequest) (login.Started, error) {
	app, ok := s.d.Applications.Get(r.Account, r.Application)
	if !ok {
		return login.Started{}, invalid("InvalidApplication", "There is no such application. Check the applicationId and the host you call.")
	}
	if err := s.checkStart(app, r); err != nil {
		return login.Started{}, err
	}
	next := login.Request{
		Account: r.Account, ID: login.NewID(), Application: r.Application, RedirectURL: r.RedirectURL, Challenge: r.Challenge,
		Connection: r.Connection, Properties: r.ConnectionProperties, Audiences: r.Audiences, Scopes: r.Scopes,
		ResponseLocation: r.ResponseLocation, FlowType: r.FlowType, MultiAccount: r.MultiAccount,
	}
	if err := s.aimLink(&next, r); err != nil {
		return login.Started{}, err
	}
	wanted := next
	err := s.d.DB.Write(ctx, tx.In(r.Account), func(ctx context.Context, t tx.Tx) error {
		next = wanted
		if err := s.aim(ctx, t, &next, r); err != nil {
			return err
		}
		if err := s.checkLink(&next); err != nil {
			return err
		}
		next.CreatedAt, next.ExpiresAt = t.Now(), t.Now().Add(login.RequestLife)
		former, err := s.useProof(ctx, t, r.Account, r.AntiAbuse, next.ID)
		if err != nil {
			return err
		}
		if former == "" {
			return s.d.Store.Insert(ctx, t, next)
		}
		old, err := s.d.Store.Get(ctx, t, r.Account, former)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || len(old.Browser) > 0 || old.Challenge != next.Challenge || old.RedirectURL != next.RedirectURL || old.Application != next.Application ||
			old.Tenant != next.Tenant || old.Invite != next.Invite || old.Link != next.Link {
			return errProofUsed
		}
		next = old
		return nil
	})
	return login.Started{ID: next.ID, URL: login.Address(s.d.Accounts, next)}, err
}

// aim says where a new request leads: an invite's tenant goes before the one that is looked up, and
// a tenant's connection before the one that is named.
func (s *Service) aim(ctx context.Context, t tx.Tx, next *login.Request, r login.StartRequest) error {
	if r.TenantLookup != "" {
		n, ok := s.d.Tenants.ByLookup(r.Account, r.TenantLookup)
		if !ok {
			return errTenant
		}
		if err := s.pin(next, n); err != nil {
			return err
		}
	}
	if r.Invite != "" {
		if err := s.follow(ctx, t, next, secret.New(r.Invite)); err != nil {
			return err
		}
	}
	// For a service client the SDK does not redirect, and the link leads to the issuer's host.
	next.Twin = !handover.IsClient(next.Connection) && address.WantsTwin(s.d.Accounts.Issuer(r.Account), r.RedirectURL)
	return nil
}

var errTenant = fault.New(fault.Invalid, "InvalidTenant", "There is no tenant with that tenantLookupIdentifier.")

var errProofUsed = fault.New(fault.Invalid, fault.CodeInvalidRequest, "The antiAbuseHash was used before. Make a new one for each request.")

// useProof takes a proof of work once. It returns the login that was started with it before, or "".
func (s *Service) useProof(ctx context.Context, t tx.Tx, account ident.AccountID, p *login.AntiAbuse, id ident.LoginID) (ident.LoginID, error) {
	if p == nil {
		return "", nil
	}
	return s.d.Artifacts.UseProof(ctx, t, account, secret.Hash(proofPurpose, p.Hash), id, p.Expires)
}

func (s *Service) checkStart(app login.Application, r login.StartRequest) error {
	switch {
	case r.ChallengeMethod != "S256" || !wish.Challenge(r.Challenge):
		return invalid(fault.CodeInvalidRequest, "A codeChallenge with the codeChallengeMethod S256 is needed (RFC 7636).")
	case len(r.Invite) > maxInvite:
		return errInvite
	case r.ResponseLocation != "" && r.ResponseLocation != "cookie" && r.ResponseLocation != "query" && r.ResponseLocation != "none":
		return invalid(fault.CodeInvalidRequest, "The responseLocation must be cookie, query or none.")
	case !wish.Flow(r.FlowType):
		return invalid(fault.CodeInvalidRequest, "The flowType is a list of code, token and id_token, separated by spaces.")
	case !wish.Audiences(r.Audiences):
		return invalid(fault.CodeInvalidRequest, "The audiences are at most 20 texts of printable ASCII, each of at most 256 characters.")
	case !wish.Scopes(r.Scopes):
		return invalid(fault.CodeInvalidRequest, "The requestedScopes are at most 20 scope tokens (RFC 6749 section 3.3), each of at most 256 characters.")
	}
	if err := address.CheckRedirect(app.AllowsRedirect, r.RedirectURL); err != nil {
		return err
	}
	return s.checkConnection(r.Account, r.Connection, r.ConnectionProperties)
}

func (s *Service) checkConnection(account ident.AccountID, c ident.ConnectionID, properties map[string]string) error {
	if len(properties) > maxList {
		return invalid(fault.CodeInvalidRequest, "There are more than 20 connectionProperties.")
	}
	for name, value := range properties {
		if name == "" || len(name) > maxReference || len(value) > maxProperty {
			return invalid(fault.CodeInvalidRequest, "A connection property has a name of 1 to 128 and a value of at most 1024 bytes.")
		}
	}
	if c == "" {
		return nil
	}
	if _, ok := s.d.Connections.Get(account, c); !ok && !s.d.Handovers.Offered(account, c) || len(c) > maxReference {
		return invalid("InvalidConnection", "There is no such connection, or it is switched off.")
	}
	return nil
}

var errInvite = fault.New(fault.Invalid, "InvalidInvite", "There is no such invite, or it was used already.")

// follow makes a request the one that an invite leads to. The tenant that the invite names goes
// before every other wish.
func (s *Service) follow(ctx context.Context, t tx.Tx, r *login.Request, id secret.Text) error {
	found, err := s.d.Invites.Look(ctx, t, r.Account, id)
	if fault.Is(err, fault.NotFound) {
		return errInvite
	}
	if err != nil {
		return err
	}
	r.Invite = found.Key
	if found.Tenant == "" {
		return nil
	}
	n, ok := s.d.Tenants.Get(r.Account, found.Tenant)
	if !ok {
		return errTenant
	}
	return s.pin(r, n)
}

// pin makes a request one for a tenant: only through the tenant's connection, if it has one.
func (s *Service) pin(r *login.Request, n login.Tenant) error {
	r.Tenant = n.ID
	if n.Connection == "" {
		return nil
	}
	r.Connection = n.Connection
	return s.checkConnection(r.Account, r.Connection, nil)
}

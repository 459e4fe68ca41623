package login

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/login/wish"
)

const (
	maxList      = 20   // properties
	maxReference = 128  // bytes of ids and lookup identifiers
	maxProperty  = 1024 // bytes of a connection property
	maxInvite    = 256  // bytes of an invite's id
	keepExpired  = 24 * time.Hour
	proofPurpose = "login/proof"
)

func invalid(code, public string) error { return fault.New(fault.Invalid, code, public) }

// Start stores a login request. It is bound to a browser when its page is first shown. The
// faults are of kind Invalid with the codes InvalidRequest, InvalidApplication,
// InvalidRedirectUrl, InvalidConnection, InvalidTenant, InvalidInvite, LinkIdentityNotSupported.
// A proof of work that was taken before leads to the request it made, while that is untouched
// and wants the same, so that a retried call makes one request; else it is refused.
func (s *Service) Start(ctx context.Context, r StartRequest) (Started, error) {
	app, ok := s.d.Applications.Get(r.Account, r.Application)
	if !ok {
		return Started{}, invalid("InvalidApplication", "There is no such application. Check the applicationId and the host you call.")
	}
	if err := s.checkStart(app, r); err != nil {
		return Started{}, err
	}
	next := Request{
		Account: r.Account, ID: NewID(), Application: r.Application, RedirectURL: r.RedirectURL, Challenge: r.Challenge,
		Connection: r.Connection, Properties: r.ConnectionProperties, Audiences: r.Audiences, Scopes: r.Scopes,
		ResponseLocation: r.ResponseLocation, FlowType: r.FlowType, MultiAccount: r.MultiAccount,
	}
	wanted := next
	err := s.d.DB.Write(ctx, tx.In(r.Account), func(ctx context.Context, t tx.Tx) error {
		next = wanted
		if err := s.aim(ctx, t, &next, r); err != nil {
			return err
		}
		next.CreatedAt, next.ExpiresAt = t.Now(), t.Now().Add(RequestLife)
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
		if err != nil || old.bound() || old.Challenge != next.Challenge || old.RedirectURL != next.RedirectURL || old.Application != next.Application ||
			old.Tenant != next.Tenant || old.Invite != next.Invite {
			return errProofUsed
		}
		next = old
		return nil
	})
	return Started{ID: next.ID, URL: s.address(next)}, err
}

// aim says where a new request leads: an invite's tenant goes before the one that is looked up, and
// a tenant's connection before the one that is named.
func (s *Service) aim(ctx context.Context, t tx.Tx, next *Request, r StartRequest) error {
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
func (s *Service) useProof(ctx context.Context, t tx.Tx, account ident.AccountID, p *AntiAbuse, id ident.LoginID) (ident.LoginID, error) {
	if p == nil {
		return "", nil
	}
	return s.d.Artifacts.UseProof(ctx, t, account, secret.Hash(proofPurpose, p.Hash), id, p.Expires)
}

func (s *Service) checkStart(app Application, r StartRequest) error {
	switch {
	case r.LinkIdentity:
		return invalid("LinkIdentityNotSupported", "This server does not link identities yet.")
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

// Update is PATCH /api/authentication/{id}: a page of the customer's own names the connection, a
// tenant by its lookup identifier or domain, or an e-mail address to fill in, whose domain may have
// a tenant. Only a request that nobody has finished can be updated. The page is called without
// our cookies, so the browser's binding stays as it is.
func (s *Service) Update(ctx context.Context, r UpdateRequest) (Started, error) {
	wish := Request{Account: r.Account, Connection: r.Connection, Properties: r.ConnectionProperties}
	if err := s.checkConnection(r.Account, r.Connection, r.ConnectionProperties); err != nil {
		return Started{}, err
	}
	if err := s.choose(&wish, r); err != nil {
		return Started{}, err
	}
	var next Request
	err := s.d.DB.Write(ctx, tx.In(r.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if next, err = s.d.Store.Get(ctx, t, r.Account, r.ID); err != nil {
			return err
		}
		former, err := s.useProof(ctx, t, r.Account, r.AntiAbuse, r.ID)
		if err != nil {
			return err
		}
		if former != "" && former != r.ID {
			return errProofUsed
		}
		wish := wish
		if err := s.keepTenant(next, &wish); err != nil {
			return err
		}
		next.Connection, next.Tenant, next.Hint, next.Properties, next.Problem = wish.Connection, wish.Tenant, wish.Hint, wish.Properties, ProblemNone
		ok, err := s.d.Store.Choose(ctx, t, next)
		if err == nil && !ok {
			return fault.New(fault.Invalid, fault.CodeExpired, "This sign-in was finished or is too old. Start a new one.")
		}
		return err
	})
	if err != nil {
		return Started{}, err
	}
	return Started{ID: next.ID, URL: s.address(next)}, nil
}

// choose reads what an update names.
func (s *Service) choose(wish *Request, r UpdateRequest) error {
	if r.TenantLookup == "" {
		if r.Connection == "" {
			return invalid(fault.CodeInvalidRequest, "Name a connectionId, a tenantLookupIdentifier or an e-mail address.")
		}
		return nil
	}
	if n, ok := s.d.Tenants.ByLookup(r.Account, r.TenantLookup); ok {
		return s.pin(wish, n)
	}
	if mailbox, ok := mail.ParseAddress(r.TenantLookup); ok {
		wish.Hint = string(mailbox)
		if home, ok := s.homeOf(*wish, mailbox); ok {
			wish.Connection = home
		}
		return nil
	}
	n, ok := s.d.Tenants.ByDomain(r.Account, r.TenantLookup)
	if !ok {
		return errTenant
	}
	return s.pin(wish, n)
}

// keepTenant leaves a request with its tenant while the update names nothing else. That of an
// invite stays.
func (s *Service) keepTenant(is Request, wish *Request) error {
	only := s.onlyConnection(is)
	other := wish.Tenant != "" && wish.Tenant != is.Tenant || wish.Connection != "" && only != "" && wish.Connection != only
	switch {
	case is.Tenant == "":
	case other && is.Invite != "":
		return fault.New(fault.Invalid, "InvalidTenant", "The invite of this sign-in is for one tenant, which cannot be changed.")
	case !other:
		wish.Tenant = is.Tenant
		if only != "" {
			wish.Connection = only
		}
	}
	return nil
}

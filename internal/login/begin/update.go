package begin

import (
	"context"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
)

// Update is PATCH /api/authentication/{id}: a page of the customer's own names the connection, a
// tenant by its lookup identifier or domain, or an e-mail address to fill in, whose domain may have
// a tenant. Only a request that nobody has finished can be updated. The page is called without
// our cookies, so the browser's binding stays as it is.
func (s *Service) Update(ctx context.Context, r login.UpdateRequest) (login.Started, error) {
	wish := login.Request{Account: r.Account, Connection: r.Connection, Properties: r.ConnectionProperties}
	if err := s.checkConnection(r.Account, r.Connection, r.ConnectionProperties); err != nil {
		return login.Started{}, err
	}
	if err := s.choose(&wish, r); err != nil {
		return login.Started{}, err
	}
	var next login.Request
	err := s.d.DB.Write(ctx, tx.In(r.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if next, err = s.d.Store.Get(ctx, t, r.Account, r.ID); err != nil {
			return err
		}
		if next.Link != "" {
			return invalid(fault.CodeInvalidRequest, "A sign-in that links an identity cannot be aimed elsewhere. Start a new one.")
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
		next.Connection, next.Tenant, next.Hint, next.Properties, next.Problem = wish.Connection, wish.Tenant, wish.Hint, wish.Properties, login.ProblemNone
		ok, err := s.d.Store.Choose(ctx, t, next)
		if err == nil && !ok {
			return fault.New(fault.Invalid, fault.CodeExpired, "This sign-in was finished or is too old. Start a new one.")
		}
		return err
	})
	if err != nil {
		return login.Started{}, err
	}
	return login.Started{ID: next.ID, URL: login.Address(s.d.Accounts, next)}, nil
}

// choose reads what an update names.
func (s *Service) choose(wish *login.Request, r login.UpdateRequest) error {
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
		if home, ok := s.doors().HomeOf(*wish, mailbox); ok {
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
func (s *Service) keepTenant(is login.Request, wish *login.Request) error {
	only := s.doors().Only(is)
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

package person

import (
	"context"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/policy/policydb"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/login/logindb"
	"github.com/admit-id/admit/internal/login/remember"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

// Demands are what sign-ins must fulfil, and the browsers that are let off the second step.
type Demands struct {
	Policies  *policy.Service
	Directory *policy.Directory
	Browsers  *remember.Service
}

func (f *Features) buildDemands() {
	f.Demands = Demands{
		Directory: policy.NewDirectory(policydb.Store{}), Browsers: &remember.Service{Store: logindb.Browsers{}},
		Policies: policy.New(policy.Deps{
			DB: f.d.DB, Store: policydb.Store{}, Exists: f.scopeExists, Offer: f.offer, Held: f.Held,
		}),
	}
}

// Held tells what a person has registered. Whatever cannot be read fails the whole (MFA-09).
func (f *Features) Held(ctx context.Context, t tx.Tx, account ident.AccountID, who ident.UserID) (h factor.Held, err error) {
	if h.Passkeys, err = f.Passkeys.Count(ctx, t, account, who); err != nil {
		return factor.Held{}, err
	}
	if h.TOTP, err = f.TOTP.Held(ctx, t, account, who); err != nil {
		return factor.Held{}, err
	}
	if h.Recovery, err = f.Recovery.Left(ctx, t, account, who); err != nil {
		return factor.Held{}, err
	}
	if h.Password, err = f.Passwords.Held(ctx, t, account, who); err != nil {
		return factor.Held{}, err
	}
	return h, nil
}

// models are the models of authenticators that a person may register: what the account and each of their tenants say.
func (f *Features) models(ctx context.Context, t tx.Tx, account ident.AccountID, who ident.UserID) ([]string, error) {
	tenants, err := f.later.Tenants.Of(ctx, t, account, who)
	p := f.Directory.Of(account, "", "")
	for _, one := range tenants {
		p = p.Merge(f.Directory.Of(account, one, ""))
	}
	return p.Authenticators, err
}

// demanded is what every policy demands under which a person signs in.
func (f *Features) demanded(ctx context.Context, t tx.Tx, account ident.AccountID, who ident.UserID) (policy.Policy, error) {
	tenants, err := f.later.Tenants.Of(ctx, t, account, who)
	return f.Directory.Everywhere(account, tenants), err
}

func (f *Features) scopeExists(s policy.Scope) bool {
	if s.Tenant != "" {
		_, ok := f.later.TenantDirectory.Get(s.Account, s.Tenant)
		return ok
	}
	_, ok := f.d.Applications.Get(s.Account, s.Application)
	return ok
}

// offer tells what an account has to sign in with.
func (f *Features) offer(account ident.AccountID) policy.Offer {
	o := policy.Offer{Passkeys: f.Passkeys.Available(account)}
	for _, c := range f.later.Connections.Active(account) {
		switch {
		case c.Type == "PASSWORD":
			o.Passwords = true
		case c.ID != connection.Email:
			o.Others = true
		}
	}
	return o
}

// subscribeDemands: what changes how somebody signs in forgets the browsers that are let off.
func (f *Features) subscribeDemands(bus *tx.Bus) {
	bus.Subscribe(tenant.EventDeleted, f.Policies.ForgetTenant)
	bus.Subscribe(application.EventDeleted, f.Policies.ForgetApplication)
	for _, changed := range []string{
		user.EventDeleted, passkey.EventRegistered, passkey.EventRemoved, totp.EventRegistered, totp.EventRemoved,
		recovery.EventUsed, password.EventSet, password.EventRemoved, link.EventAddressRestored, session.EventUserEnded,
	} {
		bus.Subscribe(changed, f.Browsers.ForgetAll)
	}
	bus.Subscribe(session.EventTheft, func(ctx context.Context, t tx.Tx, e event.Event) error {
		e.Target = e.Detail["user"] // whoever copied the cookie of the session may have that of the browser, too
		return f.Browsers.ForgetAll(ctx, t, e)
	})
}

package person

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodedb"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/away"
	"github.com/admit-id/admit/internal/login/begin"
	"github.com/admit-id/admit/internal/login/choice"
	"github.com/admit-id/admit/internal/login/logindb"
	"github.com/admit-id/admit/internal/login/mailed"
	"github.com/admit-id/admit/internal/login/prove"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/login/setup"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/token"
)

// LoginDeps is what logins need of the features that are built after those of a person.
type LoginDeps struct {
	Connections     *connection.Directory
	Upstream        connection.Upstream
	Clients         *serviceclient.Directory
	Tenants         *tenant.Service
	TenantDirectory *tenant.Directory
	Invites         *invite.Service
	Tokens          *token.Service
	Setup           login.Setup
	People          redeem.People
}

// Logins are the verbs of a login: how it begins, goes on, and what follows it.
type Logins struct {
	Begin  *begin.Service
	Box    *login.Service
	Choice *choice.Service
	Mailed *mailed.Service
	Away   *away.Service
	Prove  *prove.Service
	Codes  *redeem.Service
	Setups *setup.Service
}

// BuildLogins makes them.
func (f *Features) BuildLogins(d LoginDeps) Logins {
	f.later = d
	f.Links = f.buildLinks(d)
	tenants := bridge.LoginTenants{Service: d.Tenants, Directory: d.TenantDirectory}
	issuer := bridge.LoginIssuer{Tokens: d.Tokens, Tenants: d.TenantDirectory}
	applications := bridge.LoginApplications{Directory: f.d.Applications}
	invites := bridge.LoginInvites{Service: d.Invites}
	handovers := &handover.Service{Clients: bridge.HandoverClients{Directory: d.Clients}, Issuer: f.d.Accounts.Issuer, Keys: f.d.Keys}
	codes := &emailcode.Service{Store: emailcodedb.Store{}, Keys: f.d.Keys, Outbox: f.d.Outbox}
	box := login.New(login.Deps{
		DB: f.d.DB, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Grants: logindb.Grants{}, Keys: f.d.Keys, Tenants: tenants, Invites: invites,
		Accounts: f.d.Accounts, Applications: applications, Connections: d.Connections,
		Users: f.d.Users, Sessions: f.d.Sessions,
		EmailCodes: codes,
		Issuer:     issuer, Setup: d.Setup, Log: f.d.Log,
		Links: f.Links, Policies: f.Directory, Held: f.Held, Browsers: f.Browsers, Passkeys: f.Passkeys.Available, Recovering: f.recovering,
	})
	return Logins{
		Begin: begin.New(begin.Deps{
			DB: f.d.DB, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Accounts: f.d.Accounts, Applications: applications,
			Connections: d.Connections, Tenants: tenants, Invites: invites, Handovers: handovers,
		}),
		Box: box,
		Choice: choice.New(choice.Deps{
			DB: f.d.DB, Box: box, Store: logindb.Store{}, Accounts: f.d.Accounts, Sessions: f.d.Sessions, Codes: codes.Store,
		}),
		Mailed: mailed.New(mailed.Deps{
			DB: f.d.DB, Box: box, Store: logindb.Store{}, Accounts: f.d.Accounts, Applications: applications, Codes: codes,
		}),
		Away: away.New(away.Deps{
			DB: f.d.DB, Box: box, Store: logindb.Store{}, Artifacts: logindb.Artifacts{}, Keys: f.d.Keys, Accounts: f.d.Accounts,
			Connections: d.Connections, Upstream: d.Upstream, Users: f.d.Users, Handovers: handovers, Log: f.d.Log,
		}),
		Prove: prove.New(prove.Deps{
			DB: f.d.DB, Box: box, Users: f.d.Users, Passkeys: f.Passkeys, Apps: f.TOTP, Codes: f.Recovery, Passwords: f.Passwords,
			Recoveries: f.Regain, Browsers: f.Browsers, Connections: d.Connections, Name: f.accountName, Demanded: f.demanded,
		}),
		Codes: redeem.New(redeem.Deps{
			DB: f.d.DB, Codes: logindb.Artifacts{}, Wishes: logindb.NewGrants(), Applications: applications,
			Users: f.d.Users, People: d.People, Sessions: f.d.Sessions, Tenants: tenants, Issuer: issuer, Seats: f.Seats, Policies: f.Directory, Held: f.Held,
		}),
		Setups: setup.New(setup.Deps{DB: f.d.DB, Store: logindb.Store{}, Grants: logindb.Grants{}, Keys: f.d.Keys, Accounts: f.d.Accounts}),
	}
}

// accountName is what authenticator apps list.
func (f *Features) accountName(id ident.AccountID) string {
	if a, ok := f.d.Accounts.Get(id); ok && a.Name != "" {
		return a.Name
	}
	return string(id)
}

// recovering tells when a person's delayed recovery is ready; zero when none waits that they could finish.
func (f *Features) recovering(ctx context.Context, t tx.Tx, account ident.AccountID, who ident.UserID) (time.Time, error) {
	r, err := f.Regain.Pending(ctx, t, account, who)
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	if err == nil && !r.Granted {
		p, err := f.demanded(ctx, t, account, who)
		if err != nil || p.NoRecovery {
			return time.Time{}, err
		}
	}
	return r.ReadyAt, err
}

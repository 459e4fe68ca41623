package app

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/access/request/requestdb"
	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/account/accountdb"
	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/app/bridge"
	"github.com/admit-id/admit/internal/app/person"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/audit/auditdb"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/connection/oidc"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/begin"
	"github.com/admit-id/admit/internal/login/prove"
	"github.com/admit-id/admit/internal/login/redeem"
	"github.com/admit-id/admit/internal/login/setup"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

// features are the verbs (services) and the memory (directories) of a deployment.
type features struct {
	public account.PublicURL

	audit        *audit.Service
	accounts     *account.Service
	tenants      *tenant.Service
	applications *application.Service
	connections  *connection.Service
	clients      *serviceclient.Service
	signing      *keyring.Service
	users        *user.Service
	access       *access.Service
	history      *history.Service
	requests     *request.Service
	claims       *claim.Service
	sessions     *session.Service
	invites      *invite.Service
	begins       *begin.Service
	logins       *login.Service
	mails        *mails
	choices      *choices
	aways        *aways
	proves       *prove.Service // the steps of Admit's own factors
	setups       *setup.Service
	codes        *redeem.Service
	outbox       *mail.Outbox
	issuers      *issuer.Service

	accountDirectory     *account.Directory
	tenantDirectory      *tenant.Directory
	applicationDirectory *application.Directory
	connectionDirectory  *connection.Directory
	clientDirectory      *serviceclient.Directory
	ring                 *keyring.Ring
	revocations          *session.Revocations
	issuerDirectory      *issuer.Directory
	engine               *access.Engine
	follow               *follow.Service
	verifier             *token.Verifier
	tokens               *token.Service
	proofs               *dpop.Service
	oauth                oauthFeatures
	registrations        *registration.Service
	person               *person.Features
}

func (a *App) buildFeatures(public account.PublicURL) {
	x := &a.f
	x.public = public

	accounts := accountdb.Store{}
	x.accounts = account.New(account.Deps{DB: a.db, Store: accounts, Hosts: accounts, PublicURL: public})
	x.accountDirectory = account.NewDirectory(accounts, public)

	x.audit = audit.New(a.db, auditdb.Store{})
	x.applications = application.New(a.db, applicationdb.Store{})
	x.applicationDirectory = application.NewDirectory(applicationdb.Store{})

	keys := keyringdb.Store{}
	x.signing = keyring.New(keyring.Deps{DB: a.db, Store: keys, Janitor: keys, Keys: a.keys})
	x.ring = keyring.NewRing(keys, a.keys, a.clock)

	x.clients = newClients(a.db)
	x.clientDirectory = serviceclient.NewDirectory(serviceclientdb.Store{}, serviceclientdb.Store{})

	x.engine = access.NewEngine(a.follower.Fresh, bridge.ClientOptions{Directory: x.clientDirectory}, a.clock)
	x.engine.Keep(a.cfg.MemoryGrants)
	x.access = newAccess(a.db, x.engine)
	x.history = history.New(history.Deps{Runner: a.db, Store: accessdb.Versions{}, Engine: x.engine})
	x.requests = request.New(request.Deps{Runner: a.db, Store: requestdb.Store{}, Engine: x.engine, Access: x.access})
	x.claims = claim.New(claim.Deps{Runner: a.db, Store: accessdb.Resources{}, Engine: x.engine, Access: x.access})
	x.follow = a.newFollow()

	x.users = user.New(a.db, userdb.Store{}, userdb.Store{})
	guard := person.NewGuard()
	x.sessions = session.New(session.Deps{Bindings: guard, DB: a.db, Store: sessiondb.Store{}, Tokens: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: a.keys, Log: a.log, Limits: a.sessionLimits})
	x.revocations = session.NewRevocations(sessiondb.Store{})
	x.outbox = &mail.Outbox{Keys: a.keys}

	x.person = person.Build(person.Deps{
		DB: a.db, Keys: a.keys, Clock: a.clock, Log: a.log, Outbox: x.outbox, Accounts: x.accountDirectory, Applications: x.applicationDirectory,
		Users: x.users, Sessions: x.sessions, Guard: guard, Settings: a.cfg, Outbound: a.outbound,
	})
	x.oauth.people = introspection.NewPeople(a.db, x.users)
	a.buildConnections()
	a.buildIssuers()
	a.buildTenants()
	a.buildInvites()
	a.buildLogins()
	a.buildVerifier()
	a.buildProofs()
	a.buildOAuth()
	a.buildAuthorize()
	a.buildLogout()
	x.registrations = a.newRegistrations()
}

func newClients(db tx.Runner) *serviceclient.Service {
	return serviceclient.New(db, serviceclientdb.Store{}, serviceclientdb.Store{})
}

func newAccess(db tx.Runner, e *access.Engine) *access.Service {
	return access.New(access.Deps{
		Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{}, Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: e,
	})
}

func (a *App) buildConnections() {
	store := connectiondb.New()
	a.f.connections = a.newConnections(a.db)
	a.f.connectionDirectory = connection.NewDirectory(store)
}

func (a *App) newConnections(db tx.Runner) *connection.Service {
	return connection.New(connection.Deps{
		Runner: db, Store: connectiondb.New(), Secrets: connection.NewSecrets(a.keys), PlainLoopback: a.plainLoopback(),
	})
}

// plainLoopback tells whether upstream providers may be reached over http on this machine: only
// where the operator has allowed internal addresses and no browser reaches us from elsewhere.
func (a *App) plainLoopback() bool { return len(a.cfg.EgressAllow) > 0 }

func (a *App) buildLogins() {
	x := &a.f
	upstream := oauth2.Deps{
		HTTP:    a.outbound,
		Secrets: connection.NewSecrets(a.keys), Clock: a.clock,
	}
	x.tokens = token.NewService(token.ServiceDeps{
		Signers: x.ring, Keys: x.ring, Issuer: x.accountDirectory.Issuer, Life: a.tokenLife,
	})
	made := x.person.BuildLogins(person.LoginDeps{
		Connections: x.connectionDirectory, Clients: x.clientDirectory, Tenants: x.tenants, TenantDirectory: x.tenantDirectory, Invites: x.invites,
		Upstream: connection.Upstreams{connection.ProtocolOIDC: oidc.New(upstream), connection.ProtocolOAuth2: oauth2.New(upstream)},
		Tokens:   x.tokens, Setup: a.owners().First, People: x.oauth.people,
	})
	x.begins, x.logins, x.choices, x.mails, x.aways = made.Begin, made.Box, made.Choice, made.Mailed, made.Away
	x.proves, x.codes, x.setups = made.Prove, made.Codes, made.Setups
}

func (a *App) buildVerifier() {
	foreign := a.metrics.Counter("admit_foreign_tokens_total", "Valid tokens that were sent to another account's host.")
	a.f.verifier = token.NewVerifier(token.VerifierDeps{
		Clock: a.clock, Issuer: a.f.accountDirectory.Issuer, AccountOf: a.f.accountDirectory.AccountOf,
		SigningKey: a.f.ring.AccessKey, Clients: a.f.clientDirectory, Sessions: a.f.revocations, Provider: a.f.tokens,
		Opaque: func(ctx context.Context, account ident.AccountID, bearer string) (token.Own, error) {
			return a.f.oauth.reader.ReadOpaque(ctx, account, bearer)
		}, Linked: a.linkedIssuers(),
		Application: func(account ident.AccountID, id ident.ApplicationID) bool {
			_, ok := a.f.applicationDirectory.Get(account, id)
			return ok
		},
		Fresh: a.follower.Fresh, Foreign: a.reportForeign(foreign), RefuseRawKeys: false,
	})
}

func (a *App) sessionLimits(id ident.AccountID) session.Limits {
	found, ok := a.f.accountDirectory.Get(id)
	if !ok {
		return session.DefaultLimits
	}
	return session.Limits{Idle: found.Settings.SessionIdle, Absolute: found.Settings.SessionAbsolute}
}

func (a *App) tokenLife(id ident.AccountID) time.Duration {
	found, _ := a.f.accountDirectory.Get(id)
	return found.Settings.AccessTokenDuration
}

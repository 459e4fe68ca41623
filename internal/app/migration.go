package app

import (
	"slices"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/request/requestdb"
	"github.com/admit-id/admit/internal/account/accountdb"
	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/app/person"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/audit/auditdb"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/extension/extensiondb"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodedb"
	"github.com/admit-id/admit/internal/invite/invitedb"
	"github.com/admit-id/admit/internal/issuer/issuerdb"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/login/logindb"
	"github.com/admit-id/admit/internal/oauth/authorize/authorizedb"
	"github.com/admit-id/admit/internal/oauth/consent/consentdb"
	"github.com/admit-id/admit/internal/oauth/device/devicedb"
	"github.com/admit-id/admit/internal/oauth/dpop/dpopdb"
	"github.com/admit-id/admit/internal/oauth/logout/logoutdb"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
	"github.com/admit-id/admit/internal/oauth/registration/registrationdb"
	"github.com/admit-id/admit/internal/serviceclient/serviceclientdb"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/user/userdb"
)

// migrations are every feature's, in the order in which a new database gets them. A feature
// adds its own at its end; the order between features matters only for foreign keys.
func migrations() []sqldb.Migration {
	return slices.Concat(
		auditdb.Migrations(),
		accountdb.Migrations(),
		tenantdb.Migrations(),
		applicationdb.Migrations(),
		keyringdb.Migrations(),
		connectiondb.Migrations(),
		serviceclientdb.Migrations(),
		userdb.Migrations(),
		accessdb.Migrations(),
		invitedb.Migrations(),
		requestdb.Migrations(),
		sessiondb.Migrations(),
		emailcodedb.Migrations(),
		logindb.Migrations(),
		oauthdb.Migrations(),
		authorizedb.Migrations(),
		devicedb.Migrations(),
		logoutdb.Migrations(),
		consentdb.Migrations(),
		partydb.Migrations(),
		registrationdb.Migrations(),
		issuerdb.Migrations(),
		extensiondb.Migrations(),
		dpopdb.Migrations(),
		person.Migrations(),
		mail.Migrations(),
		ratelimit.Migrations(),
	)
}

package login

import (
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// The lives of what a login makes.
const (
	RequestLife = time.Hour        // a login request, from Start to completion
	LegLife     = 10 * time.Minute // one trip to an upstream provider
	CodeLife    = time.Minute      // an authorization code (FAPI 2.0 bounds it at 60 s)
	SetupLife   = 24 * time.Hour   // a setup link
)

// BrowserCookieName is the cookie that binds a login to one browser. Its value is
// Visit.Browser. Over https it has the __Host- prefix; plain http exists only on
// loopback, where browsers disagree about Secure.
func BrowserCookieName(secure bool) string {
	if secure {
		return "__Host-admit-browser"
	}
	return "admit-browser"
}

// Visit is the browser in front of a page: whose host it asked and which cookies it brought.
type Visit struct {
	Account ident.AccountID
	Actor   actor.Actor // anonymous, with request id and address, for the audit trail
	Host    string      // host[:port] the browser used; only ever compared (I-2)
	Browser secret.Text // value of the browser cookie, or empty
	Session secret.Text // value of the session cookie, or empty
	Device  secret.Text // value of the cookie of remembered browsers (DeviceCookieName), or empty
	// Remember says that the person ticked "do not ask for the second step again in this browser".
	Remember bool
	Later    bool // the person wants no new recovery codes now
}

// DeviceCookieName is the cookie of a browser in which a second factor need not be shown again. Set it with
// Result.Device: HttpOnly, SameSite=Lax, Path=/, no Domain, until Result.DeviceExpires.
func DeviceCookieName(secure bool) string {
	if secure {
		return "__Host-admit-device"
	}
	return "admit-device"
}

// State says which page a login shows.
type State string

// The pages.
const (
	StateChoose       State = "choose"        // type an e-mail address or choose a connection
	StateCode         State = "code"          // type the code that was sent to View.Email
	StateLink         State = "link"          // a link was opened in a browser where it works: confirm by POST
	StateAwait        State = "await"         // the application hands over a link by itself: wait for that
	StateSecond       State = "second"        // the first proof is in: show one of View.Ways
	StateEnrol        State = "enrol"         // a second factor is demanded and the person has none: register one of View.Ways
	StateRenew        State = "renew"         // the last recovery code was used: offer new ones, or show View.Codes
	StateAccounts     State = "accounts"      // choose one of View.Accounts, or another
	StateExpired      State = "expired"       // too late; Restart begins again
	StateOtherBrowser State = "other_browser" // started in another browser; Restart begins again in this one
	StateNoCookie     State = "no_cookie"     // the browser brought no cookie where it must
	StateDone         State = "done"          // this request has been completed already; offer View.ReturnURL
	StateFailed       State = "failed"        // nothing can be shown: unknown request or dead link
	StateRedirect     State = "redirect"      // answer 303 to View.Result.Location, set its cookies
)

// Problem is what went wrong with the last step, as a key for the message catalogue. The
// same problem is given for known and unknown people.
type Problem string

// The problems.
const (
	ProblemNone            Problem = ""
	ProblemEmailInvalid    Problem = "email_invalid"
	ProblemCodeWrong       Problem = "code_wrong"      // AttemptsLeft says how many tries remain
	ProblemCodeExpired     Problem = "code_expired"    // used, replaced or older than 10 minutes: send another
	ProblemTooManyTries    Problem = "too_many_tries"  // this code is dead: send another
	ProblemTooManyMails    Problem = "too_many_mails"  // RetryAt says when
	ProblemAddressPaused   Problem = "address_paused"  // too many wrong codes for this address; RetryAt
	ProblemLinkOther       Problem = "link_other"      // link opened elsewhere: type the code where you began
	ProblemLinkDead        Problem = "link_dead"       // used, replaced or too old
	ProblemUpstreamFailed  Problem = "upstream_failed" // the provider's answer was no good
	ProblemUpstreamDenied  Problem = "upstream_denied" // the person or the provider said no
	ProblemConnectionGone  Problem = "connection_gone" // the connection is not offered (any more)
	ProblemSetupDead       Problem = "setup_dead"      // setup link used, replaced or too old
	ProblemUnknownRequest  Problem = "unknown_request" // no such login request in this account
	ProblemUserUnavailable Problem = "user_unavailable"
	ProblemNotMember       Problem = "not_member" // the login is for a tenant that the person does not belong to

	ProblemPasswordWrong   Problem = "password_wrong"   // the address or the password; which, and whether there is one, is not told
	ProblemPasswordPaused  Problem = "password_paused"  // too many wrong passwords for this address; RetryAt
	ProblemPasskeyRefused  Problem = "passkey_refused"  // cancelled, too late, or it does not verify
	ProblemPasskeyUnknown  Problem = "passkey_unknown"  // it was removed here, and the device does not know
	ProblemPasskeyUnproved Problem = "passkey_unproved" // the device did not verify the person, and that is needed here
	ProblemSecondWrong     Problem = "second_wrong"     // the code of the second step; the same whatever is wrong with it
	ProblemSecondPaused    Problem = "second_paused"    // too many wrong codes of this person; RetryAt
	ProblemEnrolGone       Problem = "enrol_gone"       // the registration took too long: begin again
	ProblemEnrolRefused    Problem = "enrol_refused"    // this device cannot be registered here
	ProblemOtherPerson     Problem = "other_person"     // this sign-in was begun as somebody else; UseOther begins another
	ProblemFactorRefused   Problem = "factor_refused"   // the account's policy does not let one sign in this way
	ProblemTaken           Problem = "identity_taken"   // what was proved is another person's, and stays it
	ProblemStranger        Problem = "link_stranger"    // the person who began to link is not signed in here; offer View.ReturnURL
	ProblemReserved        Problem = "address_reserved" // the address was changed for another one lately, and can be taken back
	ProblemPolicy          Problem = "policy"           // the policy demands what cannot be shown here: ask the administrator
)

// Button is a connection that the login box offers.
type Button struct {
	ID   ident.ConnectionID
	Name string // "Google"
	Kind string // the catalogue's key for an icon; may be empty
}

// Person is the one whose session the browser has.
type Person struct {
	ID    ident.UserID
	Name  string
	Email string
}

// Account is somebody who is signed in with this browser.
type Account struct {
	Which string // for ChooseSession
	Person
	Active bool // the one whom other pages show
}

// View is all that a page needs. Zero members do not apply to the state.
type View struct {
	State           State
	Problem         Problem
	ID              ident.LoginID
	Account         ident.AccountID
	Application     ident.ApplicationID
	ApplicationName string
	Setup           bool     // the login of the first administrator
	EmailCode       bool     // offer the box for an e-mail address
	Email           string   // normalised address the code went to, or a hint to fill in
	Connections     []Button // buttons, in the order to show them
	Passkey         bool     // offer a passkey, in the address box's autofill, too (with StateChoose)
	Password        bool     // offer a box for a password beside the address (with StateChoose)
	// Ways are, with StateSecond, the factors that may be shown now, and with StateEnrol those that
	// can be registered, in the order to offer them.
	Ways         []factor.Kind
	RememberDays int           // with StateSecond: offer to remember this browser for so long (Visit.Remember); 0: do not
	Recovery     bool          // with StateSecond: offer a recovery to those who lost everything
	Codes        []secret.Text // with StateRenew: new recovery codes, which are shown this once
	RecoveryAt   time.Time     // when the recovery that waits is ready: FinishRecovery; zero when none waits
	Accounts     []Account     // with StateAccounts
	// Seed and SeedURI are what an authenticator app is given, as text to type and for a QR code,
	// after BeginEnrolTOTP and after a wrong code.
	Seed, SeedURI secret.Text
	// Current is whose session is alive, but was not taken at once: offer Continue. With StateSecond
	// and StateEnrol it is whose second step it is.
	Current *Person
	// Linking is whose account gets what is proved, with StateChoose and StateCode: say so. Replaces is the address whose
	// place the new one takes, or empty.
	Linking      *Person
	Replaces     string
	AttemptsLeft int // for StateCode; counts this request's code only
	CodeExpires  time.Time
	ResendAt     time.Time   // not before this another mail goes out
	RetryAt      time.Time   // with ProblemTooManyMails and ProblemAddressPaused
	Ticket       secret.Text // with StateLink: what ConfirmHandover wants; empty for the mail's link
	ReturnURL    string      // the application's page, without any answer; for a way back
	// NewBrowser is a fresh value for the browser cookie, or empty. Set it: session
	// cookie, HttpOnly, SameSite=Lax, Path=/, no Domain.
	NewBrowser secret.Text
	Result     *Result // with StateRedirect
}

// Result is the end of a step that leaves the login box.
type Result struct {
	Location string // absolute; answer 303
	// Session is a new value for the session cookie (session.CookieName), or empty.
	Session        secret.Text
	SessionExpires time.Time
	// Device is a new value for the cookie DeviceCookieName, or empty.
	Device        secret.Text
	DeviceExpires time.Time
	// Tokens are set in cookie mode only: "authorization" and "user" with Domain.
	Tokens       *Tokens
	CookieDomain string
}

// Tokens are what an application gets for a session.
type Tokens struct {
	Access  secret.Text
	ID      secret.Text
	Expires time.Time // of both
	Life    time.Duration
}

// StartRequest is POST /api/authentication after its syntax was read.
type StartRequest struct {
	Account              ident.AccountID
	Actor                actor.Actor
	Application          ident.ApplicationID
	RedirectURL          string
	ChallengeMethod      string // "S256"
	Challenge            string
	Connection           ident.ConnectionID
	TenantLookup         string
	Invite               string
	ConnectionProperties map[string]string
	Audiences            []string
	Scopes               []string
	ResponseLocation     string // "", "cookie", "query", "none"
	FlowType             string // "", or a list of code, token, id_token separated by spaces
	MultiAccount         bool
	LinkIdentity         bool
	Caller               actor.Actor // of a request to link: who is signed in, as a token or cookie proved
	AntiAbuse            *AntiAbuse
}

// AntiAbuse is a proof of work whose formula and age were checked; Start takes it once.
type AntiAbuse struct {
	Hash    string
	Expires time.Time
}

// Started is the answer to Start and Update.
type Started struct {
	ID  ident.LoginID
	URL string // where the browser goes next
}

// UpdateRequest is PATCH /api/authentication/{id}: a page of the customer's own chose for the person.
type UpdateRequest struct {
	Account              ident.AccountID
	Actor                actor.Actor
	ID                   ident.LoginID
	Connection           ident.ConnectionID
	TenantLookup         string // a tenant's lookup identifier, or an e-mail address to fill in
	ConnectionProperties map[string]string
	AntiAbuse            *AntiAbuse
}

// Callback is what an upstream provider sent to /login.
type Callback struct {
	State            secret.Text
	Code             secret.Text
	Issuer           string // RFC 9207 `iss`, or empty
	Error            string // OAuth error code, or empty
	ErrorDescription string // never shown; for the log
	User             string // Apple's form member `user`, or empty
	// RawQuery is the query as it arrived, to carry it to the loopback twin host where the browser began.
	RawQuery string
}

package login

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Service holds the verbs of a login.
type Service struct{}

var errWIP = fault.New(fault.Unavailable, fault.CodeUnavailable, "Not available yet.")

// Start stores a login request. Faults: InvalidRequest, InvalidApplication, InvalidRedirectUrl,
// InvalidConnection and others of kind Invalid or Unprocessable.
func (s *Service) Start(ctx context.Context, r StartRequest) (Started, error) {
	return Started{}, errWIP
}

// Update changes what the page of a login that nobody has completed will offer.
func (s *Service) Update(ctx context.Context, r UpdateRequest) (Started, error) {
	return Started{}, errWIP
}

// View is GET /login?state=ID: it binds the login to the browser and says what to show.
func (s *Service) View(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	return View{}, errWIP
}

// SendCode sends a one-time code to the address and shows the code page, or the same page with a problem.
func (s *Service) SendCode(ctx context.Context, v Visit, id ident.LoginID, email string, compose Compose) (View, error) {
	return View{}, errWIP
}

// ChangeEmail forgets the code that was sent and shows the choice again.
func (s *Service) ChangeEmail(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	return View{}, errWIP
}

// EnterCode checks the code and completes the login.
func (s *Service) EnterCode(ctx context.Context, v Visit, id ident.LoginID, code string) (View, error) {
	return View{}, errWIP
}

// ViewLink is GET /login/link?token=...: StateLink when FollowLink would work in this browser. It changes nothing.
func (s *Service) ViewLink(ctx context.Context, v Visit, token secret.Text) (View, error) {
	return View{}, errWIP
}

// FollowLink is the POST behind the link's button; it completes the login.
func (s *Service) FollowLink(ctx context.Context, v Visit, token secret.Text) (View, error) {
	return View{}, errWIP
}

// StartUpstream sends the browser to a connection's provider.
func (s *Service) StartUpstream(ctx context.Context, v Visit, id ident.LoginID, c ident.ConnectionID) (View, error) {
	return View{}, errWIP
}

// FinishUpstream takes the provider's answer: GET /login with code or error, and POST /login.
func (s *Service) FinishUpstream(ctx context.Context, v Visit, c Callback) (View, error) {
	return View{}, errWIP
}

// Continue completes the login with the session that the browser has (View.Current).
func (s *Service) Continue(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	return View{}, errWIP
}

// Restart begins an expired or foreign login again in this browser and leads to its page.
func (s *Service) Restart(ctx context.Context, v Visit, id ident.LoginID) (View, error) {
	return View{}, errWIP
}

// IssueSetup makes the single setup link of an account; the one before dies.
func (s *Service) IssueSetup(ctx context.Context, a actor.Actor) (url string, err error) {
	return "", errWIP
}

// ViewSetup is GET /setup?token=...: nil when the link is alive, else View.Problem. It changes nothing.
func (s *Service) ViewSetup(ctx context.Context, v Visit, token secret.Text) (View, error) {
	return View{}, errWIP
}

// StartSetup is the POST behind the setup page's button: a login bound to the link.
func (s *Service) StartSetup(ctx context.Context, v Visit, token secret.Text) (View, error) {
	return View{}, errWIP
}

// SetupResult is GET /setup/done?state=ID: what the setup made, shown once to the browser that did it.
// The fault's kind is NotFound when it was shown already.
func (s *Service) SetupResult(ctx context.Context, v Visit, id ident.LoginID) (SetupOutcome, error) {
	return SetupOutcome{}, errWIP
}

// SetupOutcome is what the setup hook made for the first administrator.
type SetupOutcome struct {
	User      ident.UserID
	ClientID  ident.ServiceClientID
	AccessKey secret.Text
}

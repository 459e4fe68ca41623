package device

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"regexp"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/session"
)

const (
	devicePurpose = "oauth/device/code"
	userPurpose   = "oauth/device/user-code"
	sealPurpose   = "oauth/device/shown"
)

// Sessions finds the session behind a cookie. *session.Service does.
type Sessions interface {
	ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (session.Session, error)
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (session.Session, error)
}

// Consents remembers what people have allowed. *consent.Service does.
type Consents interface {
	Allow(ctx context.Context, t tx.Tx, v login.Visit, c oauth.Client, a oauth.Authorization) error
}

// Deps is what the service needs.
type Deps struct {
	DB       tx.Runner
	Store    Store
	Keys     *crypt.Keys
	Clients  oauth.Clients
	Sessions Sessions
	// Enough tells whether a session is what the policy demands of sign-ins to an application, which may be empty.
	Enough func(ctx context.Context, t tx.Tx, v login.Visit, found session.Session, app ident.ApplicationID) (bool, error)
	// Consents remembers the yes to a client that is not the account's own, so that it can be taken back.
	Consents Consents
}

// Service holds both sides of the grant.
type Service struct {
	d      Deps
	limits ratelimit.Store
}

// New makes the service.
func New(d Deps) *Service { return &Service{d: d} }

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

var (
	errGrant     = oauth.Fail(oauth.InvalidGrant, "The device code is unknown, was used, or belongs to another client or key.")
	errPending   = oauth.Fail(oauth.AuthorizationPending, "The person has not decided yet. Ask again after the interval.")
	errSlow      = oauth.Fail(oauth.SlowDown, "You are asking too often. Wait 5 seconds longer between two polls.")
	errExpired   = oauth.Fail(oauth.ExpiredToken, "The device code has expired. Start again.")
	errDenied    = oauth.Fail(oauth.AccessDenied, "The person has said no.")
	errChallenge = oauth.Fail(oauth.InvalidRequest, "A code_challenge is the base64url of a SHA-256, with code_challenge_method S256.")
	errFull      = fault.New(fault.Unavailable, fault.CodeUnavailable, "Too many devices of this client are waiting. Try again later.")
)

// Start makes a device code and a user code. Errors: an *oauth.Error with UnauthorizedClient or
// InvalidRequest; a fault of kind Unavailable when too many of the client's devices wait.
func (s *Service) Start(ctx context.Context, by actor.Actor, r Request) (Started, error) {
	if !r.Client.MayUse(GrantType) {
		return Started{}, oauth.Fail(oauth.UnauthorizedClient, "This client is not registered for the device grant.")
	}
	if r.Challenge != "" || r.ChallengeMethod != "" {
		if r.ChallengeMethod != "S256" || !challengeForm.MatchString(r.Challenge) {
			return Started{}, errChallenge
		}
	}
	account := r.Client.Account
	code := secret.Random(prefix)
	var user string
	err := s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		a := Authorization{
			Account: account, ID: ident.New("dev_"), Client: r.Client.ID, State: Waiting, Scopes: r.Scopes, Resources: r.Resources, Details: r.Details,
			JKT: r.JKT, X5T: r.X5T, Challenge: r.Challenge, Interval: Interval, CreatedAt: t.Now(), ExpiresAt: t.Now().Add(Life),
		}
		for range 3 { // two that wait at once never have the same code
			user = newUserCode()
			a.Sealed = s.d.Keys.Seal(sealPurpose, []byte(user), string(account), a.ID)
			added, err := s.d.Store.Insert(ctx, t, a, Codes{Device: hash(code), User: s.mac(account, user)}, MaxWaiting)
			if err != nil {
				return err
			}
			if added {
				return t.Emit(ctx, event.New(by, EventStarted, a.ID, "client", a.Client))
			}
		}
		return errFull
	})
	if err != nil {
		return Started{}, fault.Wrap("device.Start", err)
	}
	return Started{DeviceCode: code, UserCode: Shown(user), Expires: Life, Interval: Interval}, nil
}

// Poll answers a device that asks whether its person has decided. It returns nil when the answer was
// yes and Take is to be called. Errors: an *oauth.Error with AuthorizationPending, SlowDown,
// ExpiredToken, AccessDenied or InvalidGrant. What it notes is durable whatever it answers.
func (s *Service) Poll(ctx context.Context, b Bindings) error {
	var answer error
	err := s.d.DB.Write(ctx, tx.In(b.Account), func(ctx context.Context, t tx.Tx) error {
		a, early, err := s.d.Store.Poll(ctx, t, b, Interval)
		switch {
		case fault.Is(err, fault.NotFound):
			answer = errGrant
			return nil
		case err != nil:
			return err
		}
		answer = pollAnswer(a, early, a.ExpiresAt.After(t.Now()))
		return nil
	})
	if err != nil {
		return fault.Wrap("device.Poll", err)
	}
	return answer
}

func pollAnswer(a Authorization, early, alive bool) error {
	switch {
	case a.State == Used:
		return errGrant
	case a.State == Denied:
		return errDenied
	case !alive:
		return errExpired
	case a.State == Approved:
		return nil
	case early:
		return errSlow
	}
	return errPending
}

// Take uses an approved authorization up, once, in the caller's unit of work, and returns what was
// allowed. Errors: an *oauth.Error with InvalidGrant. The session that said yes must still live:
// who was signed out since has taken it back.
func (s *Service) Take(ctx context.Context, t tx.Tx, b Bindings) (oauth.Authorization, error) {
	a, err := s.d.Store.Take(ctx, t, b)
	switch {
	case fault.Is(err, fault.NotFound):
		return oauth.Authorization{}, errGrant
	case err != nil:
		return oauth.Authorization{}, err
	case a.Allowed == nil:
		return oauth.Authorization{}, fault.New(fault.Internal, fault.CodeInternal, "An approved device has no authorization.")
	}
	_, err = s.d.Sessions.ByID(ctx, t, b.Account, a.Allowed.Session)
	if fault.Is(err, fault.NotFound) {
		return oauth.Authorization{}, errGrant.With(err)
	}
	return *a.Allowed, err
}

// Bind makes the bindings of a token request. The verifier is empty where the request has none.
func Bind(c oauth.Client, code, verifier, jkt, x5t string) Bindings {
	b := Bindings{Account: c.Account, Client: c.ID, Device: hash(secret.New(code)), JKT: jkt, X5T: x5t}
	if verifier != "" {
		sum := sha256.Sum256([]byte(verifier))
		b.Challenge = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return b
}

// ForgetUser reacts to the end of a person.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.d.Store.DeleteUser(ctx, t, e.Account, ident.UserID(e.Target))
}

// ForgetClient reacts to the end of a client.
func (s *Service) ForgetClient(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.d.Store.DeleteClient(ctx, t, e.Account, e.Target)
}

// EndUser forgets what waits with a person's yes, for "log out everywhere".
func (s *Service) EndUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error {
	return s.d.Store.DeleteUser(ctx, t, account, user)
}

// EndClient forgets what waits of a client, or of the account when client is empty.
func (s *Service) EndClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error {
	return s.d.Store.DeleteClient(ctx, t, account, client)
}

// Purge deletes up to limit that have expired. They stay for a while, so that a device hears why.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.d.Store.Purge(ctx, t, t.Now().Add(-Life), limit)
		return err
	})
	return n, err
}

func hash(code secret.Text) []byte { return secret.Hash(devicePurpose, code.Reveal()) }

func (s *Service) mac(account ident.AccountID, user string) []byte {
	return s.d.Keys.MAC(userPurpose, string(account), user)
}

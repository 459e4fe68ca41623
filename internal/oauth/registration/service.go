package registration

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// The events of this package, beside those of applications; the target is the client's id.
const (
	EventRegistered = "oauth.client.registered" // detail "token": the id of the initial access token, if one was used
)

// Mode says who may register.
type Mode string

// The modes.
const (
	Off   Mode = ""
	Token Mode = "token"
	Open  Mode = "open"
)

// Settings are what an account allows clients that it did not make itself.
type Settings struct {
	Mode          Mode
	DocumentHosts []string // "*" is any
	Scopes        []string // empty: application.DefaultScopes
	Resources     []string
}

// Applications is what application.Service does for clients that register.
type Applications interface {
	Create(ctx context.Context, by actor.Actor, a application.Application) (application.Application, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ApplicationID) (application.Application, error)
	Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, change func(application.Application) (application.Application, error)) (application.Application, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID) error
}

// Limits is ratelimit.Store.
type Limits interface {
	Take(ctx context.Context, t tx.Tx, account ident.AccountID, name, key string, r ratelimit.Rule) (ok bool, retry time.Duration, err error)
}

// How many clients may register, for all nodes together.
var (
	PerNetwork = ratelimit.Rule{Count: 20, Per: time.Hour}
	PerAccount = ratelimit.Rule{Count: 500, Per: 24 * time.Hour}
)

// Deps is what the service works with. Applications returns the feature's verbs inside a unit of work.
type Deps struct {
	DB           tx.Runner
	Tokens       TokenStore
	Applications func(tx.Runner) Applications
	Settings     func(ident.AccountID) Settings
	Issuer       func(ident.AccountID) string
	Limits       Limits
}

// Service registers clients.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Path is the registration endpoint's.
const Path = "/oauth/register"

// Registered is a client as it is told about itself (RFC 7591 section 3.2.1, RFC 7592 section 3).
type Registered struct {
	Metadata
	ClientID      string
	IssuedAt      time.Time
	Secret        secret.Text // empty unless it was made just now
	AccessToken   secret.Text
	Configuration string // registration_client_uri
}

const (
	accessPrefix  = "arg_"
	accessPurpose = "oauth.registration"
)

// accessHash is what is kept of a registration access token: one client's alone.
func accessHash(client ident.ApplicationID, value string) []byte {
	return secret.Hash(accessPurpose, string(client)+"\x00"+value)
}

var (
	errOff   = fault.New(fault.NotFound, fault.CodeNotFound, "Dynamic client registration is not switched on.")
	errToken = oauth.Fail(oauth.InvalidToken, "The token is missing, unknown, expired or used up.")
	errFixed = fault.New(fault.Forbidden, fault.CodeForbidden, "Dynamic client registration is not switched on any more: the client can be read and removed, but not changed.")
	errMany  = fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many clients have registered lately. Please try again later.")
)

// Register makes a client. By is the stranger who asks, in the account; bearer is the initial access
// token, or empty. Errors: an *oauth.Error, or a fault: NotFound when it is off, Limited.
func (s *Service) Register(ctx context.Context, by actor.Actor, from netip.Addr, bearer string, m Metadata) (Registered, error) {
	settings := s.d.Settings(by.Account)
	if settings.Mode != Token && settings.Mode != Open {
		return Registered{}, errOff
	}
	if settings.Mode == Token && bearer == "" {
		return Registered{}, errToken
	}
	a, err := m.application(settings.Scopes)
	if err != nil {
		return Registered{}, err
	}
	if err := s.limit(ctx, by.Account, from); err != nil {
		return Registered{}, err
	}
	access := secret.RandomChecked(accessPrefix)
	a.ID = ident.ApplicationID(ident.New("app_"))
	a.OAuth.Registered, a.OAuth.RegistrationHash = application.RegisteredDynamic, accessHash(a.ID, access.Reveal())
	var value secret.Text
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		detail := []string{}
		if settings.Mode == Token {
			id, err := s.d.Tokens.UseToken(ctx, t, by.Account, tokenHash(bearer))
			if fault.Is(err, fault.NotFound) {
				return errToken
			}
			if err != nil {
				return err
			}
			detail = append(detail, "token", id)
		}
		next := a
		value = withSecret(&next.OAuth, t.Now())
		made, err := s.d.Applications(tx.Join(t)).Create(ctx, by, next)
		if err != nil {
			return err
		}
		a = made
		return t.Emit(ctx, event.New(by, EventRegistered, string(a.ID), detail...))
	})
	if err != nil {
		return Registered{}, reduce(err)
	}
	return s.tell(a, value, access), nil
}

// limit counts an attempt before anything is made, whatever becomes of it.
func (s *Service) limit(ctx context.Context, account ident.AccountID, from netip.Addr) error {
	within := false
	err := s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		ok, _, err := s.d.Limits.Take(ctx, t, account, "oauth.register.network", network(from), PerNetwork)
		if err == nil && ok {
			ok, _, err = s.d.Limits.Take(ctx, t, account, "oauth.register", "", PerAccount)
		}
		within = ok
		return err
	})
	if err == nil && !within {
		return errMany
	}
	return fault.Wrap("registration.limit", err)
}

// application is what the metadata makes.
func (m Metadata) application(scopes []string) (application.Application, error) {
	if m.AuthMethod == "" {
		m.AuthMethod = string(application.AuthSecretBasic) // the default of RFC 7591 section 2
	}
	o, err := m.settings(scopes)
	if err != nil {
		return application.Application{}, err
	}
	name := m.Name
	if name == "" {
		name = "Registered client"
	}
	return application.Application{Name: name, RedirectURLs: m.RedirectURIs, OAuth: o}, nil
}

// withSecret gives a client its first secret, where its method wants one and it has none.
func withSecret(o *application.OAuth, now time.Time) secret.Text {
	if o.AuthMethod != application.AuthSecretBasic && o.AuthMethod != application.AuthSecretPost || len(o.Secrets) > 0 {
		return secret.Text{}
	}
	kept, value := application.NewSecret(now, time.Time{})
	o.Secrets = []application.ClientSecret{kept}
	return value
}

// Read tells a client about itself.
func (s *Service) Read(ctx context.Context, account ident.AccountID, id ident.ApplicationID, bearer string) (Registered, error) {
	a, err := s.d.Applications(s.d.DB).Get(ctx, account, id)
	if err := entitled(a, bearer, err); err != nil {
		return Registered{}, err
	}
	return s.tell(a, secret.Text{}, secret.New(bearer)), nil
}

// Update replaces a client's metadata as a whole (RFC 7592 section 2.2). Its secret stays, unless it
// had none and needs one now. Where registration is off, clients that are there stay as they are:
// Forbidden, to whoever has the right token.
func (s *Service) Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, bearer string, m Metadata) (Registered, error) {
	settings := s.d.Settings(by.Account)
	next, err := m.application(settings.Scopes)
	if err != nil {
		return Registered{}, err
	}
	now, value := time.Time{}, secret.Text{}
	var a application.Application
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) (err error) {
		now = t.Now()
		a, err = s.d.Applications(tx.Join(t)).Update(ctx, by, id, func(old application.Application) (application.Application, error) {
			if err := entitled(old, bearer, nil); err != nil {
				return old, err
			}
			if settings.Mode != Token && settings.Mode != Open {
				return old, errFixed
			}
			out := old
			out.Name, out.RedirectURLs, out.OAuth = next.Name, next.RedirectURLs, next.OAuth
			out.OAuth.Secrets, out.OAuth.Registered, out.OAuth.RegistrationHash = slices.Clone(old.OAuth.Secrets), old.OAuth.Registered, old.OAuth.RegistrationHash
			value = withSecret(&out.OAuth, now)
			return out, nil
		})
		return err
	})
	if err != nil {
		return Registered{}, reduce(err)
	}
	return s.tell(a, value, secret.New(bearer)), nil
}

// Delete removes a client for good (RFC 7592 section 2.3).
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID, bearer string) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		verbs := s.d.Applications(tx.Join(t))
		a, err := verbs.Get(ctx, by.Account, id)
		if err := entitled(a, bearer, err); err != nil {
			return err
		}
		return verbs.Delete(ctx, by, id)
	})
	return reduce(err)
}

// entitled judges a registration access token. A client that is not there is answered in the same way
// (RFC 7592 section 2.1).
func entitled(a application.Application, bearer string, err error) error {
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	kept, dynamic := a.OAuth.RegistrationHash, a.OAuth.Registered == application.RegisteredDynamic
	if !secret.Equal(accessHash(a.ID, bearer), kept) || err != nil || !dynamic || !secret.Checked(accessPrefix, bearer) {
		return errToken
	}
	return nil
}

func (s *Service) tell(a application.Application, value, access secret.Text) Registered {
	return Registered{
		Metadata: describe(a), ClientID: string(a.ID), IssuedAt: a.CreatedAt, Secret: value, AccessToken: access,
		Configuration: s.d.Issuer(a.Account) + Path + "/" + string(a.ID),
	}
}

// reduce makes what an application's own rules refuse the answer of RFC 7591.
func reduce(err error) error {
	if err == nil || oauth.CodeOf(err) != "" {
		return unwrapOAuth(err)
	}
	if fault.Is(err, fault.Invalid) {
		return bad(names.Replace(fault.Wrap("", err).(*fault.Error).Public)).With(err)
	}
	if fault.Is(err, fault.NotFound) {
		return errToken.With(err)
	}
	return fault.Wrap("registration", err)
}

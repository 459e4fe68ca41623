package device

import (
	"context"
	"encoding/json"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/session"
)

// Outcome is what came of a code that a person typed, or of their decision.
type Outcome uint8

// The outcomes.
const (
	Found   Outcome = iota + 1 // View can be shown
	Unknown                    // no device shows this code now
	Limited                    // too many wrong codes; Entered.Retry
	SignIn                     // nobody is signed in, or not as the policy demands for the client
	Gone                       // decided already, or expired
	Done                       // the decision is kept
)

// Entered is what came of a code that a person typed.
type Entered struct {
	Outcome Outcome
	ID      string        // with Found
	Retry   time.Duration // with Limited
}

// View is what the person is shown before they decide.
type View struct {
	Outcome   Outcome
	ID        string
	Client    oauth.Client
	UserCode  string // as the device shows it
	Scopes    []string
	Resources []string
	Details   json.RawMessage
	User      ident.UserID
	Expires   time.Time
}

// accountKey is the key of the limit for all of an account.
const (
	networkName = "oauth/device/network"
	accountName = "oauth/device/account"
	accountKey  = "all"
)

// Enter looks for the device that shows a code. The guess is counted in the database before it is
// compared (I-5), by the network that it comes from and for the account as a whole; what was right
// is taken back.
func (s *Service) Enter(ctx context.Context, v login.Visit, network, typed string) (Entered, error) {
	code, readable := Clean(typed)
	if !readable {
		return Entered{Outcome: Unknown}, nil // it is no guess at any code
	}
	var out Entered
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		out = Entered{}
		for _, l := range s.guards(network) {
			ok, retry, err := s.limits.Take(ctx, t, v.Account, l.name, l.key, l.rule)
			if err != nil {
				return err
			}
			if !ok {
				out = Entered{Outcome: Limited, Retry: retry}
				return t.Emit(ctx, event.New(v.Actor, EventGuessing, string(v.Account), "limit", l.name))
			}
		}
		found, err := s.d.Store.ByUserCode(ctx, t, v.Account, s.mac(v.Account, code))
		if fault.Is(err, fault.NotFound) {
			out.Outcome = Unknown
			return nil
		}
		if err != nil {
			return err
		}
		for _, l := range s.guards(network) {
			if err := s.limits.Return(ctx, t, v.Account, l.name, l.key, l.rule); err != nil {
				return err
			}
		}
		out = Entered{Outcome: Found, ID: found.ID}
		return nil
	})
	return out, fault.Wrap("device.Enter", err)
}

type guard struct {
	name, key string
	rule      ratelimit.Rule
}

func (s *Service) guards(network string) []guard {
	return []guard{{networkName, network, NetworkLimit}, {accountName, accountKey, AccountLimit}}
}

// View returns what the person is to decide about. It changes nothing.
func (s *Service) View(ctx context.Context, v login.Visit, id string) (View, error) {
	var a Authorization
	var who session.Session
	out := View{ID: id}
	err := s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if a, err = s.d.Store.Get(ctx, t, v.Account, id); err != nil {
			return err
		}
		who, err = s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound) && a.ID == "", err == nil && a.State != Waiting:
		out.Outcome = Gone
		return out, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return out, fault.Wrap("device.View", err)
	}
	if out.Client, err = s.d.Clients.Client(ctx, v.Account, a.Client); err != nil {
		if oauth.CodeOf(err) == oauth.InvalidClient {
			out.Outcome = Gone
			return out, nil
		}
		return out, fault.Wrap("device.View", err)
	}
	shown, err := s.d.Keys.Open(sealPurpose, a.Sealed, string(a.Account), a.ID)
	if err != nil {
		return out, fault.Wrap("device.View", err)
	}
	out.UserCode, out.Scopes, out.Resources, out.Details = Shown(string(shown)), a.Scopes, a.Resources, a.Details
	out.Outcome, out.User, out.Expires = Found, who.User, a.ExpiresAt
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		enough, err := s.enough(ctx, t, v, who, out.Client)
		if !enough {
			out.Outcome = SignIn
		}
		return err
	})
	return out, fault.Wrap("device.View", err)
}

// enough tells whether somebody is signed in, as the policy demands for the client.
func (s *Service) enough(ctx context.Context, t tx.Tx, v login.Visit, who session.Session, c oauth.Client) (bool, error) {
	if who.User == "" {
		return false, nil
	}
	return s.d.Enough(ctx, t, v, who, c.Application)
}

// Decide keeps what the person said, who must be signed in as the one that the page named. The
// assurance of the authorization is that of their session now (I-9).
func (s *Service) Decide(ctx context.Context, v login.Visit, id string, user ident.UserID, allow bool) (Outcome, error) {
	view, err := s.View(ctx, v, id) // the client must still be there
	if err != nil || view.Outcome != Found {
		return view.Outcome, err
	}
	out := Gone
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		out = Gone
		who, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		if fault.Is(err, fault.NotFound) || err == nil && who.User != user {
			out = SignIn
			return nil
		}
		if err != nil {
			return err
		}
		if enough, err := s.enough(ctx, t, v, who, view.Client); err != nil || !enough {
			out = SignIn
			return err
		}
		a, err := s.d.Store.Get(ctx, t, v.Account, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		kind := EventDenied
		if a.State = Denied; allow {
			a.State, a.Allowed, kind = Approved, s.allowed(a, who), EventApproved
		}
		switch err := s.d.Store.Decide(ctx, t, a); {
		case fault.Is(err, fault.NotFound):
			return nil
		case err != nil:
			return err
		}
		if allow && consent.Asked(view.Client) {
			if err := s.d.Consents.Allow(ctx, t, v, view.Client, *a.Allowed); err != nil {
				return err
			}
		}
		out = Done
		by := v.Actor
		by.Kind, by.ID, by.Session = actor.User, string(who.User), who.ID
		return t.Emit(ctx, event.New(by, kind, a.ID, "client", a.Client, "user", string(who.User)))
	})
	return out, fault.Wrap("device.Decide", err)
}

func (s *Service) allowed(a Authorization, who session.Session) *oauth.Authorization {
	return &oauth.Authorization{
		Grant: ident.New("gra_"), Account: a.Account, Client: a.Client, User: who.User, Session: who.ID, Root: who.Root, Connection: who.Connection,
		Scopes: a.Scopes, Resources: a.Resources, Details: a.Details, AuthTime: who.AuthTime(), AMR: who.AMR(), ACR: who.ACR(), JKT: a.JKT, X5T: a.X5T,
	}
}

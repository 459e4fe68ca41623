package authorize

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/session"
)

// answerLife is how long a signed answer may be read (JARM section 2.1 wants at most 10 minutes).
const answerLife = 10 * time.Minute

// refuse tells an error: to the client when it is known where, and else on a page of ours. A client
// that nobody of the account has vouched for (registered by itself, or a metadata document) does not
// get a browser sent to it without a session: anybody can make such a client, and the link to it
// would lead to wherever they like (RFC 9700 section 4.11.2).
func (s *Service) refuse(ctx context.Context, v Visit, r *check.Request, why error) (Outcome, error) {
	e, known := errors.AsType[*oauth.Error](why)
	if known {
		s.note(ctx, v, r.Client.ID, e)
	}
	if !r.Trusted {
		if !known {
			return Outcome{}, why
		}
		return Outcome{Problem: e}, nil
	}
	if !known {
		if errors.Is(why, context.Canceled) {
			return Outcome{}, why
		}
		e = reduce(why)
		s.d.Log.ErrorContext(ctx, "an authorization request failed", "client", r.Client.ID, "error", why)
	}
	if r.Client.Stranger() {
		signedIn, err := s.signedIn(ctx, v)
		if err != nil {
			return Outcome{}, err
		}
		if !signedIn {
			return Outcome{Problem: e}, nil
		}
	}
	out, err := s.answer(ctx, r, url.Values{"error": {string(e.Code)}, "error_description": {e.Description}})
	if err != nil {
		return Outcome{}, errors.Join(err, why)
	}
	return out, nil
}

// note tells the log who was refused what: the browser is led away, and the client may keep to itself
// what it hears. A client that asks without a person, whether somebody is signed in, asks often.
func (s *Service) note(ctx context.Context, v Visit, client string, e *oauth.Error) {
	level := slog.LevelInfo
	switch e.Code {
	case oauth.LoginRequired, oauth.ConsentRequired, oauth.InteractionRequired:
		level = slog.LevelDebug
	}
	s.d.Log.Log(ctx, level, "authorization refused", "request", v.Actor.RequestID, "account", v.Account, "client", client, "error", e)
}

// reduce is what the client hears of an error of ours.
func reduce(err error) *oauth.Error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		return oauth.Fail(oauth.TemporarilyUnavailable, "This cannot be decided at the moment. Try again.")
	}
	return oauth.Fail(oauth.ServerError, "Something went wrong on the side of the authorization server.")
}

func (s *Service) signedIn(ctx context.Context, v Visit) (yes bool, err error) {
	err = s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		_, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		yes = err == nil
		if errors.Is(err, session.ErrNone) {
			return nil
		}
		return err
	})
	return yes, err
}

// answer puts what the client is told where it wants it. Every answer names the issuer (RFC 9207)
// and carries the state as it came.
func (s *Service) answer(ctx context.Context, r *check.Request, values url.Values) (Outcome, error) {
	issuer := s.d.Tools.Issuer(r.Account)
	values.Set("iss", issuer)
	if r.State != "" {
		values.Set("state", r.State)
	}
	if r.Mode.JWT {
		claims := map[string]any{"aud": r.Client.ID, "exp": s.d.Tools.Clock.Now().Add(answerLife).Unix()}
		for name := range values {
			claims[name] = values.Get(name)
		}
		signed, err := s.d.Sign(ctx, r.Client, claims)
		if err != nil {
			return Outcome{}, err
		}
		values = url.Values{"response": {signed.Reveal()}}
	}
	switch r.Mode.Where {
	case check.FormPost:
		return Outcome{Form: &Form{Action: r.RedirectURI, Values: values}}, nil
	case check.Fragment:
		return Outcome{Location: r.RedirectURI + "#" + values.Encode()}, nil
	}
	return Outcome{Location: address.WithQuery(r.RedirectURI, values)}, nil
}

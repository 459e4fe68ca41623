// Package deliver owns how the end of a session reaches clients: a signed logout token by POST
// (OpenID Connect Back-Channel Logout 1.0), tried again and again for a while.
//
// Nobody waits for it: the session is over already.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/token"
)

const (
	// MaxAttempts spans an hour and a half: 15 s, 30 s, and so on up to half an hour.
	MaxAttempts = 10
	// Timeout bounds one attempt.
	Timeout    = 8 * time.Second
	maxProblem = 200
)

// Signer signs logout tokens. *token.Service does.
type Signer interface {
	LogoutToken(ctx context.Context, p token.LogoutParams) (token.Issued, error)
}

// Sender delivers what package logout has left to be told.
type Sender struct {
	DB      tx.Runner
	Store   logout.Store
	Clients oauth.Clients
	Tokens  Signer
	HTTP    *http.Client // the one way out (I-20)
	Log     *slog.Logger
}

// Worker is what delivers.
func (s *Sender) Worker() *outbox.Worker[logout.Delivery] {
	return &outbox.Worker[logout.Delivery]{
		DB: s.DB, Log: s.Log, Batch: 32, Parallel: 8, Lease: 3 * time.Minute,
		Retry: outbox.Retry{First: 15 * time.Second, Most: 30 * time.Minute, Attempts: MaxAttempts},
		Due:   s.Store.Due, Claim: s.Store.Claim, Try: s.try, Settle: s.settle,
		About: func(d logout.Delivery) (int, []any) {
			return d.Attempts, []any{"account", d.Account, "delivery", d.ID, "client", d.Client}
		},
		Failed: "a client was not told of a logout",
	}
}

// try makes one attempt. The client is looked up now: one that is gone, or has no URL any more, is
// told nothing.
func (s *Sender) try(ctx context.Context, d logout.Delivery, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c, err := s.Clients.Client(ctx, d.Account, d.Client)
	switch {
	case oauth.CodeOf(err) == oauth.InvalidClient:
		return nil
	case err != nil:
		return err
	case c.Settings.BackchannelLogoutURL == "":
		return nil
	}
	signed, err := s.Tokens.LogoutToken(ctx, token.LogoutParams{
		At: now, Account: d.Account, Client: d.Client, Subject: d.User, Session: d.Session,
		Signing: token.Signing{Alg: c.Settings.IDTokenAlg, Static: c.Settings.StaticKey},
	})
	if err != nil {
		return err
	}
	body := url.Values{"logout_token": {signed.Token.Reveal()}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Settings.BackchannelLogoutURL, strings.NewReader(body))
	if err != nil {
		return outbox.Final(outbox.Plain(err))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return outbox.Plain(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusNotImplemented:
		return outbox.Final(fmt.Errorf("the client refuses it with status %d", resp.StatusCode)) // section 2.8
	}
	return fmt.Errorf("the client answers with status %d", resp.StatusCode)
}

func (s *Sender) settle(ctx context.Context, d logout.Delivery, o outbox.Outcome) error {
	return s.DB.Write(ctx, tx.In(d.Account), func(ctx context.Context, t tx.Tx) error {
		var next time.Time
		if !o.Over {
			next = t.Now().Add(o.Wait)
		}
		if err := s.Store.Settle(ctx, t, d, next, text(o.Problem)); err != nil || !o.Over || o.Problem == nil {
			return err
		}
		return t.Emit(ctx, event.New(actor.ForSystem(d.Account), logout.EventFailed, d.ID, "client", d.Client, "session", string(d.Session)))
	})
}

// text is what is kept of a problem: short and printable.
func text(problem error) string {
	if problem == nil {
		return ""
	}
	if _, ok := errors.AsType[*fault.Error](problem); ok {
		return "not now"
	}
	out := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, problem.Error())
	return out[:min(len(out), maxProblem)]
}

// Package deliver owns how the end of a session reaches clients: a signed logout token by POST
// (OpenID Connect Back-Channel Logout 1.0), tried again and again for a while.
//
// Any number of nodes may run a Sender; a delivery is claimed by one at a time. A node that dies
// between an attempt and writing it down tries once more. Nobody waits for it: the session is over
// already.
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
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/token"
)

const (
	pollEvery = 500 * time.Millisecond
	batchSize = 32
	parallel  = 8
	claimFor  = 3 * time.Minute // longer than a batch may take
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

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for {
			n, err := s.Once(ctx)
			if err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "logout deliveries cannot be read", "error", err)
			}
			if err != nil || n < batchSize {
				break
			}
		}
	}
}

// Once claims what is due, tries it and returns how many deliveries it claimed.
func (s *Sender) Once(ctx context.Context) (int, error) {
	due, now, err := s.claim(ctx)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, d := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := s.try(ctx, d, now)
			if ctx.Err() != nil && err != nil {
				return // this node is stopping: the claim runs out by itself
			}
			if err := s.settle(context.WithoutCancel(ctx), d, err); err != nil {
				s.Log.WarnContext(ctx, "the outcome of a logout delivery cannot be written down", "delivery", d.ID, "error", err)
			}
		})
	}
	wg.Wait()
	return len(due), nil
}

func (s *Sender) claim(ctx context.Context) (due []logout.Delivery, now time.Time, err error) {
	any := false
	err = s.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error { // without taking the writer
		any, err = s.Store.Due(ctx, t)
		return err
	})
	if err != nil || !any {
		return nil, now, err
	}
	err = s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		now = t.Now()
		due, err = s.Store.Claim(ctx, t, now.Add(claimFor), batchSize)
		return err
	})
	return due, now, err
}

// over says that nothing is to be done, now or later.
type over struct{ error }

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
		return over{err}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusNotImplemented:
		return over{fmt.Errorf("the client refuses it with status %d", resp.StatusCode)} // section 2.8
	}
	return fmt.Errorf("the client answers with status %d", resp.StatusCode)
}

func (s *Sender) settle(ctx context.Context, d logout.Delivery, problem error) error {
	if problem != nil {
		s.Log.WarnContext(ctx, "a client was not told of a logout", "account", d.Account, "delivery", d.ID, "client", d.Client, "attempt", d.Attempts, "error", problem)
	}
	return s.DB.Write(ctx, tx.In(d.Account), func(ctx context.Context, t tx.Tx) error {
		if problem == nil {
			return s.Store.Settle(ctx, t, d, time.Time{}, "")
		}
		if _, final := errors.AsType[over](problem); final || d.Attempts >= MaxAttempts {
			if err := s.Store.Settle(ctx, t, d, time.Time{}, text(problem)); err != nil {
				return err
			}
			return t.Emit(ctx, event.New(actor.ForSystem(d.Account), logout.EventFailed, d.ID, "client", d.Client, "session", string(d.Session)))
		}
		return s.Store.Settle(ctx, t, d, t.Now().Add(backOff(d.Attempts)), text(problem))
	})
}

func backOff(attempts int) time.Duration {
	return min(30*time.Minute, 15*time.Second<<min(attempts-1, 10))
}

// text is what is kept of a problem: short and printable, without the URL.
func text(problem error) string {
	if e, ok := errors.AsType[*url.Error](problem); ok {
		problem = e.Err
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

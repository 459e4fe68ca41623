// Package deliver owns how signals reach receivers that want them pushed: one Security Event Token by POST
// (RFC 8935), one after the other in every stream, and again until the receiver takes it.
//
// Any number of nodes may run a Sender; a stream is claimed by one at a time. A node that dies between an
// attempt and writing it down sends the same token once more, with the same `jti`.
package deliver

import (
	"cmp"
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
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
)

const (
	streams  = 32 // that are claimed at once
	parallel = 8
	events   = 64              // of one stream, before the next claim
	timeout  = 8 * time.Second // of one attempt
	// atMost is how long one stream is worked on, and claimFor when others may claim it: all of its
	// fellows may come before it, and take as long.
	atMost   = 20 * time.Second
	claimFor = 5 * time.Minute
	// GiveUp is how long a receiver may fail before its stream is disabled.
	GiveUp = 3 * 24 * time.Hour

	// WhyFailing and WhyForbidden are why streams are disabled.
	WhyFailing   = "The receiver has not taken an event for three days."
	WhyForbidden = "The receiver may not read its stream any more."
)

// Sender pushes what waits.
type Sender struct {
	DB      tx.Runner
	Queue   signal.Queue
	Service *signal.Service
	Sign    signal.Signer
	// Allowed judges whether the stream's client may be told: nil, a fault of kind Forbidden, or another when
	// that cannot be told now.
	Allowed func(ctx context.Context, s signal.Stream) error
	HTTP    *http.Client // the one way out (I-20)
	Log     *slog.Logger
	Timeout time.Duration // optional; of one attempt
}

// Drain pushes until nothing is due.
func (s *Sender) Drain(ctx context.Context) error {
	for ctx.Err() == nil {
		if n, err := s.Once(ctx); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// Once claims the streams that are due, works on them and returns how many there were.
func (s *Sender) Once(ctx context.Context) (int, error) {
	due, err := s.claim(ctx)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, one := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := s.stream(ctx, one); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "a stream cannot be worked on", "account", one.Account, "stream", one.ID, "error", err)
			}
		})
	}
	wg.Wait()
	return len(due), nil
}

func (s *Sender) claim(ctx context.Context) (due []signal.Stream, err error) {
	any := false
	err = s.DB.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error { // without taking the writer
		any, err = s.Queue.Due(ctx, t)
		return err
	})
	if err != nil || !any {
		return nil, err
	}
	err = s.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		due, err = s.Queue.Claim(ctx, t, t.Now().Add(claimFor), streams)
		return err
	})
	return due, err
}

// stream pushes events of one stream until there are none, one fails, or others want to be served.
func (s *Sender) stream(ctx context.Context, one signal.Stream) error {
	if one.Status != signal.Disabled { // that it is disabled may be said to anybody who had it
		err := s.Allowed(ctx, one)
		if fault.Is(err, fault.Forbidden) {
			return s.Service.Disable(ctx, one, WhyForbidden)
		}
		if err != nil {
			return s.settle(ctx, one, nil, err)
		}
	}
	var pending []signal.Event
	err := s.DB.Read(ctx, tx.In(one.Account), func(ctx context.Context, t tx.Tx) (err error) {
		pending, err = s.Queue.Pending(ctx, t, one, events)
		return err
	})
	if err != nil {
		return err
	}
	var taken []string
	var problem error
	began := clock.Monotonic()
	for _, e := range pending {
		if clock.Monotonic()-began > atMost {
			break
		}
		problem = s.push(ctx, one, e)
		if ctx.Err() != nil && problem != nil {
			problem = nil // this node is stopping: another one goes on
			break
		}
		refused, final := errors.AsType[refusal](problem)
		if problem != nil && !final {
			break
		}
		if final {
			problem = nil
			if err := s.refused(ctx, one, e, refused); err != nil {
				return err
			}
			continue
		}
		taken = append(taken, e.ID)
	}
	return s.settle(context.WithoutCancel(ctx), one, taken, problem)
}

// refusal says that a receiver will never take an event.
type refusal struct{ code string }

func (r refusal) Error() string { return "the receiver refuses it: " + r.code }

func (s *Sender) push(ctx context.Context, one signal.Stream, e signal.Event) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, timeout))
	defer cancel()
	text, err := s.Service.Token(ctx, one, e, s.Sign)
	if err != nil {
		return err
	}
	authorization, err := s.Service.Authorization(one)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, one.Endpoint, strings.NewReader(text.Reveal()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/"+signal.Type)
	r.Header.Set("Accept", "application/json")
	if !authorization.Empty() {
		r.Header.Set("Authorization", authorization.Reveal())
	}
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // to its end, so that the connection can be used again
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusBadRequest:
		return judge(body)
	}
	return fmt.Errorf("the receiver answers with status %d", resp.StatusCode)
}

// judge reads why a receiver refuses an event (RFC 8935 section 2.4). What is about the receiver's
// settings and not about the event may be better next time.
func judge(body []byte) error {
	var said struct {
		Code string `json:"err"`
	}
	_ = strictjson.Unmarshal(body, &said) // a receiver that does not say why refuses all the same
	switch code := signal.ProblemOf(said.Code); code {
	case "invalid_key", "authentication_failed", "access_denied":
		return fmt.Errorf("the receiver answers with %s", code)
	default:
		return refusal{code}
	}
}

func (s *Sender) refused(ctx context.Context, one signal.Stream, e signal.Event, why refusal) error {
	return s.DB.Write(ctx, tx.In(one.Account), func(ctx context.Context, t tx.Tx) error {
		n, err := s.Queue.Forget(ctx, t, one, []string{e.ID})
		if err != nil || n == 0 {
			return err
		}
		return t.Emit(ctx, event.New(actor.ForSystem(one.Account), signal.EventRefused, one.ID, "problem", why.code, "events", "1"))
	})
}

// settle forgets what has arrived and says when to go on.
func (s *Sender) settle(ctx context.Context, one signal.Stream, taken []string, problem error) error {
	over := false
	err := s.DB.Write(ctx, tx.In(one.Account), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.Queue.Forget(ctx, t, one, taken); err != nil {
			return err
		}
		after := one
		next := t.Now()
		if len(taken) > 0 || problem == nil {
			after.Failures, after.Failing = 0, time.Time{}
		}
		if problem != nil {
			if after.Failing.IsZero() {
				after.Failing = t.Now()
			}
			after.Failures++
			over = t.Now().Sub(after.Failing) >= GiveUp
			next = next.Add(backOff(after.Failures))
		}
		return s.Queue.Settle(ctx, t, after, next)
	})
	if problem != nil {
		s.Log.WarnContext(ctx, "a receiver was not told", "account", one.Account, "stream", one.ID, "error", plain(problem))
	}
	if err == nil && over {
		err = s.Service.Disable(ctx, one, WhyFailing)
	}
	return err
}

// backOff is 15 s, 30 s, and so on up to half an hour.
func backOff(failures int64) time.Duration {
	return min(30*time.Minute, 15*time.Second<<min(failures-1, 10))
}

// plain is what is logged of a problem: not the URL, which may be as good as a password.
func plain(problem error) error {
	if e, ok := errors.AsType[*url.Error](problem); ok {
		return e.Err
	}
	return problem
}

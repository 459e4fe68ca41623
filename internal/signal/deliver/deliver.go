// Package deliver owns how signals reach receivers that want them pushed: one Security Event Token by POST
// (RFC 8935), one after the other in every stream, and again until the receiver takes it.
//
// A node that dies between an attempt and writing it down sends the same token once more, with the same `jti`.
package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
)

const (
	events  = 64               // of one stream, before the next claim
	timeout = 8 * time.Second  // of one attempt
	atMost  = 20 * time.Second // that one stream is worked on
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

// job is a stream that is claimed, and the events of it that have arrived.
type job struct {
	signal.Stream
	taken []string
}

// Worker is what pushes.
func (s *Sender) Worker() *outbox.Worker[*job] {
	return &outbox.Worker[*job]{
		DB: s.DB, Log: s.Log, Batch: 32, Parallel: 8, Lease: 5 * time.Minute, // a stream may wait for three others, each atMost and a timeout long
		Retry: outbox.Retry{First: 15 * time.Second, Most: 30 * time.Minute},
		Due:   s.Queue.Due, Claim: s.claim, Try: s.try, Settle: s.settle,
		About: func(j *job) (int, []any) {
			return int(j.Failures) + 1, []any{"account", j.Account, "stream", j.ID}
		},
		Failed: "a receiver was not told",
	}
}

func (s *Sender) claim(ctx context.Context, t tx.Tx, until time.Time, limit int) (jobs []*job, err error) {
	due, err := s.Queue.Claim(ctx, t, until, limit)
	for _, one := range due {
		jobs = append(jobs, &job{Stream: one})
	}
	return jobs, err
}

// try pushes events of one stream until there are none, one fails, or others want to be served.
func (s *Sender) try(ctx context.Context, j *job, _ time.Time) error {
	if j.Status != signal.Disabled { // that it is disabled may be said to anybody who had it
		err := s.Allowed(ctx, j.Stream)
		if fault.Is(err, fault.Forbidden) {
			return s.Service.Disable(ctx, j.Stream, WhyForbidden)
		}
		if err != nil {
			return err
		}
	}
	var pending []signal.Event
	err := s.DB.Read(ctx, tx.In(j.Account), func(ctx context.Context, t tx.Tx) (err error) {
		pending, err = s.Queue.Pending(ctx, t, j.Stream, events)
		return err
	})
	if err != nil {
		return err
	}
	began := clock.Monotonic()
	for _, e := range pending {
		if clock.Monotonic()-began > atMost {
			break
		}
		err := s.push(ctx, j.Stream, e)
		if refused, ok := errors.AsType[refusal](err); ok {
			err = s.refused(ctx, j.Stream, e, refused)
		} else if err == nil {
			j.taken = append(j.taken, e.ID)
			j.Failures, j.Failing = 0, time.Time{}
		}
		if err != nil {
			return err
		}
	}
	return nil
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
func (s *Sender) settle(ctx context.Context, j *job, o outbox.Outcome) error {
	over := false
	err := s.DB.Write(ctx, tx.In(j.Account), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.Queue.Forget(ctx, t, j.Stream, j.taken); err != nil {
			return err
		}
		after := j.Stream
		switch {
		case o.Problem != nil:
			if after.Failing.IsZero() {
				after.Failing = t.Now()
			}
			after.Failures++
			over = t.Now().Sub(after.Failing) >= GiveUp
		case o.Over:
			after.Failures, after.Failing = 0, time.Time{}
		}
		return s.Queue.Settle(ctx, t, after, t.Now().Add(o.Wait))
	})
	if err == nil && over {
		err = s.Service.Disable(ctx, j.Stream, WhyFailing)
	}
	return err
}

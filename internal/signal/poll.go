package signal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	// MaxPolled is how many events one answer holds.
	MaxPolled = 100
	// MaxAcks is how many events one request settles.
	MaxAcks = 1000

	maxWaiting = 64 // polls that wait at once on this node
	lookEvery  = 500 * time.Millisecond
	looks      = 20 // so that a poll waits for 10 seconds
)

// Polling is a receiver's question (RFC 8936 section 2.2).
type Polling struct {
	Max     int               // at most so many events; 0 for none
	Now     bool              // do not wait for one
	Ack     []string          // what has arrived
	Refused map[string]string // what the receiver does not take, with the code of its error
	Stop    func() bool       // optional; tells that nobody may wait any more
	// May is asked when there are events to hand out, after the wait for them: what the receiver was allowed when it
	// asked counts no more.
	May func() error
}

// Token is an event as a receiver gets it.
type Token struct {
	ID   string
	Text secret.Text
}

// Poll settles what a receiver has got and returns what waits, the oldest first, and whether there is more. An event comes
// again until it is settled. Errors: NotFound, Invalid.
func (s *Service) Poll(ctx context.Context, by actor.Actor, id string, p Polling, sign Signer) (out []Token, more bool, err error) {
	if len(p.Ack)+len(p.Refused) > MaxAcks || p.Max < 0 {
		return nil, false, invalid("maxEvents is a number from 0, and ack and setErrs name at most 1,000 events.")
	}
	if err := s.settle(ctx, by, id, p); err != nil {
		return nil, false, err
	}
	if p.Max == 0 {
		return nil, false, nil
	}
	limit := min(p.Max, MaxPolled)
	one, found, err := s.look(ctx, by, id, limit)
	if err == nil && len(found) == 0 && !p.Now && one.Status == Enabled {
		one, found, err = s.wait(ctx, by, id, limit, p.Stop)
	}
	if err != nil {
		return nil, false, err
	}
	if len(found) > 0 && p.May != nil {
		if err := p.May(); err != nil {
			return nil, false, err
		}
	}
	for _, e := range found[:min(limit, len(found))] {
		text, err := s.Token(ctx, one, e, sign)
		if err != nil {
			return nil, false, err
		}
		out = append(out, Token{e.ID, text})
	}
	return out, len(found) > limit, nil
}

// look returns what waits, one more than limit if there is.
func (s *Service) look(ctx context.Context, by actor.Actor, id string, limit int) (one Stream, found []Event, err error) {
	err = s.d.DB.Read(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if one, err = s.polled(ctx, t, by, id); err != nil {
			return err
		}
		found, err = s.d.Queue.Pending(ctx, t, one, limit+1)
		return err
	})
	return one, found, fault.Wrap("signal.Poll", err)
}

func (s *Service) polled(ctx context.Context, t tx.Tx, by actor.Actor, id string) (Stream, error) {
	if err := own(by); err != nil {
		return Stream{}, err
	}
	one, err := s.get(ctx, t, by, id)
	if err == nil && one.Method != Poll {
		err = invalid("The events of this stream are pushed.")
	}
	return one, err
}

// wait looks again and again. When too many wait, whoever asks again in a moment is served as well.
func (s *Service) wait(ctx context.Context, by actor.Actor, id string, limit int, stop func() bool) (one Stream, found []Event, err error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return one, nil, nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for range looks {
		select {
		case <-ctx.Done():
			return one, nil, nil
		case <-tick.C:
		}
		if one, found, err = s.look(ctx, by, id, limit); err != nil || len(found) > 0 || one.Status != Enabled || stop != nil && stop() {
			break
		}
	}
	return one, found, err
}

// settle forgets what has arrived and what is refused.
func (s *Service) settle(ctx context.Context, by actor.Actor, id string, p Polling) error {
	if len(p.Ack)+len(p.Refused) == 0 {
		return nil
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		one, err := s.polled(ctx, t, by, id)
		if err != nil {
			return err
		}
		if _, err := s.d.Queue.Forget(ctx, t, one, p.Ack); err != nil {
			return err
		}
		byProblem := map[string][]string{}
		for jti, problem := range p.Refused {
			byProblem[ProblemOf(problem)] = append(byProblem[ProblemOf(problem)], jti)
		}
		for _, problem := range problems {
			n, err := s.d.Queue.Forget(ctx, t, one, byProblem[problem])
			if err == nil && n > 0 {
				err = t.Emit(ctx, event.New(by, EventRefused, one.ID, "problem", problem, "events", strconv.FormatInt(n, 10)))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fault.Wrap("signal.Poll", err)
}

// problems are the codes of RFC 8935 section 2.4, and one for everything else that a receiver may write.
var problems = []string{"invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied", "other"}

// ProblemOf is a receiver's error code, or "other".
func ProblemOf(code string) string {
	if slices.Contains(problems, code) {
		return code
	}
	return "other"
}

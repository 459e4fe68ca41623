package signal

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Tell puts signals of one kind into the queue of every stream that gets them, in the caller's unit of
// work. say is asked only when there is one.
func (s *Service) Tell(ctx context.Context, t tx.Tx, account ident.AccountID, k Kind, say func() ([]Signal, error)) error {
	streams, err := s.d.Streams.Wanting(ctx, t, account, k)
	if err != nil || len(streams) == 0 {
		return fault.Wrap("signal.Tell", err)
	}
	all, err := say()
	if err != nil {
		return fault.Wrap("signal.Tell", err)
	}
	for _, one := range streams {
		for _, what := range all {
			what.Kind = k
			if err := s.put(ctx, t, one, what); err != nil {
				return fault.Wrap("signal.Tell", err)
			}
		}
	}
	return nil
}

func (s *Service) put(ctx context.Context, t tx.Tx, to Stream, what Signal) error {
	return s.d.Queue.Put(ctx, t, Event{Signal: what, Account: to.Account, Stream: to.ID, ID: ident.New("set_"), CreatedAt: t.Now()})
}

// Verify sends a receiver's own state back to it. Errors: NotFound, Invalid, Limited.
func (s *Service) Verify(ctx context.Context, by actor.Actor, id, state string) error {
	if len(state) > maxState || strings.ContainsRune(state, 0) {
		return invalid("state has at most 1,024 bytes.")
	}
	if err := own(by); err != nil {
		return err
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		one, err := s.get(ctx, t, by, id)
		if err != nil {
			return err
		}
		if one.Status == Disabled {
			return invalid("The stream is disabled.")
		}
		ok, err := s.d.Streams.Verified(ctx, t, one, t.Now().Add(-VerifyEvery))
		if err == nil && !ok {
			err = errSoon
		}
		if err != nil {
			return err
		}
		claims := map[string]any{}
		if state != "" {
			claims["state"] = state
		}
		return s.put(ctx, t, one, Signal{Kind: Verification, Claims: claims})
	})
	return fault.Wrap("signal.Verify", err)
}

// Disable ends the telling by Admit itself: nothing is kept but the word of it. One that is changed
// meanwhile, or disabled, stays as it is.
func (s *Service) Disable(ctx context.Context, one Stream, why string) error {
	err := s.d.DB.Write(ctx, tx.In(one.Account), func(ctx context.Context, t tx.Tx) error {
		now, err := s.d.Streams.Get(ctx, t, one.Account, one.Client, one.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil || now.Version != one.Version || now.Status == Disabled {
			return err
		}
		now.Status, now.Reason = Disabled, why
		ok, err := s.d.Streams.Update(ctx, t, now)
		if err != nil || !ok {
			return err
		}
		if err := s.d.Queue.Clear(ctx, t, now); err != nil {
			return err
		}
		if err := s.put(ctx, t, now, Signal{Kind: Updated, Claims: map[string]any{"status": string(Disabled), "reason": why}}); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(actor.ForSystem(one.Account), EventDisabled, one.ID, "why", why))
	})
	return fault.Wrap("signal.Disable", err)
}

// WhyFull is why a stream is disabled whose receiver does not keep up.
const WhyFull = "More than 10,000 events wait for the receiver."

// Purge disables streams whose receivers do not keep up, and deletes up to limit events that nobody waits for.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	var full []Stream
	err = s.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		if n, err = s.d.Queue.Purge(ctx, t, t.Now().Add(-Kept), limit); err != nil {
			return err
		}
		full, err = s.d.Queue.Overflowing(ctx, t, s.d.MaxPending)
		return err
	})
	if err != nil {
		return n, fault.Wrap("signal.Purge", err)
	}
	for _, one := range full {
		if err := s.Disable(ctx, one, WhyFull); err != nil {
			return n, err
		}
	}
	return n, nil
}

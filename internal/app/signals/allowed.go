package signals

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
)

const (
	// catchUp bounds how long a refusal waits until this node has heard of what was committed before it.
	catchUp   = 5 * time.Second
	catchStep = 20 * time.Millisecond
)

// Follow tells when this node has last heard all that was committed: feed.Follower.Heard.
func (s *Signals) Follow(heard func() (rev int64, at time.Duration)) { s.heard = heard }

// surely is what ask says of a stream's client, where a refusal ends the stream: one from before this node heard of
// the client, or of what it may do, counts for nothing. Every change that another node had applied when it made the
// stream was committed before the stream was found to be due.
func (s *Signals) surely(ctx context.Context, ask func() error) error {
	now := clock.Monotonic()
	err := ask()
	if !fault.Is(err, fault.Forbidden) || s.heard == nil {
		return err
	}
	tick := time.NewTicker(catchStep)
	defer tick.Stop()
	for {
		if _, at := s.heard(); at > now {
			return ask()
		}
		if clock.Monotonic()-now > catchUp {
			return fault.New(fault.Unavailable, fault.CodeUnavailable, "This node does not know now what the receiver may.")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

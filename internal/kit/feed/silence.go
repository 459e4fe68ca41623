package feed

import (
	"context"
	"log/slog"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// sayAgain is how often the log tells that the feed still cannot be followed.
const sayAgain = 10 * time.Second

// silence tells in the log that the feed cannot be followed, now and then while that lasts, and that it
// is over: attempts are made several times in a second.
type silence struct {
	on          bool
	since, said time.Duration // as clock.Monotonic counts
}

func (s *silence) tell(ctx context.Context, err error) {
	now := clock.Monotonic()
	switch {
	case err == nil && s.on:
		slog.InfoContext(ctx, "the change feed is followed again", "after_ms", (now - s.since).Milliseconds())
		*s = silence{}
	case err == nil:
	case !s.on:
		*s = silence{on: true, since: now, said: now}
		slog.ErrorContext(ctx, "the change feed cannot be followed; this node answers 503 once it is stale", "error", err)
	case now-s.said >= sayAgain:
		s.said = now
		slog.ErrorContext(ctx, "the change feed still cannot be followed", "for_ms", (now - s.since).Milliseconds(), "error", err)
	}
}

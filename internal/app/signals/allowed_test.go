package signals

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
)

// A node that has not heard yet of a client's permission does not end its stream; one that has heard of its end does.
func TestSurely(t *testing.T) {
	refused := fault.New(fault.Forbidden, fault.CodeForbidden, "no")
	behind, asked := true, 0
	ask := func() error {
		if asked++; behind {
			return refused
		}
		return nil
	}
	s := &Signals{}
	s.Follow(func() (int64, time.Duration) { // the word of the permission comes with the first look
		behind = false
		return 1, clock.Monotonic()
	})
	if err := s.surely(t.Context(), ask); err != nil || asked != 2 {
		t.Errorf("%v after %d questions", err, asked)
	}
	s.Follow(func() (int64, time.Duration) { return 2, clock.Monotonic() })
	if err := s.surely(t.Context(), func() error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s.Follow(func() (int64, time.Duration) { // nothing is heard: nothing is known
		stop()
		return 2, 0
	})
	if err := s.surely(ctx, func() error { return refused }); err == nil || fault.Is(err, fault.Forbidden) {
		t.Error(err)
	}
}

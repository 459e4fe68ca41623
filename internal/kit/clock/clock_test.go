package clock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// A slow answer of the reference clock is no sign that this one is wrong; one that cannot be true is.
func TestCompare(t *testing.T) {
	late := func(by, after time.Duration) func() (time.Time, error) {
		return func() (time.Time, error) {
			there := time.Now().Add(by)
			time.Sleep(after)
			return there.Round(0), nil
		}
	}
	s := clock.NewSystem()
	for _, after := range []time.Duration{0, 20 * time.Millisecond} {
		if err := s.Compare(late(0, after)); err != nil || s.Correction() != 0 {
			t.Errorf("the same time, told %v late: corrected by %v, %v", after, s.Correction(), err)
		}
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		began := time.Now()
		err := s.Compare(late(by, 5*time.Millisecond))
		if off := (s.Correction() - by).Abs(); err != nil || off > time.Since(began) {
			t.Errorf("%v away: corrected by %v, %v", by, s.Correction(), err)
		}
	}
	was := s.Correction()
	failed := errors.New("no answer")
	if err := s.Compare(func() (time.Time, error) { return time.Time{}, failed }); err != failed || s.Correction() != was {
		t.Errorf("without an answer: %v, %v", s.Correction(), err)
	}
}

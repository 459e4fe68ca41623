package feed

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// TestSilenceIsToldOnce: an outage is one line when it begins and one when it ends, however often
// the feed is asked meanwhile.
func TestSilenceIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	var s silence
	away := errors.New("away")
	for _, err := range []error{nil, nil, away, away, away, nil, nil, away} {
		s.tell(t.Context(), err)
	}
	if cannot, again := strings.Count(log.String(), "cannot be followed"), strings.Count(log.String(), "followed again"); cannot != 2 || again != 1 {
		t.Errorf("%d and %d lines:\n%s", cannot, again, log.String())
	}
	log.Reset()
	s.said -= sayAgain
	s.tell(t.Context(), away)
	s.tell(t.Context(), away)
	if n := strings.Count(log.String(), "still cannot be followed"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}

package sqldb

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/admit-id/admit/internal/kit/fault"
)

// A database that goes away in the middle of a statement is an outage, not a fault of ours.
func TestLostConnectionsAreUnavailable(t *testing.T) {
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, fmt.Errorf("in: INSERT: %w", io.ErrUnexpectedEOF)} {
		var f *fault.Error
		if err := unavailable(lost); !errors.As(err, &f) || f.Kind != fault.Unavailable {
			t.Errorf("%v: %v", lost, err)
		}
	}
	if err := errors.New("a bug"); unavailable(err) != err {
		t.Error("every error is an outage")
	}
}

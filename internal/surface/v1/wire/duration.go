package wire

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
)

// Duration is a length of time as ISO 8601 writes it: PT24H, P30D, P1DT12H. Days have 24
// hours; years, months, weeks and fractions are refused.
type Duration time.Duration

var durationForm = regexp.MustCompile(`^P(?:([0-9]{1,4})D)?(T(?:([0-9]{1,5})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,6})S)?)?$`)

// MarshalText writes hours, minutes and seconds, because that is how the API spells its defaults.
func (d Duration) MarshalText() ([]byte, error) {
	if d < Duration(time.Second) {
		return []byte("PT0S"), nil
	}
	out := []byte("PT")
	rest := time.Duration(d)
	for _, u := range []struct {
		of     time.Duration
		letter string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := rest / u.of; n > 0 {
			out = fmt.Appendf(out, "%d%s", n, u.letter)
			rest -= n * u.of
		}
	}
	return out, nil
}

var errDuration = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"A duration is written as in ISO 8601, in days, hours, minutes and seconds, such as P30D, PT24H or PT1M30S.")

// UnmarshalText reads an ISO 8601 duration.
func (d *Duration) UnmarshalText(text []byte) error {
	m := durationForm.FindSubmatch(text)
	if m == nil || string(text) == "P" || string(m[2]) == "T" {
		return errDuration
	}
	var total time.Duration
	for i, unit := range map[int]time.Duration{1: 24 * time.Hour, 3: time.Hour, 4: time.Minute, 5: time.Second} {
		n, _ := strconv.Atoi(string(m[i])) // empty, or digits that fit
		total += time.Duration(n) * unit
	}
	*d = Duration(total)
	return nil
}

package connection

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var durationForm = regexp.MustCompile(`^PT(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?(?:([0-9]{1,5})S)?$`)

// ParseDuration reads an ISO 8601 duration of hours, minutes and seconds, for example PT5M. The
// empty text is 0.
func ParseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	m := durationForm.FindStringSubmatch(text)
	if m == nil || text == "PT" {
		return 0, invalid("conditions.authenticationLeewayDuration", "must be an ISO 8601 duration, for example PT5M")
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // empty, or digits that fit
		total += time.Duration(n) * unit
	}
	return total, nil
}

// FormatDuration writes what ParseDuration reads. It drops fractions of a second.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("PT")
	for _, u := range []struct {
		of     time.Duration
		letter string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / u.of; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.letter)
			d -= n * u.of
		}
	}
	return b.String()
}

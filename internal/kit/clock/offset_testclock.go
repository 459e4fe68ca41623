//go:build testclock

package clock

import (
	"os"
	"sync"
	"time"
)

var testOffset = sync.OnceValue(func() time.Duration {
	text := os.Getenv("ADMIT_TEST_CLOCK_OFFSET")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		os.Stderr.WriteString("ADMIT_TEST_CLOCK_OFFSET is not a duration such as 90m: " + err.Error() + "\n")
		os.Exit(2)
	}
	return d
})

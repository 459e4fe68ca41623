//go:build testclock

package clock

import (
	"os"
	"sync"
	"time"
)

var (
	testOffset = sync.OnceValue(func() time.Duration { return fromEnv("ADMIT_TEST_CLOCK_OFFSET") })
	testSkew   = sync.OnceValue(func() time.Duration { return fromEnv("ADMIT_TEST_CLOCK_SKEW") })
)

func fromEnv(name string) time.Duration {
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		os.Stderr.WriteString(name + " is not a duration such as 90m: " + err.Error() + "\n")
		os.Exit(2)
	}
	return d
}
